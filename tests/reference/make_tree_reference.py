#!/usr/bin/env python3
"""Makes the reference values of trees_test.cpp: recursive networks, which PyTorch has no module of.

Each is its paper's equations in plain torch operations, a node at a time, with a matrix for every gate and child, and
torch.autograd finds the gradients. make_reference.py says what a file is and what most names mean. To make the values again:

    /usr/bin/python3 tests/reference/make_tree_reference.py

Of a forest, for tree i:

    parents.i           the number of each node's parent, -1 for the root; children are in the order of their numbers
    tokens.i            the token of each node, -1 for none, whose x is 0
    target.i, y.i       (outputs, nodes)

Before it writes, it checks the equations where they become something else that is known to be right: see `verify`.
"""

import torch
from torch import nn, sigmoid, tanh

from make_reference import HIDDEN, INPUTS, OUTPUTS, squared_error, write

ARITY = 3
TOKENS = 14
# A root in the middle with three children, one of them a chain; a single node; no node; a chain from node 0 up; a deep
# branch beside a leaf.
PARENTS = [[3, 0, 3, -1, 3, 1, 1], [-1], [], [1, 2, 3, -1], [2, 0, -1, 2, 0, 4]]
WORDS = [[0, 1, 2, -1, 3, 4, 5], [6], [], [7, 0, -1, 8], [-1, 9, 10, 11, 12, 13]]


def gates(stacked, count=4):
    return stacked.split(HIDDEN)[:count]


def child(p, name, k):
    """U_k: what U holds for child k."""
    return p[name][:, k * HIDDEN : (k + 1) * HIDDEN]


def tree_rnn(p, x, children):
    """Socher et al. (2011), Goodfellow et al., section 10.6: tanh, a matrix for each child."""
    a = p["W_xh"] @ x + p["b_h"]
    for k, s in enumerate(children):
        a = a + child(p, "U", k) @ s["h"]
    return {"h": tanh(a)}


def child_sum_tree_lstm(p, x, children):
    """Tai et al. (2015), arXiv 1503.00075, equations 2 to 8."""
    (W_i, W_o, W_u, W_f), (b_i, b_o, b_u, b_f) = gates(p["W_xh"]), gates(p["b_h"])
    U_i, U_o, U_u = gates(p["U"])
    h_sum = sum((s["h"] for s in children), torch.zeros(HIDDEN))
    f = [sigmoid(W_f @ x + p["U_f"] @ s["h"] + b_f) for s in children]
    i = sigmoid(W_i @ x + U_i @ h_sum + b_i)
    o = sigmoid(W_o @ x + U_o @ h_sum + b_o)
    u = tanh(W_u @ x + U_u @ h_sum + b_u)
    c = i * u + sum(f_k * s["c"] for f_k, s in zip(f, children))
    return {"h": o * tanh(c), "c": c}


def nary_tree_lstm(p, x, children):
    """Tai et al. (2015), arXiv 1503.00075, equations 9 to 14."""
    (W_i, W_o, W_u, W_f), (b_i, b_o, b_u, b_f) = gates(p["W_xh"]), gates(p["b_h"])

    def from_children(gate):
        return sum((gates(child(p, "U", l))[gate] @ s["h"] for l, s in enumerate(children)), torch.zeros(HIDDEN))

    i = sigmoid(W_i @ x + from_children(0) + b_i)
    o = sigmoid(W_o @ x + from_children(1) + b_o)
    u = tanh(W_u @ x + from_children(2) + b_u)
    c = i * u
    for k, s in enumerate(children):
        U_k = p["U_f"][k * HIDDEN : (k + 1) * HIDDEN]
        a = sum(U_k[:, l * HIDDEN : (l + 1) * HIDDEN] @ other["h"] for l, other in enumerate(children))
        c = c + sigmoid(W_f @ x + a + b_f) * s["c"]
    return {"h": o * tanh(c), "c": c}


LSTM = {"W_xh": (4 * HIDDEN, INPUTS), "b_h": (4 * HIDDEN,)}
N = ARITY * HIDDEN

# name: equations, what the first line says, shapes of the parameters
CELLS = {
    "tree_rnn": (tree_rnn, "U stacks children", {"W_xh": (HIDDEN, INPUTS), "U": (HIDDEN, N), "b_h": (HIDDEN,)}),
    "child_sum_tree_lstm": (
        child_sum_tree_lstm,
        "gates i, o, u, f",
        {**LSTM, "U": (3 * HIDDEN, HIDDEN), "U_f": (HIDDEN, HIDDEN)},
    ),
    "nary_tree_lstm": (
        nary_tree_lstm,
        "gates i, o, u, f; U stacks children, U_f has row block k, column block l for f of child k and h of child l",
        {**LSTM, "U": (3 * HIDDEN, N), "U_f": (N, N)},
    ),
}


def run(cell, p, parents, x):
    """h of every node of a tree, (nodes, hidden); x is a list."""

    def state(j):
        if j not in states:
            states[j] = cell(p, x[j], [state(k) for k, parent in enumerate(parents) if parent == j])
        return states[j]

    states = {}
    return torch.stack([state(j)["h"] for j in range(len(parents))])


def random_parameters(shapes):
    return {name: torch.randn(shape).mul(0.7).requires_grad_() for name, shape in shapes.items()}


def make_case(seed, name):
    equations, order, shapes = CELLS[name]
    torch.manual_seed(seed)
    p = random_parameters(shapes)
    E = torch.randn(INPUTS, TOKENS, requires_grad=True)
    readout = nn.Linear(HIDDEN, OUTPUTS)
    y = []
    for parents, words in zip(PARENTS, WORDS):
        x = [E[:, word] if word >= 0 else torch.zeros(INPUTS) for word in words]
        y.append(readout(run(equations, p, parents, x)) if parents else torch.zeros(0, OUTPUTS))
    target = [torch.randn_like(values) for values in y]
    loss = squared_error(torch.cat(y), torch.cat(target))
    loss.backward()

    def model(prefix, of):
        return {
            f"{prefix}.embedding.E": of(E),
            **{f"{prefix}.cell.{parameter}": of(value) for parameter, value in p.items()},
            f"{prefix}.W_hy": of(readout.weight),
            f"{prefix}.b_y": of(readout.bias),
        }

    def rows(prefix, values):
        return {f"{prefix}.{i}": torch.tensor([value]) for i, value in enumerate(values)}

    write(
        name,
        f"{equations.__name__}, loss: squared_error; {order}\n# {equations.__doc__}",
        {
            **model("model", lambda value: value),
            **rows("parents", PARENTS),
            **rows("tokens", WORDS),
            **{f"target.{i}": value.T for i, value in enumerate(target)},
            **{f"y.{i}": value.T for i, value in enumerate(y)},
            "loss": loss,
            **model("gradient", lambda value: value.grad),
        },
        script="make_tree_reference.py",
    )


# --- What the equations become where something else is known to be right ----------------------------------------------


def verify():
    """Asserts that on a chain these are PyTorch's modules, and that without a child's place N-ary is child-sum."""
    torch.manual_seed(0)
    x, chain = torch.randn(6, INPUTS), [1, 2, 3, 4, 5, -1]

    def of(name):
        return {key: value.detach() for key, value in random_parameters(CELLS[name][2]).items()}

    def module(kind, W, U, b):
        rnn = kind(INPUTS, HIDDEN)
        rnn.load_state_dict({"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": 0 * b})
        return rnn(x)[0]

    def torch_order(stacked):
        """From i, o, u, f to i, f, g, o."""
        i, o, u, f = stacked.split(HIDDEN)
        return torch.cat([i, f, u, o])

    p = of("tree_rnn")
    expected = module(nn.RNN, p["W_xh"], child(p, "U", 0), p["b_h"])
    assert torch.allclose(run(tree_rnn, p, chain, x), expected, rtol=1e-12)

    for name in "child_sum_tree_lstm", "nary_tree_lstm":
        p = of(name)
        U = torch.cat([child(p, "U", 0), p["U_f"][:HIDDEN, :HIDDEN]])
        expected = module(nn.LSTM, *(torch_order(value) for value in (p["W_xh"], U, p["b_h"])))
        assert torch.allclose(run(CELLS[name][0], p, chain, x), expected, rtol=1e-12)

    p, tree = of("child_sum_tree_lstm"), [-1, 0, 0, 0, 1, 1]
    n = p | {"U": p["U"].repeat(1, ARITY), "U_f": torch.block_diag(*[p["U_f"]] * ARITY)}
    expected = run(child_sum_tree_lstm, p, tree, x)
    assert torch.allclose(run(nary_tree_lstm, n, tree, x), expected, rtol=1e-12)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    verify()
    for number, name in enumerate(CELLS):
        make_case(201 + number, name)
