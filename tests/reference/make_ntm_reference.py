#!/usr/bin/env python3
"""Makes the reference values of the neural Turing machine, NTMCell, for cells_test.cpp.

As make_cell_reference.py does for the cells there: the equations of the paper in plain torch operations, one record at a
time, and torch.autograd finds the gradients; make_reference.py says what a file is. To make the values again:

    /usr/bin/python3 tests/reference/make_ntm_reference.py

Before it writes, it checks the equations where they are known to become something else: see `verify`.
"""

import torch
from torch import nn, sigmoid, softmax, tanh
from torch.nn import functional

from make_reference import HIDDEN, INNER, INPUTS, LENGTHS, OUTPUTS, record_values, records, squared_error, write

SLOTS = INNER
WIDTH = HIDDEN // 2
UNITS = HIDDEN - WIDTH
BLOCKS = [UNITS, WIDTH, WIDTH, WIDTH, WIDTH, 1, 1, 1, SLOTS]
SHAPES = {"W_xh": (sum(BLOCKS), INPUTS), "W_hh": (sum(BLOCKS), HIDDEN), "b_h": (sum(BLOCKS),)}
ROWS = {"h": HIDDEN, "M": SLOTS * WIDTH}


def similarity(k, M):
    """Graves et al. (2014), equation 6, each length with 1/100 under its root."""

    def length(u):
        return (u.square().sum(-1) + 0.01).sqrt()

    return M @ k / (length(k) * length(M))


def ntm(p, x, s):
    """Graves et al. (2014), arXiv 1410.5401, equations 2 to 6, addressing by content, the write shifted by l."""
    a = p["W_xh"] @ x + p["W_hh"] @ s["h"] + p["b_h"]
    c, k, k_write, e, v, b, b_write, g, l = a.split(BLOCKS)
    M = s["M"].view(SLOTS, WIDTH)
    w = softmax(functional.softplus(b) * similarity(k, M), dim=0)
    w_write = sigmoid(g) * softmax(functional.softplus(b_write) * similarity(k_write, M) + l, dim=0)
    erased = M * (1 - w_write.outer(sigmoid(e)))
    return {"h": torch.cat([tanh(c), w @ M]), "M": (erased + w_write.outer(tanh(v))).reshape(-1)}


def run(p, x, initial):
    """h of every record, (steps, hidden), and the final state; a state is a part's name -> (rows, records)."""
    h, final = [], []
    for i, record in enumerate(x):
        state, of_record = {name: part[:, i] for name, part in initial.items()}, []
        for x_t in record:
            state = ntm(p, x_t, state)
            of_record.append(state["h"])
        h.append(torch.stack(of_record))
        final.append(state)
    return h, {name: torch.stack([state[name] for state in final], dim=1) for name in initial}


def make_case():
    torch.manual_seed(1)
    p = {name: torch.randn(shape).mul(0.7).requires_grad_() for name, shape in SHAPES.items()}
    readout = nn.Linear(HIDDEN, OUTPUTS)
    x = records(INPUTS, LENGTHS)
    initial = {part: torch.randn(rows, len(LENGTHS)) for part, rows in ROWS.items()}
    initial["M"][:, 0] = 0  # the memory of a fresh state
    initial = {part: value.requires_grad_() for part, value in initial.items()}
    target = [torch.randn(length, OUTPUTS) for length in LENGTHS]

    h, final = run(p, x, initial)
    y = [readout(of_record) for of_record in h]
    loss = squared_error(torch.cat(y), torch.cat(target))
    loss.backward()

    def model(prefix, values, of_readout):
        cell = {f"{prefix}.cell.{parameter}": value for parameter, value in values.items()}
        return {**cell, f"{prefix}.W_hy": of_readout[0], f"{prefix}.b_y": of_readout[1]}

    write(
        "memory_cell",
        f"NTMCell, loss: squared_error; rows c, k, k', e, v, b, b', g, l; h = (c, r); M slot by slot\n# {ntm.__doc__}",
        {
            **model("model", p, [*readout.parameters()]),
            **record_values(x, "x"),
            **record_values(target, "target"),
            **{f"initial.{part}": value for part, value in initial.items()},
            **record_values(y, "y"),
            **{f"final.{part}": value for part, value in final.items()},
            "loss": loss,
            **model("gradient", {key: value.grad for key, value in p.items()}, [q.grad for q in readout.parameters()]),
            **record_values([record.grad for record in x], "dx"),
            **{f"d_initial.{part}": value.grad for part, value in initial.items()},
        },
        script="make_ntm_reference.py",
    )


def verify():
    """Asserts what must hold of the equations whatever the weights."""
    torch.manual_seed(0)
    p = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    x, h, M = torch.randn(INPUTS), torch.randn(HIDDEN), torch.randn(SLOTS, WIDTH)
    g, l = sum(BLOCKS[:7]), sum(BLOCKS[:8])

    def step(biases, h=h, M=M):
        b_h = p["b_h"].clone()
        for row, value in biases.items():
            b_h[row] += value
        after = ntm(p | {"b_h": b_h}, x, {"h": h, "M": M.reshape(-1)})
        return after["h"], after["M"].view(SLOTS, WIDTH)

    # PyTorch's own cosine, between vectors so long that 1/100 does not count.
    k = 1e9 * torch.randn(WIDTH)
    assert torch.allclose(similarity(k, 1e9 * M), functional.cosine_similarity(k[None], M), rtol=1e-12)
    # Without a read the controller is PyTorch's RNN.
    rnn = nn.RNNCell(INPUTS, HIDDEN)
    rows = {name: torch.cat([value[:UNITS], 0 * value[:WIDTH]]) for name, value in p.items()}
    rnn.load_state_dict(
        {"weight_ih": rows["W_xh"], "weight_hh": rows["W_hh"], "bias_ih": rows["b_h"], "bias_hh": 0 * h}
    )
    assert torch.allclose(step({})[0][:UNITS], rnn(x, h)[:UNITS], rtol=1e-12)
    # Shut, nothing is written. Open, all erased, to one slot: there stands tanh(a_v), elsewhere what was.
    assert torch.allclose(step({g: -1e9})[1], M, rtol=1e-12)
    everything = {g: 1e9, l + 3: 1e9, **{row: 1e9 for row in range(UNITS + 2 * WIDTH, UNITS + 3 * WIDTH)}}
    after = step(everything)[1]
    v = tanh((p["W_xh"] @ x + p["W_hh"] @ h + p["b_h"])[UNITS + 3 * WIDTH : UNITS + 4 * WIDTH])
    assert torch.allclose(after[3], v, rtol=1e-12)
    others = [0, 1, 2, 4]
    assert torch.allclose(after[others], M[others], rtol=1e-12)
    # Read sharply: the slot that is like the key. Not at all sharply: the mean.
    a = p["W_xh"] @ x + p["W_hh"] @ h + p["b_h"]
    sharply = sum(BLOCKS[:5])
    best = similarity(a[UNITS : UNITS + WIDTH], M).argmax()
    assert torch.allclose(step({sharply: 1e9})[0][UNITS:], M[best], rtol=1e-12)
    assert torch.allclose(step({sharply: -1e9})[0][UNITS:], M.mean(0), rtol=1e-12)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    verify()
    make_case()
