"""Findings of many issues: one after the other, each with its reasons and its count."""

import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np

from curate.checks.judging.bounds import Bounded, findings


def test_issues_that_are_judged_one_by_one_are_not_held_beside_each_other():
    made: list[weakref.ref] = []

    def issues():
        for k in range(4):
            assert [score() is None for score in made] == [True] * k
            score = np.where(np.arange(50) == k, 0.1, 1.0)
            made.append(weakref.ref(score))
            yield Bounded(f"issue {k}", score, lambda place, k=k: f"row {place} has {k}")
            del score

    ids = np.array([f"r{row}" for row in range(60)], dtype=np.dtypes.StringDType())
    evidence: Any = SimpleNamespace(table=SimpleNamespace(row_ids=ids))
    found = findings("check", evidence, np.arange(5, 55), issues())
    assert found.facts == {"check": {"rows": 50, **{f"issue {k}": 1 for k in range(4)}}}
    lines = found.flagged.to_pylist()
    assert [(line["row"], line["row_id"], line["reason"]) for line in lines] == [
        (5 + k, f"r{5 + k}", f"row {k} has {k}") for k in range(4)
    ]
