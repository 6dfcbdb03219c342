"""New rows between rows of one class: SMOTE and ADASYN in bounded memory, equal to imbalanced-learn's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from curate.balance.resampling.drafted import Drafted
from curate.errors import DataError

BLOCK_CELLS = 262_144
"""Cells of the matrix that are made at once: 2 MB in double, which stays near the processor."""


def neighbours_within(values: np.ndarray, k: int) -> np.ndarray:
    """(m, k) int64: the k nearest other rows of each of (m, d) rows, as scikit-learn finds them."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k + 1).fit(values).kneighbors(values, return_distance=False)[:, 1:]


@dataclass(frozen=True)
class Moves:
    """Rows of one class that are moved toward others: (m,) rows, (m,) rows toward which, and (m,) how far."""

    code: int
    first: np.ndarray
    second: np.ndarray
    share: np.ndarray


def moved(values: np.ndarray, parts: Sequence[Moves]) -> Drafted:
    """The new rows, in the precision of `values` and in order, written once and block by block.

    Args:
        values: (n, d) matrix.
        parts: what is moved where.
    """
    made = np.empty((sum(len(part.first) for part in parts), values.shape[1]), dtype=values.dtype)
    step, start = max(1, BLOCK_CELLS // max(1, values.shape[1])), 0
    for part in parts:
        for begin in range(0, len(part.first), step):
            here = slice(begin, begin + step)
            origin = values[part.first[here]]
            block = origin + part.share[here, None] * (values[part.second[here]] - origin)
            made[start : start + len(block)] = block
            start += len(block)
    told = [Drafted.of(made[: len(p.first)], p.code, p.first, p.second, p.share) for p in parts]
    return replace(Drafted.join([replace(one, values=made[:0]) for one in told], values), values=made)


def smote(values: np.ndarray, y: np.ndarray, extra: Mapping[int, int], k: int, seed: int) -> Drafted:
    """SMOTE, as `imblearn.over_sampling.SMOTE` draws it.

    Args:
        values: (n, d) matrix; only rows of the classes in `extra` are looked at.
        y: (n,) int codes.
        extra: code -> rows to make; the class has more than k rows.
        k: neighbours that a row is moved toward one of.
        seed: of numpy's legacy generator, as `random_state`.
    """
    parts = []
    for code, wanted in extra.items():
        own = np.flatnonzero(y == code)
        near = neighbours_within(values[own], k)
        drawn = np.random.RandomState(seed)  # the library starts anew for every class
        picks, share = drawn.randint(0, near.size, size=wanted), drawn.uniform(size=wanted)
        parts.append(Moves(code, own[picks // k], own[near.reshape(-1)[picks]], share))
    return moved(values, parts)


def adasyn(
    values: np.ndarray, y: np.ndarray, extra: Mapping[int, int], k: int, seed: int, names: Mapping[int, str]
) -> Drafted:
    """ADASYN, as `imblearn.over_sampling.ADASYN` draws it: more rows where neighbours are of other classes.

    Args:
        values: (n, d) matrix.
        y: (n,) int codes.
        extra: code -> rows to make, about: shares of them are rounded row by row.
        k: neighbours that are looked at.
        seed: of numpy's legacy generator, as `random_state`.
        names: code -> name of the class, for messages.

    Raises:
        DataError: no row of a class is near another class.
    """
    from sklearn.neighbors import NearestNeighbors

    drawn, parts = np.random.RandomState(seed), []  # the library's generator
    everywhere = NearestNeighbors(n_neighbors=k + 1).fit(values)
    for code, wanted in extra.items():
        own = np.flatnonzero(y == code)
        of_class = values[own]
        around = everywhere.kneighbors(of_class, return_distance=False)[:, 1:]
        foreign = np.sum(y[around] != code, axis=1) / k
        if not foreign.sum():
            raise DataError(
                f"resample: adasyn makes rows where neighbours are of other classes, and of class {names[code]!r} no"
                f" row has one among its {k} nearest; take smote, or a larger k"
            )
        times = np.rint(foreign / foreign.sum() * wanted).astype(int)
        if not times.sum():
            raise DataError(
                f"resample: adasyn spreads {wanted} rows of class {names[code]!r} over {len(own)} rows, and every share"
                " rounds to none; ask for more rows, or take smote"
            )
        near = neighbours_within(of_class, k)
        first = np.repeat(np.arange(len(own)), times)
        second = near[first, drawn.choice(k, size=len(first))]
        share = drawn.uniform(size=(len(first), 1))[:, 0]
        parts.append(Moves(code, own[first], own[second], share))
    return moved(values, parts)
