"""New rows with categories, in bounded memory, equal to imbalanced-learn's: SMOTENC and SMOTEN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from curate.balance.resampling.cleaning import most_frequent
from curate.balance.resampling.drafted import Blocks, Drafted, block_rows
from curate.balance.resampling.interpolating import Moves
from curate.balance.resampling.mixing import nearest_of
from curate.balance.resampling.nearest import BLOCK_CELLS
from curate.evidence.parts.lying import elsewhere, picked


def smotenc(
    values: Any, categorical: np.ndarray, y: np.ndarray, extra: Mapping[int, int], k: int, seed: int
) -> Drafted:
    """SMOTE for numbers beside categories: a new row has the categories that most of the neighbours have.

    Of equally frequent ones one is drawn, as `imblearn.over_sampling.SMOTENC` draws it.

    Args:
        values: (n, d) matrix; only rows of the classes in `extra` are looked at.
        categorical: (d,) bool, columns that hold codes.
        y: (n,) int codes.
        extra: code -> rows to make; the class has more than k rows.
        k: neighbours.
        seed: of numpy's legacy generator, as `random_state`.
    """
    parts = []
    for code, wanted in extra.items():
        own = np.flatnonzero(y == code).astype(np.int32)
        near = nearest_of(values, own, categorical, k, least=0.0)
        drawn = np.random.RandomState(seed)  # the library starts anew for every class
        picks, share = drawn.randint(0, near.size, size=wanted), drawn.uniform(size=wanted)
        rows, second = picks // k, near[picks // k, picks % k]
        moves = Moves(code, own[rows], own[second], share)
        drawn = np.random.RandomState(seed)  # and again for the categories
        chosen = {
            int(column): _drawn_of_most(_codes(values, own, int(column)), near, rows, drawn)
            for column in np.flatnonzero(categorical)
        }
        parts.append(_with_categories(moves.drafted(values), chosen, values.dtype))
    return Drafted.join(parts)


def _codes(values: Any, rows: np.ndarray, column: int) -> np.ndarray:
    return picked(values, rows, np.full(len(rows), column)).astype(np.int64)


def _with_categories(drafted: Drafted, chosen: Mapping[int, np.ndarray], dtype: np.dtype) -> Drafted:
    def blocks() -> Iterator[np.ndarray]:
        start = 0
        for block in drafted.blocks():
            for column, codes in chosen.items():
                block[:, column] = codes[start : start + len(block)].astype(dtype)
            yield block
            start += len(block)

    return Drafted(blocks, drafted.codes, drafted.first, drafted.second, drafted.share)


def _drawn_of_most(codes: np.ndarray, near: np.ndarray, rows: np.ndarray, drawn: np.random.RandomState) -> np.ndarray:
    """(m,) int32: for each new row one of the codes that most of the neighbours of its main parent have.

    Args:
        codes: (c,) int codes of the rows of the class.
        near: (c, k) neighbours of each.
        rows: (m,) main parents.
        drawn: puts all candidates of all rows into an order; the first of each row is taken.
    """
    known, place = np.unique(codes, return_inverse=True)
    size, found = max(1, BLOCK_CELLS // max(1, len(known))), []
    for start in range(0, len(rows), size):
        around = place[near[rows[start : start + size]]]
        votes = np.zeros((len(around), len(known)), dtype=np.int32)
        for one in around.T:
            votes[np.arange(len(votes)), one] += 1
        at, which = np.nonzero(votes == votes.max(axis=1, keepdims=True))
        found.append(np.column_stack([at + start, which]))
    candidates = drawn.permutation(np.concatenate(found))
    _, first = np.unique(candidates[:, 0], return_index=True)
    return known[candidates[first, 1]].astype(np.int32)


def smoten(values: Any, y: np.ndarray, extra: Mapping[int, int], k: int, seed: int) -> Drafted:
    """SMOTE for categories alone: each column as most of a row and its neighbours have it.

    Rows are compared by how differently their values are spread over the classes (value difference metric); of equally
    frequent codes the smallest wins, as in `imblearn.over_sampling.SMOTEN`.

    Args:
        values: (n, d) codes.
        y: (n,) int codes of classes.
        extra: code -> rows to make; the class has more than k rows.
        k: neighbours.
        seed: of numpy's legacy generator, as `random_state`.
    """
    parts, members = [], [np.flatnonzero(y == code).astype(np.int32) for code in extra]
    nearby = elsewhere(partial(_alike, y, members, k), values)
    for (code, wanted), own, near in zip(extra.items(), members, nearby, strict=True):
        drawn = np.random.RandomState(seed)  # the library starts anew for every class
        picks = drawn.choice(np.arange(len(own)), size=wanted, replace=True)
        parts.append(Drafted.of(_voted(values, own, near, picks), code, own[picks]))
    return Drafted.join(parts)


def _alike(y: np.ndarray, members: Sequence[np.ndarray], k: int, values: Any) -> list[np.ndarray]:
    """(m, k + 1) int32 of each class: the rows of it that are most like each of its (m,) rows, itself among them."""
    from imblearn.metrics.pairwise import ValueDifferenceMetric

    values = values[:]
    # Column by column: scikit-learn's encoder, which the library's example takes, holds four more arrays of this size.
    codes, sizes, found = np.empty(values.shape, dtype=np.int32), [], []
    for column in range(values.shape[1]):
        known, place = np.unique(values[:, column], return_inverse=True)
        codes[:, column] = place
        sizes.append(len(known))
    apart = ValueDifferenceMetric(n_categories=sizes).fit(codes, y)  # pyright: ignore[reportArgumentType]
    for own in members:
        of_class = codes[own]
        near = np.empty((len(own), k + 1), dtype=np.int32)
        size = max(1, BLOCK_CELLS // len(own))
        for start in range(0, len(own), size):
            away = apart.pairwise(of_class[start : start + size], of_class)
            near[start : start + size] = np.argpartition(away, k, axis=1)[:, : k + 1]
        found.append(near)
    return found


def _voted(values: Any, own: np.ndarray, near: np.ndarray, picks: np.ndarray) -> Blocks:
    def blocks() -> Iterator[np.ndarray]:
        size = block_rows(values.shape[1] * near.shape[1])
        for start in range(0, len(picks), size):
            around = values[own[near[picks[start : start + size]]]].astype(np.int64)
            columns = [most_frequent(around[:, :, column]) for column in range(values.shape[1])]
            yield np.stack(columns, axis=1).astype(values.dtype)

    return blocks
