"""Tables with a given number of rows per class, and evidence that holds what the test says."""

import types

import numpy as np
import pytest

import curate


class Given:
    """Evidence whose estimates are given."""

    def __init__(self, table, active=None, repeats=None, **estimates):
        self.table, self.labels, self.notes = table, table.labels, []
        self.active = np.ones(len(table), dtype=bool) if active is None else active
        if repeats is not None:
            self.repeats = repeats
        for name, values in estimates.items():
            setattr(self, name, lambda values=values: types.SimpleNamespace(**values))


@pytest.fixture
def evidence_of():
    """(rows per class, **what the evidence holds) -> evidence; `held_out` and `unlabeled` rows come on top."""

    def make(counts, held_out=0, unlabeled=0, **given):
        names = tuple("abcdefgh"[: len(counts)])
        labels = [name for name, count in zip(names, counts) for _ in range(count)]
        split = ["train"] * (len(labels) + unlabeled) + ["test"] * held_out
        labels += [None] * unlabeled + [names[-1]] * held_out
        columns = {"text": [f"text {i}" for i in range(len(labels))], "label": labels, "split": split}
        task = curate.Task(kind="classification", text="text", label="label", label_names=names, split="split")
        return Given(curate.load(columns, task=task), **given)

    return make


@pytest.fixture
def verdict_of():
    """(step, evidence) -> what the ledger makes of its entries."""
    from curate import ledger

    def make(step, evidence, seed=0):
        decided = step.decide(evidence.labels, evidence, np.random.default_rng(seed))
        table = evidence.table
        return ledger.combine(decided, table.row_ids, evidence.labels.codes, evidence.labels.names)

    return make
