"""From what confusing classes costs to what the errors of a class cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from curate.balance.weighing.rows import weighed_rows
from curate.errors import ConfigError
from curate.evidence.confident import block_rows
from curate.evidence.exact_search import Chosen
from curate.evidence.parts.lying import elsewhere
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


def _mass(codes: np.ndarray, times: np.ndarray, k: int, values: Chosen) -> np.ndarray:
    """(K, K) float64 sums of the (m, K) probabilities of each class's rows."""
    mass, step = np.zeros((k, k)), block_rows(values)
    for begin in range(0, len(values), step):
        some = slice(begin, begin + step)
        np.add.at(mass, codes[some], values[some].astype(np.float64) * times[some, None])
    return mass


def confusions(labels: Labels, evidence: Any) -> np.ndarray:
    """(K, K) mass that the out-of-sample probabilities of a class's rows give the other classes; diagonal 0.

    A class of which nothing is known, or that is never confused, is confused with all others alike.
    """
    found = evidence.probabilities()
    rows, times = weighed_rows(labels, evidence)
    good = found.valid[rows]
    rows, times = rows[good], times[good]
    mass = elsewhere(partial(_mass, labels.codes[rows], times, len(labels.names)), Chosen(found.values, rows))
    np.fill_diagonal(mass, 0.0)
    unknown = mass.sum(1) <= 0
    mass[unknown] = 1.0
    np.fill_diagonal(mass, 0.0)
    return mass
