"""Instance hardness threshold with a forest that is never whole in memory; equal to imbalanced-learn's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from curate.evidence.parts.lying import on_machines

TREES_AT_ONCE = 10
"""Trees that are held while they are asked: on labels that overlap, a hundred take several times the room of rows."""


def easiest(values: Any, y: np.ndarray, aim: Mapping[int, int], seed: int, cv: int = 5) -> np.ndarray:
    """(m,) rows that stay: of the classes in `aim` those that a forest, trained on other folds, finds least hard.

    Source: Smith, Martinez and Giraud-Carrier 2014, "An instance level analysis of data complexity"; the rows are those
    of imbalanced-learn's `InstanceHardnessThreshold` for the same seed.

    Args:
        values: (n, d) matrix.
        y: (n,) int codes 0..C-1, all of which occur.
        aim: code -> rows that stay.
        seed: of folds and forest.
        cv: folds.
    """
    own = _out_of_fold(values, y, seed, cv)
    kept = []
    for code, size in enumerate(np.bincount(y)):
        rows = np.flatnonzero(y == code)
        if code in aim:
            bound = np.percentile(own[rows], (1.0 - aim[code] / size) * 100.0)
            rows = rows[own[rows] >= bound]
        kept.append(rows)
    return np.concatenate(kept)


def _out_of_fold(values: Any, y: np.ndarray, seed: int, cv: int) -> np.ndarray:
    """(n,) float64 probability of each row's class by the forest that was trained without its fold."""
    from sklearn.model_selection import StratifiedKFold

    found = np.zeros(len(y))
    folds = StratifiedKFold(n_splits=cv, shuffle=True, random_state=np.random.RandomState(seed))
    parts = list(folds.split(np.zeros((len(y), 1)), y))
    for (_, test), own in zip(parts, on_machines(partial(_of_own_class, y, seed), values, parts), strict=True):
        found[test] = own
    return found


def _of_own_class(y: np.ndarray, seed: int, values: Any, fold: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(m,) float64 probability of the class of each row of a fold's second part, by a forest of its first."""
    train, test = fold
    return _probabilities(values[train], y[train], values[test], seed)[np.arange(len(test)), y[test]]


def _probabilities(values: np.ndarray, y: np.ndarray, asked: np.ndarray, seed: int, trees: int = 100) -> np.ndarray:
    """(m, C) float64: what `RandomForestClassifier` with that seed says of rows."""
    from sklearn.ensemble import RandomForestClassifier

    forest: Any = RandomForestClassifier(n_estimators=0, random_state=seed, warm_start=True)
    total, asked = np.zeros((len(asked), int(y.max()) + 1)), np.ascontiguousarray(asked, dtype=np.float32)
    for done in range(0, trees, TREES_AT_ONCE):
        forest.set_params(n_estimators=min(trees, done + TREES_AT_ONCE)).fit(values, y)
        for place in range(done, forest.n_estimators):
            total += forest.estimators_[place].predict_proba(asked)
            forest.estimators_[place] = None  # how many there were says where the next one's seed is drawn
    return total / trees
