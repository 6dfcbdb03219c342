"""The library's samplers that make rows, run on the numbers of rows, so that every new row knows its parents.

What the library holds of the rows are their numbers; searches, clusters and support vector machines look the values up.
It makes no row itself, which it would do in double and copy several times: it draws, and the rows are made from that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from curate.balance.resampling.drafted import Drafted
from curate.balance.resampling.interpolating import Moves, moved
from curate.balance.resampling.nearest import nearest
from curate.balance.resampling.widened import in_double
from curate.engines.threads import one_thread_loops
from curate.errors import DataError
from curate.evidence.parts.lying import elsewhere

SVM_CACHE_MB = 50
"""A quarter of scikit-learn's default: the rows in double are large enough."""
VARIANCE_CELLS = 1 << 18
"""Cells whose squares are held at once."""


def made_by_library(
    sampler: type, settings: Mapping[str, Any], values: Any, y: np.ndarray, extra: Mapping[int, int], method: str
) -> Drafted:
    """What a sampler of imbalanced-learn adds.

    Args:
        sampler: its class: BorderlineSMOTE, SVMSMOTE or KMeansSMOTE.
        settings: for its constructor, the seed among them.
        values: (n, d) matrix, in memory or where it lies.
        y: (n,) int codes 0..C-1, all of which occur.
        extra: code -> rows to add.
        method: name, for messages.

    Raises:
        DataError: the library can't make rows of these.
    """
    target = {code: int((y == code).sum()) + wanted for code, wanted in extra.items()}
    watching: Any = type(sampler.__name__, (_Watched, sampler), {})
    watched = watching(sampling_strategy=target, **settings)
    watched.values, watched.moves = values, []
    try:
        watched.fit_resample(np.arange(len(y))[:, None], y)
    except (ValueError, RuntimeError) as error:
        raise DataError(f"resample: {method} can't make rows of these: {error}") from error
    return moved(values, watched.moves)


class _Watched:
    """What stands before the library's class: its estimators see values, and new rows are only told."""

    values: Any
    moves: list[Moves]
    random_state: int
    density_exponent: Any

    def _validate_estimator(self) -> None:
        super()._validate_estimator()  # pyright: ignore[reportAttributeAccessIssue]
        for name in ("nn_k_", "nn_m_"):
            if hasattr(self, name):
                setattr(self, name, _Neighbours(self.values, getattr(self, name).n_neighbors))
        if hasattr(self, "svm_estimator_"):
            self.svm_estimator_ = _Machine(self.values, self.svm_estimator_)
        if hasattr(self, "kmeans_estimator_"):
            self.kmeans_estimator_ = _Clusters(self.values, self.kmeans_estimator_)

    def _generate_samples(
        self, X: Any, nn_data: Any, nn_num: Any, rows: Any, cols: Any, steps: Any, y_type: Any = None, y: Any = None
    ) -> Any:
        near, shortened = nn_num[rows, cols], None
        if y is not None:  # borderline-2 goes at most half of the way toward another class; drawn as the library does
            other = y[near] != y_type
            drawn = np.random.RandomState(self.random_state)  # the library's generator
            shortened = np.ones(len(near))
            shortened[other] = drawn.uniform(0.0, 0.5, size=(other.sum(), 1))[:, 0]
        first, second = X[:, 0][rows].astype(np.int32), nn_data[:, 0][near].astype(np.int32)
        self.moves.append(Moves(int(y_type), first, second, steps[:, 0], shortened))
        return X[:0]

    def _find_cluster_sparsity(self, X: Any) -> float:
        """As the library's, without the distances of all pairs at once."""
        n, exponent = len(X), self.density_exponent
        total = elsewhere(partial(_summed_distances, X[:, 0]), self.values)
        exponent = math.log(n, 1.6) ** 1.8 * 0.16 if exponent == "auto" else exponent
        return (total / (n**2 - n)) ** exponent / n


def _summed_distances(rows: np.ndarray, values: Any) -> float:
    """The distances of all pairs of some rows, each counted both ways."""
    from sklearn.metrics import pairwise_distances_chunked

    def summed(block: np.ndarray, start: int) -> np.ndarray:
        block[np.arange(len(block)), start + np.arange(len(block))] = 0
        return block.sum(axis=1, dtype=np.float64)

    parts = pairwise_distances_chunked(values[rows], reduce_func=summed, working_memory=64)
    return sum(float(part.sum()) for part in parts)


class _Neighbours:
    """A search for neighbours that is handed the numbers of rows, as a column."""

    def __init__(self, values: Any, n_neighbors: int) -> None:
        self.values, self.n_neighbors = values, n_neighbors
        self._among: np.ndarray | None = None

    def fit(self, X: np.ndarray) -> _Neighbours:
        self._among = None if len(X) == len(self.values) else X[:, 0]
        return self

    def kneighbors(self, X: np.ndarray, return_distance: bool = False) -> np.ndarray:
        return nearest(self.values, self.n_neighbors, X[:, 0], self._among)


class _Machine:
    """A support vector machine that is handed the numbers of all rows; fitted once, as it is always asked the same."""

    def __init__(self, values: Any, machine: Any) -> None:
        self._values, self._machine = values, machine.set_params(cache_size=SVM_CACHE_MB)

    def fit(self, X: np.ndarray, y: np.ndarray) -> _Machine:
        if self._machine is not None:
            self.support_ = elsewhere(partial(_supporting, self._machine, y), self._values)
            self._machine = None  # it holds the support vectors in double
        return self


def _supporting(machine: Any, y: np.ndarray, values: Any) -> np.ndarray:
    """(s,) rows that a support vector machine rests on."""
    whole = values if isinstance(values, np.ndarray) else values[:]
    if getattr(machine, "gamma", None) == "scale":
        machine.set_params(gamma=scale_gamma(whole))
    with in_double(whole) as wide:
        return machine.fit(wide, y).support_


def scale_gamma(values: np.ndarray) -> float:
    """What scikit-learn's ``gamma="scale"`` is for a (n, d) matrix, to the bit: 1 / (d * variance).

    It takes the variance of all cells in double at once, which needs twice the room of the rows in double.
    """
    cells = values.reshape(-1)
    mean = _pairwise(cells, 0.0, squared=False) / len(cells)
    variance = _pairwise(cells, mean, squared=True) / len(cells)
    return 1.0 / (values.shape[1] * variance) if variance else 1.0


def _pairwise(cells: np.ndarray, mean: float, *, squared: bool) -> float:
    """Sum of cells, or of their squared distances to the mean, in the order in which NumPy's `sum` adds them up."""
    if len(cells) <= VARIANCE_CELLS:
        away = cells.astype(np.float64)
        if squared:
            away -= mean
            away *= away
        return float(away.sum())
    half = len(cells) // 2
    half -= half % 8
    return _pairwise(cells[:half], mean, squared=squared) + _pairwise(cells[half:], mean, squared=squared)


class _Clusters:
    """k-means that is handed the numbers of all rows; fitted once, as it is always asked the same."""

    def __init__(self, values: Any, clusters: Any) -> None:
        self._values, self._clusters = values, clusters
        self.n_clusters: int = clusters.n_clusters
        self._found: np.ndarray | None = None

    def fit_predict(self, X: np.ndarray) -> np.ndarray:
        if self._found is None:
            self._found = elsewhere(partial(_members, self._clusters), self._values)
        return self._found


def _members(clusters: Any, values: Any) -> np.ndarray:
    """(n,) the cluster of each row."""
    with one_thread_loops():
        return np.asarray(clusters.fit_predict(values[:]))
