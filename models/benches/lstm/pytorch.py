"""The same networks in PyTorch: how fast they forecast and train, as one line of JSON.

    pytorch.py THREADS CONTEXT HIDDEN LAYERS DENSE
"""

import json
import sys
import time

import torch

THREADS, CONTEXT, HIDDEN, LAYERS, DENSE = map(int, sys.argv[1:])
STEPS, INPUTS, HORIZONS, QUANTILES = 20, 6, 3, 3
BATCHES = [1, 64, 1024, 8192]
SECONDS = 0.4
ROUNDS = 3
TRAINING_SEQUENCES = 12_800
TRAINING_BATCH = 256
LEVELS = torch.tensor([0.1, 0.5, 0.9])

torch.set_num_threads(THREADS)
torch.manual_seed(1)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(INPUTS, HIDDEN, LAYERS, batch_first=True, dropout=0.1 if LAYERS > 1 else 0.0)
        self.dropout = torch.nn.Dropout(0.1)
        self.dense = torch.nn.Linear(HIDDEN + CONTEXT, DENSE)
        self.output = torch.nn.Linear(DENSE, HORIZONS * QUANTILES)

    def forward(self, window, context, base):
        states, _ = self.lstm(window)
        joined = torch.cat([self.dropout(states[:, -1]), context], dim=1)
        z = self.output(torch.relu(self.dense(joined))).view(-1, HORIZONS, QUANTILES)
        middle = base + z[..., 1]
        low = middle - torch.nn.functional.softplus(z[..., 0] - 0.5)
        high = middle + torch.nn.functional.softplus(z[..., 2] - 0.5)
        return torch.stack([low, middle, high], dim=-1)


def inputs(rows):
    return torch.randn(rows, STEPS, INPUTS), torch.randn(rows, CONTEXT), torch.randn(rows, HORIZONS)


def forecast(network, batch):
    """Sequences a second, the best of some rounds."""
    network.eval()
    data, best = inputs(batch), 0.0
    with torch.inference_mode():
        for _ in range(3):
            network(*data)
        for _ in range(ROUNDS):
            calls, begin = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - begin) < SECONDS:
                network(*data)
                calls += 1
            best = max(best, calls * batch / elapsed)
    return best


def train(network):
    """Seconds for 100,000 sequences."""
    network.train()
    data = inputs(TRAINING_SEQUENCES)
    target = torch.randn(TRAINING_SEQUENCES, HORIZONS)
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-4)

    def steps(order):
        for rows in order.split(TRAINING_BATCH):
            optimiser.zero_grad()
            error = target[rows].unsqueeze(-1) - network(*(values[rows] for values in data))
            torch.maximum(LEVELS * error, (LEVELS - 1) * error).mean().backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()

    steps(torch.arange(4 * TRAINING_BATCH))
    begin = time.perf_counter()
    steps(torch.randperm(TRAINING_SEQUENCES))
    return (time.perf_counter() - begin) * 100_000 / TRAINING_SEQUENCES


network = Network()
print(json.dumps({"forecast": [forecast(network, batch) for batch in BATCHES], "train": train(network)}))
