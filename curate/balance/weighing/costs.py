"""From what confusing classes costs to what the errors of a class cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from curate.balance.weighing.rows import weighed_rows
from curate.errors import ConfigError
from curate.table import Labels


def cost_matrix(costs: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> np.ndarray:
    """(K, K) float64 cost of predicting the column for a row of the row's class: 1 unless named, 0 if right."""
    matrix = 1.0 - np.eye(len(names))
    for true, line in costs.items():
        for predicted, cost in line.items():
            if true == predicted and cost:
                raise ConfigError(f"costs: predicting {true!r} for {true!r} is no error, and costs 0, not {cost:g}")
            matrix[names.index(true), names.index(predicted)] = cost
    return matrix


def costs_of_classes(matrix: np.ndarray, labels: Labels, evidence: Any, estimated: bool) -> np.ndarray:
    """(K,) mean cost of an error of each class.

    Args:
        matrix: (K, K) from `cost_matrix`.
        labels: as they stand.
        evidence: asked for the out-of-sample probabilities where the confusions are estimated.
        estimated: weigh each error by how often it happens; else all alike (Ting 1998: the sum of the class's costs).

    Raises:
        ConfigError: no error of any class costs anything.
    """
    shares = 1.0 - np.eye(len(matrix))
    if estimated and len(matrix) > 1:
        shares = confusions(labels, evidence)
    cost = (matrix * shares).sum(1) / np.maximum(shares.sum(1), 1e-12)
    if len(matrix) > 1 and not cost.any():
        raise ConfigError("costs: no error costs anything, so that there is nothing to weigh classes by")
    # A class whose errors cost nothing still counts a little: a loss that never sees it can't learn the others.
    return np.maximum(cost, 1e-3 * cost.max()) if cost.any() else np.ones(len(matrix))


def confusions(labels: Labels, evidence: Any) -> np.ndarray:
    """(K, K) mass that the out-of-sample probabilities of a class's rows give the other classes; diagonal 0.

    A class of which nothing is known, or that is never confused, is confused with all others alike.
    """
    found = evidence.probabilities()
    rows, times = weighed_rows(labels, evidence)
    good = found.valid[rows]
    rows, times = rows[good], times[good]
    k = len(labels.names)
    mass = np.zeros((k, k))
    np.add.at(mass, labels.codes[rows], found.values[rows].astype(np.float64) * times[:, None])
    np.fill_diagonal(mass, 0.0)
    unknown = mass.sum(1) <= 0
    mass[unknown] = 1.0
    np.fill_diagonal(mass, 0.0)
    return mass
