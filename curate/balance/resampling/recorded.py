"""The library's samplers that make rows, watched while they do, so that every new row knows its parents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from curate.balance.resampling.drafted import Drafted
from curate.balance.resampling.interpolating import Moves, moved
from curate.errors import DataError


def made_by_library(
    sampler: type, settings: Mapping[str, Any], values: np.ndarray, y: np.ndarray, extra: Mapping[int, int], method: str
) -> Drafted:
    """What a sampler of imbalanced-learn adds.

    Args:
        sampler: its class, one of the SMOTE family.
        settings: for its constructor, the seed among them.
        values: (n, d) matrix.
        y: (n,) int codes 0..C-1, all of which occur.
        extra: code -> rows to add.
        method: name, for messages.

    Raises:
        DataError: the library can't make rows of these.
    """
    target = {code: int((y == code).sum()) + wanted for code, wanted in extra.items()}
    watched = _watched(sampler)(sampling_strategy=target, **settings)
    watched.moves = moves = _Moves(values, y)
    try:
        new_values, new_codes = watched.fit_resample(values, y)
    except (ValueError, RuntimeError) as error:
        raise DataError(f"resample: {method} can't make rows of these: {error}") from error
    codes = np.asarray(new_codes[len(y) :], dtype=np.int64)
    first, second, share = moves.together()
    if moves.only_told:
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]]) if len(codes) else []
        return moved(values, [Moves(int(codes[i]), *part) for i, *part in _runs(starts, first, second, share)])
    made = np.ascontiguousarray(new_values[len(y) :])
    if len(first) != len(made):
        raise DataError(f"resample: {method} made {len(made)} rows and tells of {len(first)}")
    return Drafted.of(made.astype(values.dtype, copy=False), codes, first, second, share)


def _runs(starts: Any, *columns: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """Where each run starts, and its part of every column."""
    for begin, end in zip(starts, [*starts[1:], len(columns[0])]):
        yield begin, *(column[begin:end] for column in columns)


class _Moves:
    """Which rows were moved toward which, in the order in which new rows were made.

    Where a new row is nothing but a point between two, it is `only_told`: the library makes none, which it would do in
    double and copy several times, and the points are made here.
    """

    def __init__(self, values: np.ndarray, y: np.ndarray) -> None:
        self.values, self.y = values, y
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.only_told = False

    def add(self, first: np.ndarray, second: np.ndarray, share: np.ndarray) -> None:
        self.parts.append((first, second, share))

    def rows_of(self, part: Any, code: int) -> np.ndarray:
        """Rows of the matrix that the library handed on as `part`: all, those of a class, or some of them."""
        if part.shape[0] == len(self.y):
            return np.arange(len(self.y))
        own = np.flatnonzero(self.y == code)
        if part.shape[0] == len(own):
            return own
        places: dict[bytes, int] = {}  # equal rows share a place, the first: they are the same parent for any purpose
        for row in own.tolist():
            places.setdefault(self.values[row].tobytes(), row)
        return np.array([places[row.tobytes()] for row in part], dtype=np.int64)

    def together(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        empty = np.zeros(0, dtype=np.int64)
        columns = list(zip(*self.parts)) or [(), (), ()]
        return (
            np.concatenate([empty, *columns[0]]),
            np.concatenate([empty, *columns[1]]),
            np.concatenate([np.zeros(0), *columns[2]]),
        )


def _watched(sampler: type) -> type:
    """A subclass that tells `moves` of every new row and makes it as its parent does."""
    if sampler.__name__ == "SMOTEN":
        return type(sampler.__name__, (_WatchedCategories, sampler), {})
    return type(sampler.__name__, (_WatchedMoves, sampler), {})


class _WatchedMoves:
    moves: _Moves
    random_state: int

    def _generate_samples(
        self, X: Any, nn_data: Any, nn_num: Any, rows: Any, cols: Any, steps: Any, y_type: Any = None, y: Any = None
    ) -> Any:
        share, near = np.array(steps[:, 0]), nn_num[rows, cols]
        if y is not None:  # borderline-2 goes at most half of the way toward another class; drawn as the library does
            other = y[near] != y_type
            drawn = np.random.RandomState(self.random_state)  # the library's generator
            share[other] *= drawn.uniform(0.0, 0.5, size=(other.sum(), 1))[:, 0]
        self.moves.add(self.moves.rows_of(X, y_type)[rows], self.moves.rows_of(nn_data, y_type)[near], share)
        if y is None and isinstance(X, np.ndarray):
            self.moves.only_told = True
            return X[:0]
        return super()._generate_samples(X, nn_data, nn_num, rows, cols, steps, y_type, y)  # pyright: ignore[reportAttributeAccessIssue]


class _WatchedCategories:
    moves: _Moves
    random_state: int

    def _make_samples(self, X_class: Any, klass: Any, y_dtype: Any, nn_indices: Any, n_samples: int) -> Any:
        drawn = np.random.RandomState(self.random_state)  # the library's generator
        picks = drawn.choice(np.arange(X_class.shape[0]), size=n_samples, replace=True)
        own = np.flatnonzero(self.moves.y == klass)
        self.moves.add(own[picks], np.full(n_samples, -1), np.full(n_samples, np.nan))
        return super()._make_samples(X_class, klass, y_dtype, nn_indices, n_samples)  # pyright: ignore[reportAttributeAccessIssue]
