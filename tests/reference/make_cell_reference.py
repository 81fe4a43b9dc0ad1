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

Where the state of a cell in Reprise has an h that the equations do not look at, dL/dh is 0. Jordan and LRU have INNER
units behind HIDDEN outputs.
"""

import math

import torch
from torch import nn, relu, sigmoid, tanh
from torch.nn import functional

from make_reference import HIDDEN, INNER, INPUTS, LENGTHS, OUTPUTS, record_values, records, squared_error, write


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


def indrnn(p, x, s):
    """Li et al. (2018), arXiv 1803.04831: a unit sees its own past only."""
    a = p["W_xh"] @ x + p["u"] * s["h"] + p["b_h"]
    RELU_ARGUMENTS.append(a.detach())
    return {"h": relu(a)}


def leaky_rnn(p, x, s):
    """Goodfellow et al., Deep Learning, section 10.9.2: a running mean, over tau = 1 + exp(-s) steps."""
    tau = 1 + (-p["s"]).exp()
    n = tanh(p["W_xh"] @ x + p["W_hh"] @ s["h"] + p["b_h"])
    return {"h": (1 - 1 / tau) * s["h"] + 1 / tau * n}


def jordan(p, x, s):
    """Jordan (1986): the output goes round, not the hidden units."""
    o = s["h"]
    units = tanh(p["W_xh"] @ x + p["W_hh"] @ o + p["b_h"])
    return {"h": p["W_ho"] @ units + p["b_o"]}


def min_lstm(p, x, s):
    """Feng et al. (2024), arXiv 2410.01201, section 3.2: no gate looks at h, and two of them share out 1."""
    i, f, n = stacked(p["W_xh"] @ x + p["b_h"], 3)
    i, f = sigmoid(i), sigmoid(f)
    return {"h": f / (f + i) * s["h"] + i / (f + i) * n}


def sru(p, x, s):
    """Lei et al. (2017), arXiv 1709.02755v2, section 2, with a linear map of x on the highway."""
    u, f, r, k = stacked(p["W_xh"] @ x, 4)
    b_f, b_r = stacked(p["b_fr"], 2)
    f, r = sigmoid(f + b_f), sigmoid(r + b_r)
    c = f * s["c"] + (1 - f) * u
    return {"h": r * tanh(c) + (1 - r) * k, "c": c}


def qrnn(p, x, s):
    """Bradbury et al. (2017), arXiv 1611.01576, equations 2 and 4: gates of two inputs, fo-pooling."""
    z, f, o = stacked(s["p"] + p["W_xh"] @ x + p["b_h"], 3)
    z, f, o = tanh(z), sigmoid(f), sigmoid(o)
    c = f * s["c"] + (1 - f) * z
    return {"h": o * c, "c": c, "p": p["W_past"] @ x}


def lru(p, x, s):
    """Orvieto et al. (2023), arXiv 2303.06349, section 3: diagonal and complex, normalised by gamma."""
    rotation = torch.complex(-p["nu"].exp(), p["theta"].exp()).exp()
    B = torch.complex(*p["B"].chunk(2))
    C_re, minus_C_im = p["C"].chunk(2, dim=1)
    C = torch.complex(C_re, -minus_C_im)
    state = rotation * torch.complex(*s["s"].chunk(2)) + p["gamma_log"].exp() * (B @ x.to(B.dtype))
    return {"h": (C @ state).real + p["D"] @ x, "s": torch.cat([state.real, state.imag])}


def cfc(p, x, s):
    """Hasani et al. (2022), Nature Machine Intelligence 4, equation 10; the last input is the time since the last."""
    u, time = x[:-1], x[-1]
    g, h, A, B = stacked(p["W_xh"] @ u + p["W_hh"] @ s["h"] + p["b_h"], 4)
    gate = sigmoid(-(A * time + B))
    return {"h": gate * tanh(g) + (1 - gate) * tanh(h)}


def lstm_layer_normed(p, x, s):
    """Ba et al. (2016), arXiv 1607.06450, equation 20, for the gates of an LSTM; c is not normalised."""
    z, u = p["W_xh"] @ x, p["W_hh"] @ s["h"]
    z = functional.layer_norm(z, z.shape, weight=p["gain_x"], eps=1e-5)
    u = functional.layer_norm(u, u.shape, weight=p["gain_h"], eps=1e-5)
    i, f, g, o = stacked(z + u + p["b_h"], 4)
    c = sigmoid(f) * s["c"] + sigmoid(i) * tanh(g)
    return {"h": sigmoid(o) * tanh(c), "c": c}


DOT_PRODUCTS = []  # every |n . q| that mlstm met
RELU_ARGUMENTS = []  # everything of which indrnn took the relu


def gates(count, **more):
    """Shapes of the parameters of a cell of `count` gates."""
    return {
        "W_xh": (count * HIDDEN, INPUTS),
        "W_hh": (count * HIDDEN, HIDDEN),
        "b_h": (count * HIDDEN,),
        **more,
    }


def without_W_hh(count, **more):
    return {name: shape for name, shape in gates(count, **more).items() if name != "W_hh"}


PEEPHOLES = {f"p_{gate}": (HIDDEN,) for gate in "ifo"}
GAINS = {"gain_x": (4 * HIDDEN,), "gain_h": (4 * HIDDEN,)}
JORDAN = {
    "W_xh": (INNER, INPUTS),
    "W_hh": (INNER, HIDDEN),
    "b_h": (INNER,),
    "W_ho": (HIDDEN, INNER),
    "b_o": (HIDDEN,),
}
SRU = {"W_xh": (4 * HIDDEN, INPUTS), "b_fr": (2 * HIDDEN,)}
LRU = {
    **{name: (INNER,) for name in ("nu", "theta", "gamma_log")},
    "B": (2 * INNER, INPUTS),
    "C": (HIDDEN, 2 * INNER),
    "D": (HIDDEN, INPUTS),
}
CFC = gates(4) | {"W_xh": (4 * HIDDEN, INPUTS - 1)}
MLSTM = {"W_xh": (4 * HIDDEN, INPUTS), "b_h": (4 * HIDDEN,), "W_if": (2, INPUTS), "b_if": (2,)}
H = {"h": HIDDEN}

# name: equations, what the first line says, shapes of the parameters, rows of the parts of the state
CELLS = {
    "gru_reset_before": (gru_reset_before, "gates r, z, n", gates(3), H),
    "lstm_peephole": (lstm_peephole, "gates i, f, g, o", gates(4, **PEEPHOLES), {**H, "c": HIDDEN}),
    "lstm_coupled": (lstm_coupled, "gates f, g, o", gates(3), {**H, "c": HIDDEN}),
    "mgu": (mgu, "gates f, n", gates(2), H),
    "min_gru": (min_gru, "gates z, n", without_W_hh(2), H),
    "slstm": (slstm, "gates i, f, z, o", gates(4), {**H, "c": HIDDEN, "n": HIDDEN, "m": HIDDEN}),
    "mlstm": (
        mlstm,
        "W_xh stacks q, k, v, o, W_if i, f; k = W_k x / sqrt(hidden) + b_k; C column by column",
        MLSTM,
        {**H, "C": HIDDEN**2, "n": HIDDEN, "m": 1},
    ),
    "indrnn": (indrnn, "relu", without_W_hh(1, u=(HIDDEN,)), H),
    "leaky_rnn": (leaky_rnn, "tanh", gates(1, s=(HIDDEN,)), H),
    "jordan": (jordan, "h is the output, W_hh what it is multiplied by", JORDAN, H),
    "min_lstm": (min_lstm, "gates i, f, n", without_W_hh(3), H),
    "sru": (sru, "W_xh stacks u, f, r, k, b_fr f, r", SRU, {**H, "c": HIDDEN}),
    "qrnn": (
        qrnn,
        "gates z, f, o; p = W_past x of the step before",
        without_W_hh(3, W_past=(3 * HIDDEN, INPUTS)),
        {**H, "c": HIDDEN, "p": 3 * HIDDEN},
    ),
    "lru": (lru, "B and s stack Re, Im, C Re, -Im", LRU, {**H, "s": 2 * INNER}),
    "cfc": (cfc, "W_xh stacks g, h, A, B", CFC, H),
    "lstm_layer_normed": (lstm_layer_normed, "gates i, f, g, o", gates(4, **GAINS), {**H, "c": HIDDEN}),
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


def random_records(name):
    x = records(INPUTS, LENGTHS)
    if name == "cfc":  # its last input is a time
        with torch.no_grad():
            for record in x:
                record[:, -1].exp_()
    return x


def make_case(seed, name):
    equations, order, shapes, rows = CELLS[name]
    torch.manual_seed(seed)
    p = random_parameters(shapes)
    readout = nn.Linear(HIDDEN, OUTPUTS)
    x, initial = random_records(name), random_state(name, rows)
    target = [torch.randn(length, OUTPUTS) for length in LENGTHS]

    h, final = run(equations, p, x, initial)
    y = [readout(of_record) for of_record in h]
    loss = squared_error(torch.cat(y), torch.cat(target))
    loss.backward()

    def gradient(value):  # None: of h, where the equations do not look at it
        return torch.zeros_like(value) if value.grad is None else value.grad

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
    x[:, -1].exp_()  # a time, for CfC

    def outputs(cell, p, /, **state):
        all_h = []
        for x_t in x:
            state = cell(p, x_t, state)
            all_h.append(state["h"])
        return torch.stack(all_h)

    def module(kind, p, *state, **options):
        """Of PyTorch, with the parameters p, of as many inputs as W_xh has columns."""
        inputs, hidden = p["W_xh"].shape[1], p["W_hh"].shape[1]
        rnn = kind(inputs, hidden, **options)
        rnn.load_state_dict(
            {"weight_ih_l0": p["W_xh"], "weight_hh_l0": p["W_hh"], "bias_ih_l0": p["b_h"], "bias_hh_l0": 0 * p["b_h"]}
        )
        state = tuple(part[None] for part in state)
        return rnn(x[:, :inputs], state if kind is nn.LSTM else state[0])[0]

    def random_of(shapes):
        return {name: value.detach() for name, value in random_parameters(shapes).items()}

    def random(count, **more):
        return random_of(gates(count, **more))

    def rows(p, *which):
        """Gates of p in another order, 'which' counting from 1; -1 is the first, negated."""
        return {
            name: torch.cat([math.copysign(1, k) * value.split(HIDDEN)[abs(k) - 1] for k in which])
            for name, value in p.items()
        }

    def sums(start, kept, new):
        """A linear recurrence: (what came in at s) * (what was kept since), summed over s, for every t."""
        all_sums = []
        for t in range(6):
            terms = [new[s] * kept[s + 1 : t + 1].prod(0) for s in range(t + 1)]
            all_sums.append(start * kept[: t + 1].prod(0) + sum(terms))
        return torch.stack(all_sums)

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

    # Linear in h.
    p = random(2)
    z, n = (x @ p["W_xh"].T + p["b_h"]).split(HIDDEN, dim=1)
    z = sigmoid(z)
    assert torch.allclose(outputs(min_gru, p, h=h), sums(h, 1 - z, z * n), rtol=1e-12)

    # i / (f + i) = sigmoid(log(i / f)), so linear in h with one gate.
    p = random(3)
    i, f, n = (x @ p["W_xh"].T + p["b_h"]).split(HIDDEN, dim=1)
    z = sigmoid(functional.logsigmoid(i) - functional.logsigmoid(f))
    assert torch.allclose(outputs(min_lstm, p, h=h), sums(h, 1 - z, z * n), rtol=1e-12)

    # Linear in c; b_fr is a bias of the rows f and r, which stand between u and k.
    p = random_of(SRU)
    b = torch.cat([0 * h, p["b_fr"], 0 * h])
    u, f, r, k = (x @ p["W_xh"].T + b).split(HIDDEN, dim=1)
    all_c = sums(c, sigmoid(f), sigmoid(-f) * u)
    assert torch.allclose(outputs(sru, p, h=h, c=c), torch.lerp(k, tanh(all_c), sigmoid(r)), rtol=1e-12)

    # The gates are a convolution; linear in c.
    p, before = random(3, W_past=(3 * HIDDEN, INPUTS)), torch.randn(1, INPUTS)
    kernel = torch.stack([p["W_past"], p["W_xh"]], dim=2)
    z, f, o = functional.conv1d(torch.cat([before, x]).T, kernel, p["b_h"]).T.split(HIDDEN, dim=1)
    expected = sigmoid(o) * sums(c, sigmoid(f), sigmoid(-f) * tanh(z))
    assert torch.allclose(outputs(qrnn, p, h=h, c=c, p=p["W_past"] @ before[0]), expected, rtol=1e-12)

    # Without complex numbers: t steps are exp(t A), A real, for a number a + ib is the matrix (a, -b; b, a).
    p, s_0 = random_of(LRU), torch.randn(2 * INNER)
    decay, turn = torch.diag(p["nu"].exp()), torch.diag(p["theta"].exp())
    A = torch.cat([torch.cat([-decay, -turn], dim=1), torch.cat([turn, -decay], dim=1)])
    v = p["gamma_log"].exp().repeat(2) * (x @ p["B"].T)
    for t, h_t in enumerate(outputs(lru, p, h=h, s=s_0)):
        s_t = torch.matrix_exp((t + 1) * A) @ s_0 + sum(torch.matrix_exp((t - s) * A) @ v[s] for s in range(t + 1))
        assert torch.allclose(h_t, p["C"] @ s_t + p["D"] @ x[t], rtol=1e-12)

    # W_hh diagonal: the RNN of PyTorch.
    p = random(1, u=(HIDDEN,))
    diagonal = p | {"W_hh": torch.diag(p["u"])}
    assert torch.allclose(outputs(indrnn, p, h=h), module(nn.RNN, diagonal, h, nonlinearity="relu"), rtol=1e-12)

    # The GRU of PyTorch, with r = 1 and z = 1 - 1 / tau = sigmoid(-s).
    p = random(1, s=(HIDDEN,))
    constant = {name: torch.cat([0 * p[name], 0 * p[name], p[name]]) for name in ("W_xh", "W_hh")}
    constant["b_h"] = torch.cat([0 * h + 50, -p["s"], p["b_h"]])
    assert torch.allclose(outputs(leaky_rnn, p, h=h), module(nn.GRU, constant, h), rtol=1e-12)

    # An RNN of the hidden units, from those that put out the first h, with the way through the output as W_hh.
    p, units = random_of(JORDAN), torch.randn(INNER)
    through = {"W_xh": p["W_xh"], "W_hh": p["W_hh"] @ p["W_ho"], "b_h": p["b_h"] + p["W_hh"] @ p["b_o"]}
    expected = module(nn.RNN, through, units) @ p["W_ho"].T + p["b_o"]
    assert torch.allclose(outputs(jordan, p, h=p["W_ho"] @ units + p["b_o"]), expected, rtol=1e-12)

    # After a long time h alone is left, and g if time runs back. And of one step, a bias of B does what the time does.
    p = random_of(CFC)
    timeless = {name: value.clone() for name, value in p.items()}
    for value in timeless.values():
        value[2 * HIDDEN : 3 * HIDDEN] = 0
    for A, head in (1e6, 1), (-1e6, 0):
        saturated = timeless | {"b_h": timeless["b_h"] + torch.tensor([0, 0, A, 0]).repeat_interleave(HIDDEN)}
        only = {name: value.split(HIDDEN)[head] for name, value in p.items()}
        assert torch.allclose(outputs(cfc, saturated, h=h), module(nn.RNN, only, h), rtol=1e-12)
    A = (p["W_xh"] @ x[0, :-1] + p["W_hh"] @ h + p["b_h"]).split(HIDDEN)[2]
    biased = timeless | {"b_h": timeless["b_h"] + torch.cat([0 * c, 0 * c, 0 * c, A * x[0, -1]])}
    assert torch.allclose(cfc(p, x[0], {"h": h})["h"], cfc(biased, x[0], {"h": h})["h"], rtol=1e-12)

    # Of one step, the LSTM of PyTorch without weights, whose bias is a_t.
    p = random(4, **GAINS)
    a = p["b_h"]
    for v, gain in (p["W_xh"] @ x[0], p["gain_x"]), (p["W_hh"] @ h, p["gain_h"]):
        a = a + gain * (v - v.mean()) / (((v - v.mean()) ** 2).mean() + 1e-5).sqrt()
    bias_only = {"W_xh": 0 * p["W_xh"], "W_hh": 0 * p["W_hh"], "b_h": a}
    assert torch.allclose(outputs(lstm_layer_normed, p, h=h, c=c)[0], module(nn.LSTM, bias_only, h, c)[0], rtol=1e-12)

    # From c = n = 0, with U = 0: h is o times an average of z, weighted by exp(a_i) and what was kept since.
    p = random(4)
    p["W_hh"] *= 0
    i, f, z, o = (x @ p["W_xh"].T + p["b_h"]).split(HIDDEN, dim=1)
    for t, h_t in enumerate(outputs(slstm, p, h=h, c=0 * c, n=0 * c, m=0 * c)):
        weight = torch.stack([i[s].exp() * sigmoid(f[s + 1 : t + 1]).prod(0) for s in range(t + 1)])
        average = (weight / weight.sum(0) * tanh(z[: t + 1])).sum(0)
        assert torch.allclose(h_t, sigmoid(o[t]) * average, rtol=1e-12)

    # From C = n = 0, the parallel form (in the paper's appendix): attention with weights instead of a softmax.
    p = random_of(MLSTM)
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
        RELU_ARGUMENTS.clear()
        make_case(142 if name == "indrnn" else 101 + number, name)
        if name == "mlstm":  # both sides of the maximum, and nothing near its corner
            assert min(DOT_PRODUCTS) < 0.9 and max(DOT_PRODUCTS) > 1.1
            assert min(abs(dot - 1) for dot in DOT_PRODUCTS) > 0.01
        if name == "indrnn":  # every unit is off about as often as it is on, and nothing near the corner
            arguments = torch.stack(RELU_ARGUMENTS)
            on = (arguments > 0).double().mean(0)
            assert arguments.abs().min() > 0.01 and on.min() > 0.4 and on.max() < 0.6
