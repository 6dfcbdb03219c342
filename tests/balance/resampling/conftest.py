"""Tables with planted imbalance, their evidence, and what the library does with the same rows in the same order."""

import numpy as np
import pytest

import curate
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.order import canonical_order


@pytest.fixture
def evidence_of():
    """(columns, kind, **roles) -> evidence by classic encoders, without a cache."""

    def make(columns, kind="classification", **roles):
        task = curate.Task(kind=kind, label="label", **roles)
        return Evidence(curate.load(columns, task=task), EvidenceSettings(encoder="classic", folds=2, workers=1))

    return make


@pytest.fixture
def planted(evidence_of):
    """(rows per class, held_out, unlabeled, dtype) -> evidence of overlapping clouds of 5 numbers, one per class."""

    def make(counts=(120, 40, 15), held_out=0, unlabeled=0, dtype=np.float32, seed=0):
        rng = np.random.default_rng(seed)
        names = tuple("abcdefgh"[: len(counts)])
        codes = np.repeat(np.arange(len(counts)), counts)
        codes = np.concatenate([codes, rng.integers(len(counts), size=held_out + unlabeled)])
        values = rng.normal(codes[:, None] * 0.8, 1.0, (len(codes), 5)).astype(dtype)
        labels = [names[code] for code in codes[: len(codes) - unlabeled]] + [None] * unlabeled
        split = ["train"] * sum(counts) + ["test"] * held_out + ["train"] * unlabeled
        columns = {"features": values, "label": labels, "split": split, "id": [f"row {i}" for i in range(len(codes))]}
        return evidence_of(columns, features="features", label_names=names, split="split", id="id")

    return make


@pytest.fixture
def canonical():
    """evidence -> positions of the rows that may be resampled, in the order in which samplers see them."""

    def give(evidence):
        order = canonical_order(evidence.table.row_ids)
        allowed = evidence.active & evidence.table.training & evidence.labels.known
        return order[allowed[order]]

    return give


@pytest.fixture
def decided():
    """(step, evidence, seed) -> decisions and the new rows (None where none were made)."""
    from curate.made import Made

    def give(step, evidence, seed=0):
        made = step.decide(evidence.labels, evidence, np.random.default_rng(seed))
        return (made.decisions, made.rows) if isinstance(made, Made) else (made, None)

    return give


@pytest.fixture
def times():
    """(decisions, row ids) -> how many times each row is drawn: 0 where it is dropped."""

    def give(decisions, row_ids):
        found = dict.fromkeys(row_ids.tolist(), 1)
        for entry in decisions.table.to_pylist():
            if entry["action"] == "drop":
                found[entry["row_id"]] = 0
            elif entry["action"] == "repeat":
                found[entry["row_id"]] += int(entry["after"])
        return np.array([found[row_id] for row_id in row_ids.tolist()])

    return give
