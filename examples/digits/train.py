"""A small network trained on whatever a pipeline made of a table, through its loader and its loss."""

from __future__ import annotations

import csv
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from curate import Curated
    from examples.digits.compare import Truth


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


def accuracies(curated: Curated, folder: Path, truth: Truth, seeds: int, steps: int) -> dict[str, np.ndarray]:
    """Test accuracies of networks trained on the raw rows, the curated rows and the truth.

    All three go through the same loader and loss for as many steps, with the balance and augmentation of the curating
    pipeline, so that they differ by their rows and labels alone.

    Args:
        curated: the result of the whole pipeline.
        folder: holds the images (`train/`, `test/`).
        truth: of the curated table's rows.
        seeds: networks per set.
        steps: of the optimiser, per network.

    Returns:
        raw, curated and clean, each (seeds,).
    """
    import curate

    whole = curated.pipeline
    unchecked = [step for step in whole.steps if step.kind != "check"]
    same = curate.Pipeline(steps=unchecked, feed=whole.feed, seed=whole.seed)
    write_clean(folder, truth)
    runs = folder / "runs"
    same.run(curate.load(str(folder / "train")), out=runs / "raw", cache=None)
    same.run(curate.load(str(folder / "clean.csv")), out=runs / "clean", cache=None)
    curate.Pipeline(steps=[], feed=whole.feed).run(curate.load(str(folder / "test")), out=runs / "test", cache=None)
    sets = {
        "raw": runs / "raw",
        "curated": curated.folder or curated.save(runs / "curated").folder,
        "clean": runs / "clean",
    }
    jobs = [(str(a_set), str(runs / "test"), steps, seed) for a_set in sets.values() for seed in range(seeds)]
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(jobs)), mp_context=get_context("spawn")) as pool:
        found = list(pool.map(trained_accuracy, *zip(*jobs)))
    return dict(zip(sets, np.array(found).reshape(len(sets), seeds)))


def trained_accuracy(a_set: str, test: str, steps: int, seed: int) -> float:
    """Accuracy on one result of a network trained on another; a process of its own works this off on one core."""
    import torch

    import curate

    torch.set_num_threads(1)
    return accuracy(train(curate.open(a_set), steps, seed), curate.open(test))


def write_clean(folder: Path, truth: Truth) -> None:
    """Write `clean.csv`: the genuine images, without copies and junk, with their true labels."""
    genuine = (truth.fault == "") | (truth.fault == "flipped")
    with (folder / "clean.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "label"])
        writer.writerows((f"train/{truth.file[row]}", truth.true[row]) for row in np.flatnonzero(genuine))


def accuracy(model: torch.nn.Module, test: Curated) -> float:
    """Mean over the classes of the share of their rows that the model names rightly, on a faultless set."""
    import torch

    right, total = np.zeros(len(test.label_names)), np.zeros(len(test.label_names))
    with torch.no_grad():
        for batch in test.loader(batch_size=256, sampler="sequential"):
            labels = batch["labels"].numpy()
            named = model(batch["pixel_values"] - 0.3).argmax(1).numpy()
            np.add.at(total, labels, 1)
            np.add.at(right, labels, named == labels)
    return float((right / total).mean())
