"""A small network trained on whatever a pipeline made of a table, through its loader and its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from curate import Curated


def network(classes: int) -> torch.nn.Module:
    """Two convolutions and two linear layers for 32 x 32 images."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 8 * 8, 64),
        nn.ReLU(),
        nn.Linear(64, classes),
    )


def train(curated: Curated, steps: int, seed: int, batch_size: int = 32, num_workers: int = 0) -> torch.nn.Module:
    """Train for a number of optimiser steps, whatever the number of rows is."""
    import torch

    torch.manual_seed(seed)
    model = network(len(curated.label_names))
    loader = curated.loader(batch_size=batch_size, num_workers=num_workers, seed=seed, drop_last=True)
    loss = curated.loss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    done = 0
    while done < steps:
        for batch in loader:  # the loader goes on to the next epoch by itself
            optimizer.zero_grad()
            loss(model(batch["pixel_values"] - 0.3), batch).backward()
            optimizer.step()
            schedule.step()
            done += 1
            if done == steps:
                break
    return model.eval()


def accuracy(model: torch.nn.Module, test: Curated) -> float:
    """Share of the rows of a faultless set whose class the model names."""
    import torch

    right = []
    with torch.no_grad():
        for batch in test.loader(batch_size=256, sampler="sequential"):
            right.append((model(batch["pixel_values"] - 0.3).argmax(1) == batch["labels"]).numpy())
    return float(np.concatenate(right).mean())
