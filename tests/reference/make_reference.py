#!/usr/bin/env python3
"""Makes the reference values of reference_test.cpp: what PyTorch computes, in double precision, for the same models.

Made with PyTorch 1.13.1 on the CPU, as Debian 12 packages it (python3-torch 1.13.1+dfsg-4; it calls itself 1.13.0a0).
To make them again:

    apt-get install python3-torch && /usr/bin/python3 tests/reference/make_reference.py

The seeds are fixed: another PyTorch gives the same values up to rounding, as long as its random numbers stay the same.

A file holds one case. '#' opens a line of comment; every matrix is

    name rows columns
    rows lines of `columns` numbers, 17 significant digits: a double, exactly

under the names of Reprise, with whose value it is before the first dot:

    model.cell.W_hh     a parameter          gradient.cell.W_hh   dL/d(parameter)
    x.2, target.2       record 2 of a batch, (features, steps); y.2 what comes out of the readout, dx.2 dL/dx
    initial.h, final.h  the state of every record before and after, (hidden, records); d_initial.h is dL/d(initial.h)
    loss                1 x 1

What is mapped here, so that the test need not: PyTorch adds two biases where Reprise has one, b_h = b_ih + b_hh. Either
has the gradient of the sum. In the GRU the candidate's b_hh stands inside the reset gate and stays on its own, as b_hn.
"""

import pathlib

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

INPUTS, HIDDEN, OUTPUTS = 3, 4, 3
INNER = 5  # cells of an LSTM with a projection, PyTorch's hidden_size; its proj_size is our hidden
LENGTHS = [5, 2, 7, 3]  # not sorted, on purpose
IGNORE = 1  # a target that does not count; a class the model has, since that is the harder case


def write(name, comment, values, script="make_reference.py"):
    """`values`: name -> tensor of at most two dimensions; a vector is a column."""
    lines = [
        f"# {comment}",
        f"# Made by {script}, which says what the names mean, with PyTorch {torch.__version__}.",
    ]
    for key, value in values.items():
        value = torch.as_tensor(value, dtype=torch.float64).detach()
        matrix = value.reshape(-1, 1) if value.dim() < 2 else value
        lines.append(f"{key} {matrix.shape[0]} {matrix.shape[1]}")
        lines += [" ".join(f"{entry:.17g}" for entry in row) for row in matrix.tolist()]
    (pathlib.Path(__file__).parent / f"{name}.txt").write_text("\n".join(lines) + "\n")


def randomise(*modules):
    """Weights large enough that the gates saturate here and there, and no two alike."""
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                parameter.normal_(std=0.7)


def records(rows, lengths):
    return [torch.randn(length, rows, requires_grad=True) for length in lengths]


def run(rnn, readout, x, state):
    """y of every record, (steps, outputs), and the final state."""
    lengths = [len(record) for record in x]
    packed = pack_padded_sequence(pad_sequence(x, batch_first=True), lengths, batch_first=True, enforce_sorted=False)
    h, state = rnn(packed, state)
    h, _ = pad_packed_sequence(h, batch_first=True)
    return [readout(h[i, :length]) for i, length in enumerate(lengths)], state


# --- The names of Reprise ---------------------------------------------------------------------------------------------


def layer_values(rnn, layer, gradient):
    """W_xh, W_hh, b_h, b_hn of a layer, as far as it has them; or their gradients."""

    def torch_value(name):
        parameter = getattr(rnn, f"{name}_l{layer}")
        return parameter.grad if gradient else parameter

    values = {"W_xh": torch_value("weight_ih"), "W_hh": torch_value("weight_hh")}
    if rnn.proj_size:
        values["W_hr"] = torch_value("weight_hr")
    if not rnn.bias:
        return values
    b_ih, b_hh = torch_value("bias_ih"), torch_value("bias_hh")
    shared = 2 * rnn.hidden_size if isinstance(rnn, nn.GRU) else len(b_ih)  # rows whose two biases are one sum
    if gradient:
        assert torch.allclose(b_ih[:shared], b_hh[:shared], rtol=1e-12)
        values["b_h"] = b_ih
    else:
        values["b_h"] = torch.cat([b_ih[:shared] + b_hh[:shared], b_ih[shared:]])
    if isinstance(rnn, nn.GRU):
        values["b_hn"] = b_hh[shared:]
    return values


def layer_prefix(rnn, layer):
    return f"layers.{layer}." if rnn.num_layers > 1 else ""


def model_values(rnn, readout, prefix, gradient=False):
    values = {}
    for layer in range(rnn.num_layers):
        for name, value in layer_values(rnn, layer, gradient).items():
            values[f"{prefix}.{layer_prefix(rnn, layer)}cell.{name}"] = value
    values[f"{prefix}.W_hy"] = readout.weight.grad if gradient else readout.weight
    if readout.bias is not None:
        values[f"{prefix}.b_y"] = readout.bias.grad if gradient else readout.bias
    return values


def state_values(rnn, state, prefix):
    """`state`: h, or h and c, each (layers, records, hidden); with a projection c is (layers, records, inner)."""
    return {
        f"{prefix}.{layer_prefix(rnn, layer)}{name}": part[layer].T
        for name, part in zip("hc", state)
        for layer in range(rnn.num_layers)
    }


def record_values(values, prefix):
    return {f"{prefix}.{i}": value.T for i, value in enumerate(values)}


# --- Cells, stacks and losses -----------------------------------------------------------------------------------------


def squared_error(y, target):
    return ((y - target) ** 2).sum()


def bernoulli(logits, target):
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="sum")


def softmax(logits, target):
    return functional.cross_entropy(logits, target[:, 0], ignore_index=IGNORE, reduction="sum")


def targets(loss, lengths):
    if loss is squared_error:
        return [torch.randn(length, OUTPUTS) for length in lengths]
    if loss is bernoulli:  # probabilities, not just 0 and 1
        return [torch.rand(length, OUTPUTS) for length in lengths]
    return [torch.randint(OUTPUTS, (length, 1)) for length in lengths]


def make_case(seed, name, kind, loss, layers=1, bias=True, **options):
    """`options`: what else `kind` takes."""
    torch.manual_seed(seed)
    cells = INNER if "proj_size" in options else HIDDEN
    rnn = kind(INPUTS, cells, num_layers=layers, bias=bias, batch_first=True, **options)
    readout = nn.Linear(HIDDEN, OUTPUTS, bias=bias)
    randomise(rnn, readout)
    x = records(INPUTS, LENGTHS)
    target = targets(loss, LENGTHS)
    rows = [HIDDEN, cells] if kind is nn.LSTM else [HIDDEN]
    initial = [torch.randn(layers, len(LENGTHS), n, requires_grad=True) for n in rows]

    y, final = run(rnn, readout, x, tuple(initial) if kind is nn.LSTM else initial[0])
    total = loss(torch.cat(y), torch.cat(target))
    total.backward()
    said = {"layers": layers, "bias": bias, "loss": loss.__name__, **options}
    write(
        name,
        ", ".join([kind.__name__, *(f"{option}: {value}" for option, value in said.items())]),
        {
            **model_values(rnn, readout, "model"),
            **record_values(x, "x"),
            **record_values(target, "target"),
            **state_values(rnn, initial, "initial"),
            **record_values(y, "y"),
            **state_values(rnn, final if kind is nn.LSTM else [final], "final"),
            "loss": total,
            **model_values(rnn, readout, "gradient", gradient=True),
            **record_values([record.grad for record in x], "dx"),
            **state_values(rnn, [part.grad for part in initial], "d_initial"),
        },
    )


# --- Optimisers -------------------------------------------------------------------------------------------------------

STEPS = 5

# Options under the names of Reprise. An epsilon that can be seen shows where it stands: beside the root, not under it.
OPTIMISERS = {
    "SGD": (
        {"learning_rate": 0.003, "momentum": 0.9},
        lambda p, o: torch.optim.SGD(p, lr=o["learning_rate"], momentum=o["momentum"]),
    ),
    "RMSProp": (
        {"learning_rate": 0.01, "decay": 0.9, "epsilon": 0.01},
        lambda p, o: torch.optim.RMSprop(p, lr=o["learning_rate"], alpha=o["decay"], eps=o["epsilon"]),
    ),
    "Adam": (
        {"learning_rate": 0.05, "beta1": 0.9, "beta2": 0.99, "epsilon": 0.01, "weight_decay": 0.0},
        lambda p, o: torch.optim.Adam(p, lr=o["learning_rate"], betas=(o["beta1"], o["beta2"]), eps=o["epsilon"]),
    ),
    "AdamW": (
        {"learning_rate": 0.05, "beta1": 0.9, "beta2": 0.99, "epsilon": 0.01, "weight_decay": 0.3},
        lambda p, o: torch.optim.AdamW(
            p, lr=o["learning_rate"], betas=(o["beta1"], o["beta2"]), eps=o["epsilon"], weight_decay=o["weight_decay"]
        ),
    ),
}


def make_optimisers(seed):
    """A small network from one beginning, STEPS steps with each optimiser: parameters and loss after every step."""
    torch.manual_seed(seed)
    rnn, readout = nn.RNN(2, 3, batch_first=True), nn.Linear(3, 1)
    randomise(rnn, readout)
    with torch.no_grad():
        rnn.bias_hh_l0.zero_()  # and not trained, for two biases would move twice as far as one
    trained = [parameter for parameter in (*rnn.parameters(), *readout.parameters()) if parameter is not rnn.bias_hh_l0]
    beginning = [parameter.detach().clone() for parameter in trained]

    def snapshot(prefix):
        return {name: value.detach().clone() for name, value in model_values(rnn, readout, prefix).items()}

    lengths = [3, 5]
    x = [record.detach() for record in records(2, lengths)]
    target = [torch.randn(length, 1) for length in lengths]
    values = {
        **snapshot("model"),
        **record_values(x, "x"),
        **record_values(target, "target"),
    }

    def backward():
        for parameter in (*trained, rnn.bias_hh_l0):
            parameter.grad = None
        y, _ = run(rnn, readout, x, None)
        loss = squared_error(torch.cat(y), torch.cat(target))
        loss.backward()
        return loss

    for name, (options, make) in OPTIMISERS.items():
        with torch.no_grad():
            for parameter, value in zip(trained, beginning):
                parameter.copy_(value)
        values.update({f"{name}.{option}": value for option, value in options.items()})
        optimiser = make(trained, options)
        for step in range(STEPS):
            values[f"{name}.{step}.loss"] = backward()  # of the parameters before the step
            optimiser.step()
            values.update(snapshot(f"{name}.{step}"))
    write("optimisers", f"RNN, squared error, {STEPS} steps with each optimiser", values)


def make_clip(seed):
    """clip_grad_norm_ of one gradient, with a bound that holds it back and one that does not."""
    torch.manual_seed(seed)
    rnn, readout = nn.RNN(2, 3, bias=False), nn.Linear(3, 1, bias=False)
    randomise(rnn, readout)
    parameters = [*rnn.parameters(), *readout.parameters()]
    values = model_values(rnn, readout, "gradient")
    for bound, max_norm in {"tight": 0.5, "loose": 50.0}.items():
        for parameter in parameters:
            parameter.grad = parameter.detach().clone()
        values[f"{bound}.max_norm"] = max_norm
        values[f"{bound}.norm"] = clip_grad_norm_(parameters, max_norm)
        values.update(model_values(rnn, readout, bound, gradient=True))
    write("clip", "clip_grad_norm_", values)


# --- Losses where a careless formula overflows ------------------------------------------------------------------------


def make_losses():
    """Columns of (outputs, steps): each as large as logits get, ordinary, all alike, saturated, almost alike."""
    logits = torch.tensor(
        [[800.0, -3.0, 0.0, 40.0, -1e-9], [-800.0, 5.0, 0.0, -40.0, 1e-9], [799.0, 1.0, 0.0, 0.5, 0.0]]
    )
    values = {"logits": logits}

    def add(name, target, loss):
        y = logits.T.clone().requires_grad_()
        total = loss(y, target.T)
        total.backward()
        values.update({f"{name}.target": target, f"{name}.loss": total, f"{name}.dy": y.grad.T})

    classes = torch.tensor([[2, 0, 2, IGNORE, 2]])
    for reduction in "sum", "mean":
        add(
            f"softmax_{reduction}",
            classes,
            lambda y, target: functional.cross_entropy(y, target[:, 0], ignore_index=IGNORE, reduction=reduction),
        )
    probabilities = torch.tensor([[0.0, 1.0, 0.5, 1.0, 0.0], [0.0, 0.25, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.75, 1.0]])
    add("bernoulli_sum", probabilities, bernoulli)
    write("losses", "losses of logits small and very large", values)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    make_case(1, "rnn", nn.RNN, squared_error)
    make_case(2, "rnn_without_bias", nn.RNN, bernoulli, bias=False)
    make_case(3, "lstm", nn.LSTM, softmax)
    make_case(4, "lstm_without_bias", nn.LSTM, squared_error, bias=False)
    make_case(5, "gru", nn.GRU, bernoulli)
    make_case(6, "gru_without_bias", nn.GRU, softmax, bias=False)
    make_case(7, "lstm_2_layers", nn.LSTM, squared_error, layers=2)
    make_case(8, "gru_2_layers", nn.GRU, softmax, layers=2)
    make_optimisers(9)
    make_clip(10)
    make_losses()
    # Seeds with which every unit is off about as often as it is on, and nothing grows beyond 6.
    make_case(44, "rnn_relu", nn.RNN, squared_error, nonlinearity="relu")
    make_case(108, "rnn_relu_2_layers", nn.RNN, bernoulli, layers=2, nonlinearity="relu")
    make_case(13, "lstm_projected", nn.LSTM, softmax, proj_size=HIDDEN)
    make_case(14, "lstm_projected_2_layers", nn.LSTM, squared_error, layers=2, proj_size=HIDDEN)
