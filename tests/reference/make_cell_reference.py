#!/usr/bin/env python3
"""Makes the reference values of cells_test.cpp: cells that PyTorch has no module of.

Each is its paper's equations in plain torch operations, one record at a time, and torch.autograd finds the gradients.
make_reference.py says what a file is and what its names mean. To make the values again:

    /usr/bin/python3 tests/reference/make_cell_reference.py

Before it writes, it checks the equations where they become something else that is known to be right: see `verify`.

A cell here is a function (parameters p, x_t, state) -> state, of one record, whose h is what the cell puts out.
`stacked` cuts what W_xh, W_hh and b_h stack; the first line of a file says in which order.

sLSTM and mLSTM hold their memory times exp(-m), which h does not feel, whatever m is: Reprise chooses it so that no
exponential overflows. Here it begins as anything, which gives dL/dm a value, and is 0 after every step.
"""

import math

import torch
from torch import nn, sigmoid, tanh

from make_reference import HIDDEN, INPUTS, LENGTHS, OUTPUTS, record_values, records, squared_error, write


def stacked(a, gates):
    return a.view(gates, -1)


def scaled(s, part):
    return s[part] * s["m"].exp()


def gru_reset_before(p, x, s):
    """Cho et al. (2014), arXiv 1406.1078v3, equations 5 to 8: the reset gate stands before the product."""
    W, U, b = (stacked(part, 3) for part in (p["W_xh"] @ x, p["W_hh"] @ s["h"], p["b_h"]))
    r, z = sigmoid(W[0] + U[0] + b[0]), sigmoid(W[1] + U[1] + b[1])
    n = tanh(W[2] + p["W_hh"][2 * HIDDEN :] @ (r * s["h"]) + b[2])
    return {"h": (1 - z) * n + z * s["h"]}


def lstm_peephole(p, x, s):
    """Graves (2013), arXiv 1308.0850, equations 7 to 11: i and f look at c_{t-1}, o looks at c_t."""
    i, f, g, o = stacked(p["W_xh"] @ x + p["W_hh"] @ s["h"] + p["b_h"], 4)
    i, f = sigmoid(i + p["p_i"] * s["c"]), sigmoid(f + p["p_f"] * s["c"])
    c = f * s["c"] + i * tanh(g)
    return {"h": sigmoid(o + p["p_o"] * c) * tanh(c), "c": c}


def lstm_coupled(p, x, s):
    """Greff et al. (2017), arXiv 1503.04069, CIFG: what is forgotten makes room for what comes in, i = 1 - f."""
    f, g, o = stacked(p["W_xh"] @ x + p["W_hh"] @ s["h"] + p["b_h"], 3)
    f = sigmoid(f)
    c = f * s["c"] + (1 - f) * tanh(g)
    return {"h": sigmoid(o) * tanh(c), "c": c}


def mgu(p, x, s):
    """Zhou et al. (2016), arXiv 1603.09420, the minimal gated unit."""
    W, b = stacked(p["W_xh"] @ x, 2), stacked(p["b_h"], 2)
    U_f, U_n = p["W_hh"].split(HIDDEN)
    f = sigmoid(W[0] + U_f @ s["h"] + b[0])
    n = tanh(W[1] + U_n @ (f * s["h"]) + b[1])
    return {"h": (1 - f) * s["h"] + f * n}


def min_gru(p, x, s):
    """Feng et al. (2024), arXiv 2410.01201, section 3.1: no gate looks at h."""
    z, n = stacked(p["W_xh"] @ x + p["b_h"], 2)
    z = sigmoid(z)
    return {"h": (1 - z) * s["h"] + z * n}


def slstm(p, x, s):
    """Beck et al. (2024), arXiv 2405.04517, section 2.2, i = exp, f = sigmoid, no stabiliser."""
    i, f, z, o = stacked(p["W_xh"] @ x + p["W_hh"] @ s["h"] + p["b_h"], 4)
    i, f = i.exp(), sigmoid(f)
    c, n = f * scaled(s, "c") + i * tanh(z), f * scaled(s, "n") + i
    return {"h": sigmoid(o) * c / n, "c": c, "n": n, "m": 0 * s["m"]}


def mlstm(p, x, s):
    """Beck et al. (2024), arXiv 2405.04517, section 2.3, one head, i = exp, f = sigmoid, no stabiliser."""
    (q, k, v, o), (b_q, b_k, b_v, b_o) = stacked(p["W_xh"] @ x, 4), stacked(p["b_h"], 4)
    q, k, v, o = q + b_q, k / math.sqrt(HIDDEN) + b_k, v + b_v, sigmoid(o + b_o)
    i, f = p["W_if"] @ x + p["b_if"]
    i, f = i.exp(), sigmoid(f)
    C = f * scaled(s, "C").view(HIDDEN, HIDDEN).T + i * v.outer(k)  # in a state, column by column
    n = f * scaled(s, "n") + i * k
    DOT_PRODUCTS.append(abs((n @ q).item()))
    return {"h": o * (C @ q) / (n @ q).abs().clamp(min=1), "C": C.T.reshape(-1), "n": n, "m": 0 * s["m"]}


DOT_PRODUCTS = []  # every |n . q| that mlstm met


def gates(count, **more):
    """Shapes of the parameters of a cell of `count` gates."""
    return {
        "W_xh": (count * HIDDEN, INPUTS),
        "W_hh": (count * HIDDEN, HIDDEN),
        "b_h": (count * HIDDEN,),
        **more,
    }


PEEPHOLES = {f"p_{gate}": (HIDDEN,) for gate in "ifo"}
WITHOUT_W_HH = {name: shape for name, shape in gates(2).items() if name != "W_hh"}
MLSTM = {"W_xh": (4 * HIDDEN, INPUTS), "b_h": (4 * HIDDEN,), "W_if": (2, INPUTS), "b_if": (2,)}
H = {"h": HIDDEN}

# name: equations, what the first line says, shapes of the parameters, rows of the parts of the state
CELLS = {
    "gru_reset_before": (gru_reset_before, "gates r, z, n", gates(3), H),
    "lstm_peephole": (lstm_peephole, "gates i, f, g, o", gates(4, **PEEPHOLES), {**H, "c": HIDDEN}),
    "lstm_coupled": (lstm_coupled, "gates f, g, o", gates(3), {**H, "c": HIDDEN}),
    "mgu": (mgu, "gates f, n", gates(2), H),
    "min_gru": (min_gru, "gates z, n", WITHOUT_W_HH, H),
    "slstm": (slstm, "gates i, f, z, o", gates(4), {**H, "c": HIDDEN, "n": HIDDEN, "m": HIDDEN}),
    "mlstm": (
        mlstm,
        "W_xh stacks q, k, v, o, W_if i, f; k = W_k x / sqrt(hidden) + b_k; C column by column",
        MLSTM,
        {**H, "C": HIDDEN**2, "n": HIDDEN, "m": 1},
    ),
}


def run(cell, p, x, initial):
    """h of every record, (steps, hidden), and the final state; a state is a part's name -> (rows, records)."""
    h, final = [], []
    for i, record in enumerate(x):
        state, of_record = {name: part[:, i] for name, part in initial.items()}, []
        for x_t in record:
            state = cell(p, x_t, state)
            of_record.append(state["h"])
        h.append(torch.stack(of_record))
        final.append(state)
    return h, {name: torch.stack([state[name] for state in final], dim=1) for name in initial}


def random_parameters(shapes):
    return {name: torch.randn(shape).mul(0.7).requires_grad_() for name, shape in shapes.items()}


def random_state(name, rows):
    state = {part: torch.randn(count, len(LENGTHS)) for part, count in rows.items()}
    if name == "slstm":  # n is a sum of exponentials
        state["n"] = state["n"].exp()
    return {part: value.requires_grad_() for part, value in state.items()}


def make_case(seed, name):
    equations, order, shapes, rows = CELLS[name]
    torch.manual_seed(seed)
    p = random_parameters(shapes)
    readout = nn.Linear(HIDDEN, OUTPUTS)
    x, initial = records(INPUTS, LENGTHS), random_state(name, rows)
    target = [torch.randn(length, OUTPUTS) for length in LENGTHS]

    h, final = run(equations, p, x, initial)
    y = [readout(of_record) for of_record in h]
    loss = squared_error(torch.cat(y), torch.cat(target))
    loss.backward()

    def gradient(value):
        return torch.zeros_like(value) if value.grad is None else value.grad  # None: mLSTM reads no h

    def model(prefix, values, of_readout):
        cell = {f"{prefix}.cell.{parameter}": value for parameter, value in values.items()}
        return {**cell, f"{prefix}.W_hy": of_readout[0], f"{prefix}.b_y": of_readout[1]}

    write(
        name,
        f"{equations.__name__}, loss: squared_error; {order}\n# {equations.__doc__}",
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
            **{f"d_initial.{part}": gradient(value) for part, value in initial.items()},
        },
        script="make_cell_reference.py",
    )


# --- What the equations become where something else is known to be right ----------------------------------------------


def verify():
    """Asserts that cells agree, over 6 steps from some state, with PyTorch's modules, with each other, with sums."""
    torch.manual_seed(0)
    x, h, c = torch.randn(6, INPUTS), torch.randn(HIDDEN), torch.randn(HIDDEN)

    def outputs(cell, p, **state):
        all_h = []
        for x_t in x:
            state = cell(p, x_t, state)
            all_h.append(state["h"])
        return torch.stack(all_h)

    def module(kind, p, *state):
        """Of PyTorch, with the parameters p."""
        rnn = kind(INPUTS, HIDDEN)
        rnn.load_state_dict(
            {"weight_ih_l0": p["W_xh"], "weight_hh_l0": p["W_hh"], "bias_ih_l0": p["b_h"], "bias_hh_l0": 0 * p["b_h"]}
        )
        state = tuple(part[None] for part in state)
        return rnn(x, state if kind is nn.LSTM else state[0])[0]

    def random(count, **more):
        return {name: value.detach() for name, value in random_parameters(gates(count, **more)).items()}

    def rows(p, *which):
        """Gates of p in another order, 'which' counting from 1; -1 is the first, negated."""
        return {
            name: torch.cat([math.copysign(1, k) * value.split(HIDDEN)[abs(k) - 1] for k in which])
            for name, value in p.items()
        }

    # Without peepholes: the LSTM. And of one step, a bias does what a peephole does.
    p = random(4, **PEEPHOLES)
    blind = p | {peephole: 0 * p[peephole] for peephole in PEEPHOLES}
    assert torch.allclose(outputs(lstm_peephole, blind, h=h, c=c), module(nn.LSTM, p, h, c), rtol=1e-12)
    first = lstm_peephole(p, x[0], {"h": h, "c": c})
    sees = torch.cat([p["p_i"] * c, p["p_f"] * c, 0 * c, p["p_o"] * first["c"]])
    biased = lstm_peephole(blind | {"b_h": p["b_h"] + sees}, x[0], {"h": h, "c": c})
    assert torch.allclose(first["h"], biased["h"], rtol=1e-12)

    # i = 1 - f = sigmoid(-a_f): the LSTM again.
    p = random(3)
    assert torch.allclose(outputs(lstm_coupled, p, h=h, c=c), module(nn.LSTM, rows(p, -1, 1, 2, 3), h, c), rtol=1e-12)

    # U_n diagonal: U_n (r * h) = r * (U_n h), which is the GRU of PyTorch.
    p = random(3)
    p["W_hh"][2 * HIDDEN :] = torch.diag(torch.randn(HIDDEN))
    assert torch.allclose(outputs(gru_reset_before, p, h=h), module(nn.GRU, p, h), rtol=1e-12)

    # r = f, z = 1 - f = sigmoid(-a_f): the GRU with its reset gate before.
    p = random(2)
    assert torch.allclose(outputs(mgu, p, h=h), outputs(gru_reset_before, rows(p, 1, -1, 2), h=h), rtol=1e-12)

    # Linear in h: h_T = sum over t of (what came in at t) * (what was kept since).
    p = random(2)
    z, n = (x @ p["W_xh"].T + p["b_h"]).split(HIDDEN, dim=1)
    z = sigmoid(z)
    sums = [h * (1 - z[: t + 1]).prod(0) for t in range(6)]
    for t in range(6):
        for s in range(t + 1):
            sums[t] = sums[t] + z[s] * n[s] * (1 - z[s + 1 : t + 1]).prod(0)
    assert torch.allclose(outputs(min_gru, p, h=h), torch.stack(sums), rtol=1e-12)

    # From c = n = 0, with U = 0: h is o times an average of z, weighted by exp(a_i) and what was kept since.
    p = random(4)
    p["W_hh"] *= 0
    i, f, z, o = (x @ p["W_xh"].T + p["b_h"]).split(HIDDEN, dim=1)
    for t, h_t in enumerate(outputs(slstm, p, h=h, c=0 * c, n=0 * c, m=0 * c)):
        weight = torch.stack([i[s].exp() * sigmoid(f[s + 1 : t + 1]).prod(0) for s in range(t + 1)])
        average = (weight / weight.sum(0) * tanh(z[: t + 1])).sum(0)
        assert torch.allclose(h_t, sigmoid(o[t]) * average, rtol=1e-12)

    # From C = n = 0, the parallel form (in the paper's appendix): attention with weights instead of a softmax.
    p = {name: value.detach() for name, value in random_parameters(MLSTM).items()}
    all_h = outputs(mlstm, p, h=h, C=torch.zeros(HIDDEN**2), n=0 * c, m=torch.zeros(1))
    i, f = (x @ p["W_if"].T + p["b_if"]).T
    p["W_xh"][HIDDEN : 2 * HIDDEN] /= HIDDEN**0.5
    q, k, v, o = (x @ p["W_xh"].T + p["b_h"]).split(HIDDEN, dim=1)
    for t, h_t in enumerate(all_h):
        weight = torch.stack([i[s].exp() * sigmoid(f[s + 1 : t + 1]).prod() * (q[t] @ k[s]) for s in range(t + 1)])
        assert torch.allclose(h_t, sigmoid(o[t]) * (weight @ v[: t + 1]) / max(abs(weight.sum()), 1), rtol=1e-12)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    verify()
    for number, name in enumerate(CELLS):
        DOT_PRODUCTS.clear()
        make_case(101 + number, name)
        if name == "mlstm":  # both sides of the maximum, and nothing near its corner
            assert min(DOT_PRODUCTS) < 0.9 and max(DOT_PRODUCTS) > 1.1
            assert min(abs(dot - 1) for dot in DOT_PRODUCTS) > 0.01
