"""Vectors of classes that overlap, with planted label noise in the training rows, and steps that do harm or nothing."""

from typing import Any

import numpy as np
import pytest

import curate
from curate.ledger import Decisions
from curate.step import Balance

CLASSES = 4


def codes_of(labels):
    return np.array([int(label[1:]) for label in labels])


class Scramble(Balance):
    """Gives a share of the training rows a label at random: harm that no check would do."""

    share: float = 0.5

    def decide(self, labels, evidence, rng):
        table = evidence.table
        rows = np.flatnonzero(evidence.active & table.training & (rng.random(len(table)) < self.share))
        names = [labels.names[code] for code in rng.integers(0, len(labels.names), len(rows))]
        return Decisions.of("scramble", "relabel", table.row_ids[rows], "at random", after=names)


class Shuffle(Balance):
    """Drops a twentieth of the training rows at random: neither help nor harm."""

    def decide(self, labels, evidence, rng):
        table = evidence.table
        rows = np.flatnonzero(evidence.active & table.training & (rng.random(len(table)) < 0.05))
        return Decisions.of("shuffle", "drop", table.row_ids[rows], "at random")


@pytest.fixture(scope="session")
def steps():
    """The planted steps."""
    return {"harmful": Scramble, "useless": Shuffle}


@pytest.fixture(scope="session")
def blobs():
    """`make(rows, test, noise, seed)`: a table with a split ``test`` whose labels are right."""

    def make(rows=800, test=600, noise=0.3, seed=0, imbalance=1.0, distance=1.7, **roles) -> Any:
        rng = np.random.default_rng(seed)
        shares = imbalance ** -np.linspace(0, 1, CLASSES)
        codes = rng.choice(CLASSES, rows + test, p=shares / shares.sum())
        x = (distance * np.eye(12)[codes] + rng.normal(0, 0.8, (rows + test, 12))).astype(np.float32)
        # Noise that leans to the next class: it moves borders, and does not only blur them.
        wrong = (rng.random(rows + test) < noise) & (np.arange(rows + test) < rows)
        given = np.where(wrong, (codes + 1) % CLASSES, codes)
        data = {
            "x": list(x),
            "label": [f"c{code}" for code in given],
            "split": ["train"] * rows + ["test"] * test,
            "key": [f"r{row}" for row in range(rows + test)],
        }
        task = curate.Task(features="x", label="label", split="split", id="key", kind="classification", **roles)
        return curate.load(data, task=task)

    return make
