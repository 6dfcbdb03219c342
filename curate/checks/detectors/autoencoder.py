"""How badly a small network that was trained to copy usual rows copies each row."""

from __future__ import annotations

import numpy as np

from curate.checks.detectors.space import Space
from curate.errors import MissingPackage

STEPS = 600
BATCH = 256
TRAINING_ROWS = 100_000
CLIP = 8.0
"""Values further out than so many deviations count as there, so that one cell does not lead the training."""


def autoencoder(space: Space) -> np.ndarray:
    """(n,) logarithm of the mean squared error of the copy; on a GPU if there is one.

    Two networks are trained, each on half of the rows to learn from; a row is judged by the one that has not seen it,
    rows of held-out splits by both. Source: Aggarwal, Outlier analysis, 2nd edition, 2017, section 3.6.
    """
    try:
        import torch
    except ImportError:
        raise MissingPackage("torch", "trainers", "outliers with method: autoencoder") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    inputs = torch.from_numpy(np.clip(space.values, -CLIP, CLIP)).to(device)
    inputs = (inputs - inputs[space.fit].mean(0)) / inputs[space.fit].std(0).clamp_min(1e-6)
    rows = space.sample(TRAINING_ROWS)
    halves = (rows[::2], rows[1::2])
    judges = np.zeros((2, len(space)), dtype=bool)
    judges[0] = judges[1] = True
    for half in (0, 1):
        judges[half, halves[half]] = False
    total = np.zeros(len(space))
    with torch.random.fork_rng():
        torch.manual_seed(space.seed)
        for half in (0, 1):
            total += np.where(judges[half], _errors(inputs, halves[half]), 0.0)
    return np.log(np.maximum(total / judges.sum(0), 1e-8))


def _errors(inputs, rows: np.ndarray) -> np.ndarray:  # noqa: ANN001 - a torch tensor; torch is imported by the caller
    import torch
    from torch import nn

    d = inputs.shape[1]
    wide, narrow = max(4, min(256, 2 * d)), max(1, min(32, (d + 2) // 3))
    layers = [nn.Linear(d, wide), nn.SiLU(), nn.Linear(wide, narrow), nn.SiLU(), nn.Linear(narrow, wide), nn.SiLU()]
    network = nn.Sequential(*layers, nn.Linear(wide, d)).to(inputs.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, weight_decay=1e-5)
    base = inputs[torch.from_numpy(rows).to(inputs.device)]
    for _ in range(min(STEPS, 100 + 2 * len(base))):
        batch = base[torch.randint(len(base), (min(BATCH, len(base)),)).to(inputs.device)]
        # The absolute error of the far cells, so that strange rows among those to learn from pull less.
        loss = nn.functional.smooth_l1_loss(network(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = []
    with torch.no_grad():
        for block in torch.split(inputs, 65_536):
            found.append(torch.square(network(block) - block).mean(1))
    return torch.cat(found).double().cpu().numpy()
