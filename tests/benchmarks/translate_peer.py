"""How fast PyTorch trains the network of examples/translate: bidirectional GRU, GRU, general dot-product attention, of the same
sizes, dropout, smoothing, clipping and Adam, over the same batches of pairs of similar length (padded and packed).

    python3 tests/benchmarks/translate_peer.py CORPUS SECONDS HIDDEN BATCH SOURCE_PIECES TARGET_PIECES

prints target pieces a second. The pieces are not the program's own: each word or sign counts as one, with a random id.
Beside it run `translate --corpus CORPUS --words yes --hidden HIDDEN --batch BATCH`, whose pieces are the same.
"""

import random
import re
import sys
import time

import torch
from torch import nn

torch.manual_seed(1)
random.seed(1)


class Network(nn.Module):
    def __init__(self, source, target, hidden, dropout=0.4):
        super().__init__()
        self.source, self.target = nn.Embedding(source, hidden), nn.Embedding(target, hidden)
        self.encoder = nn.GRU(hidden, hidden // 2, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(hidden, hidden)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.score = nn.Linear(hidden, hidden, bias=False)
        self.context = nn.Linear(2 * hidden, hidden, bias=False)
        self.readout = nn.Linear(hidden, target)
        self.drop = nn.Dropout(dropout)

    def forward(self, source, source_lengths, previous):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(self.source(source)), source_lengths, batch_first=True, enforce_sorted=False)
        h, last = self.encoder(packed)
        h = self.drop(nn.utils.rnn.pad_packed_sequence(h, batch_first=True)[0])
        s_0 = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))
        s = self.drop(self.decoder(self.drop(self.target(previous)), s_0[None])[0])
        e = s @ self.score(h).transpose(1, 2)
        mask = torch.arange(h.shape[1])[None] >= source_lengths[:, None]
        a = torch.softmax(e.masked_fill(mask[:, None], -torch.inf), 2)
        return self.readout(self.drop(torch.tanh(self.context(torch.cat([a @ h, s], 2)))))


def main():
    corpus, seconds, hidden, batch, source_pieces, target_pieces = sys.argv[1], *map(int, sys.argv[2:7])
    count = lambda text: len(re.findall(r"\w+|[^\w\s]", text))
    with open(corpus, encoding="utf-8") as file:
        lengths = [[count(side) for side in line.rstrip("\n").split("\t")[:2]] for line in file]
    network = Network(source_pieces, target_pieces, hidden)
    adam = torch.optim.Adam(network.parameters(), 2e-3, betas=(0.9, 0.98))
    loss = nn.CrossEntropyLoss(ignore_index=-100, label_smoothing=0.1)
    lengths.sort(key=lambda pair: pair[1] + random.uniform(-1, 1))
    batches = [lengths[i:i + batch] for i in range(0, len(lengths), batch)]
    random.shuffle(batches)
    pieces, start = 0, None
    for i, pairs in enumerate(batches * 1000):
        if i == 5:  # what is done once is done
            pieces, start = 0, time.time()
        if start and time.time() - start > seconds:
            break
        source_lengths = torch.tensor([pair[0] for pair in pairs])
        target_lengths = torch.tensor([pair[1] + 1 for pair in pairs])
        source = torch.randint(3, source_pieces, (len(pairs), int(source_lengths.max())))
        target = torch.randint(3, target_pieces, (len(pairs), int(target_lengths.max())))
        padding = torch.arange(target.shape[1])[None] >= target_lengths[:, None]
        y = network(source, source_lengths, target)
        value = loss(y.flatten(0, 1), target.masked_fill(padding, -100).flatten())
        adam.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
        pieces += int(target_lengths.sum())
    print(f"{pieces / (time.time() - start):.0f} target pieces a second, {torch.get_num_threads()} threads, PyTorch {torch.__version__}")


main()
