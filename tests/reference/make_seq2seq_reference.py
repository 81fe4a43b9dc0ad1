#!/usr/bin/env python3
"""Makes the reference values of seq2seq_test.cpp: encoders and decoders, one record at a time.

What attends is written from the papers in plain torch operations, recurrences are PyTorch's own modules, and
torch.autograd finds the gradients. make_reference.py says what a file is. To make the values again:

    /usr/bin/python3 tests/reference/make_seq2seq_reference.py

Of a record there are source.i, what came before each step (previous.i), target.i and y.i, (features, steps). A source
of no steps has no annotations: its summary is zero, and so are its contexts.
"""

import torch
from torch import nn, tanh

from make_reference import OUTPUTS, record_values, records, squared_error, write

SOURCE, PREVIOUS, ENCODED, HIDDEN, UNITS = 3, 2, 4, 5, 6
SOURCE_LENGTHS, TARGET_LENGTHS = [3, 0, 1, 5, 2], [2, 4, 3, 0, 5]


def weights(**shapes):
    return {name: torch.randn(shape).mul(0.7).requires_grad_() for name, shape in shapes.items()}


def randomise(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.7)
    return module


def cell_values(module, suffix, gradient):
    """W_xh, W_hh, b_h, b_hn of a recurrence: see make_reference.py for its two biases."""
    W_ih, W_hh, b_ih, b_hh = (
        getattr(module, f"{name}{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    rows = len(b_ih)
    gru = isinstance(module, (nn.GRU, nn.GRUCell))
    shared = 2 * (rows // 3) if gru else rows
    if gradient:
        values = {"W_xh": W_ih.grad, "W_hh": W_hh.grad, "b_h": b_ih.grad}
        b_hh = b_hh.grad
    else:
        values = {"W_xh": W_ih, "W_hh": W_hh, "b_h": torch.cat([b_ih[:shared] + b_hh[:shared], b_ih[shared:]])}
    return {**values, "b_hn": b_hh[shared:]} if gru else values


def encode(rnn, source):
    """Annotations (steps, features), and what the directions end with; PyTorch takes no sequence without steps."""
    ways = 2 if rnn.bidirectional else 1
    if len(source) == 0:
        return torch.zeros(0, ways * ENCODED), torch.zeros(ways * ENCODED)
    h, final = rnn(source[:, None])
    final = final[0] if isinstance(final, tuple) else final
    return h[:, 0], final.reshape(-1)


def context(score, annotations):
    """Bahdanau et al. (2015), equations 5 and 6; Luong et al. (2015), equation 7: scores -> weights -> their mean."""
    if len(annotations) == 0:
        return torch.zeros(annotations.shape[1])
    scores = torch.stack([score(h) for h in annotations])
    weights = scores.exp() / scores.exp().sum()
    return sum(a * h for a, h in zip(weights, annotations))


def additive(p, s, annotations):
    """Bahdanau et al. (2015), appendix A.1.2: a(s_{i-1}, h_j) = v^T tanh(W s_{i-1} + U h_j)."""
    return context(lambda h: p["v"] @ tanh(p["W"] @ s + p["U"] @ h), annotations)


def general(p, s, annotations):
    """Luong et al. (2015), equation 8: score(h_t, h_s) = h_t^T W_a h_s."""
    return context(lambda h: s @ p["W"] @ h, annotations)


def bahdanau(p, cell, previous, annotations, q):
    """Bahdanau et al. (2015), section 3.1 and appendix A.2.2: s_i = f(s_{i-1}, y_{i-1}, c_i), c_i of s_{i-1}.

    It begins with s_0 = tanh(W q + b)."""
    s = tanh(p["bridge.W.h"] @ q + p["bridge.b.h"])
    for x in previous:
        c = additive({name: p[f"decoder.attention.{name}"] for name in "WUv"}, s, annotations)
        s = cell(torch.cat([x, c])[None], s[None])[0]
        yield s


def luong(p, cell, previous, annotations, q):
    """Luong et al. (2015), equations 5 and 8: the recurrence first, h~_t = tanh(W_c (c_t; h_t)) on top of it.

    Each x_t has the summary behind it (Cho et al., 2014, equation 7); the first state is zero."""
    s = torch.zeros(HIDDEN)
    for x in previous:
        s = cell(torch.cat([x, q])[None], s[None])[0]
        c = general({"W": p["decoder.layers.2.attention.W"]}, s, annotations)
        yield tanh(p["decoder.layers.2.W_c"] @ torch.cat([c, s]))


def input_feeding(p, cell, previous, annotations, q):
    """Luong et al. (2015), section 3.3: h~_{t-1} stands behind x_t. Every part of the state begins with a tanh of q."""
    s, c_, h = (tanh(p[f"bridge.W.{part}"] @ q + p[f"bridge.b.{part}"]) for part in ("cell.h", "cell.c", "h"))
    for x in previous:
        s, c_ = (part[0] for part in cell(torch.cat([x, h])[None], (s[None], c_[None])))
        c = general({"W": p["decoder.attention.W"]}, s, annotations)
        h = tanh(p["decoder.W_c"] @ torch.cat([c, s]))
        yield h


def make_case(seed, name, decoder, encoder, cell, pool, names, p):
    """`names`: of the cells, name in Reprise -> (module, suffix); `p`: all other weights under the names of Reprise."""
    randomise(encoder)
    randomise(cell)
    source, previous = records(SOURCE, SOURCE_LENGTHS), records(PREVIOUS, TARGET_LENGTHS)
    target = [torch.randn(length, OUTPUTS) for length in TARGET_LENGTHS]
    y = []
    for x, before in zip(source, previous):
        annotations, final = encode(encoder, x)
        q = final if pool == "last" or len(x) == 0 else annotations.mean(dim=0)
        steps = [p["decoder.W_hy"] @ h + p["decoder.b_y"] for h in decoder(p, cell, before, annotations, q)]
        y.append(torch.stack(steps) if steps else torch.zeros(0, OUTPUTS))
    total = squared_error(torch.cat(y), torch.cat(target))
    total.backward()

    def all_values(prefix, gradient):
        values = {}
        for cell_name, (module, suffix) in names.items():
            for part, value in cell_values(module, suffix, gradient).items():
                values[f"{prefix}.{cell_name}.{part}"] = value
        for other, value in p.items():
            values[f"{prefix}.{other}"] = value.grad if gradient else value
        return values

    write(
        name,
        f"{decoder.__name__}, seed {seed}",
        {
            **all_values("model", False),
            **record_values(source, "source"),
            **record_values(previous, "previous"),
            **record_values(target, "target"),
            **record_values(y, "y"),
            "loss": total,
            **all_values("gradient", True),
        },
        script="make_seq2seq_reference.py",
    )


def readout():
    return {"decoder.W_hy": (OUTPUTS, HIDDEN), "decoder.b_y": (OUTPUTS,)}


def bridge(features, *parts):
    return {
        **{f"bridge.W.{part}": (HIDDEN, features) for part in parts},
        **{f"bridge.b.{part}": (HIDDEN,) for part in parts},
    }


def main():
    torch.set_default_dtype(torch.float64)

    torch.manual_seed(1)
    rnn, cell = nn.GRU(SOURCE, ENCODED, bidirectional=True), nn.GRUCell(PREVIOUS + 2 * ENCODED, HIDDEN)
    attention = {"W": (UNITS, HIDDEN), "U": (UNITS, 2 * ENCODED), "v": (UNITS,)}
    make_case(
        1, "seq2seq_bahdanau", bahdanau, rnn, cell, "last",
        {
            "encoder.forward.cell": (rnn, "_l0"),
            "encoder.backward.cell": (rnn, "_l0_reverse"),
            "decoder.cell": (cell, ""),
        },
        weights(**{f"decoder.attention.{n}": s for n, s in attention.items()}, **bridge(2 * ENCODED, "h"), **readout()),
    )

    torch.manual_seed(2)
    rnn, cell = nn.GRU(SOURCE, ENCODED), nn.GRUCell(PREVIOUS + ENCODED, HIDDEN)
    make_case(
        2, "seq2seq_luong", luong, rnn, cell, "mean",
        {"encoder.cell": (rnn, "_l0"), "decoder.layers.1.cell": (cell, "")},
        weights(
            **{"decoder.layers.2.attention.W": (HIDDEN, ENCODED), "decoder.layers.2.W_c": (HIDDEN, ENCODED + HIDDEN)},
            **readout(),
        ),
    )

    torch.manual_seed(3)
    rnn, cell = nn.LSTM(SOURCE, ENCODED), nn.LSTMCell(PREVIOUS + HIDDEN, HIDDEN)
    make_case(
        3, "seq2seq_input_feeding", input_feeding, rnn, cell, "last",
        {"encoder.cell": (rnn, "_l0"), "decoder.cell": (cell, "")},
        weights(
            **{"decoder.attention.W": (HIDDEN, ENCODED), "decoder.W_c": (HIDDEN, ENCODED + HIDDEN)},
            **bridge(ENCODED, "cell.h", "cell.c", "h"),
            **readout(),
        ),
    )


if __name__ == "__main__":
    main()
