"""The nearest targets of every row, without error, and brought up to date where rows came and went.

faiss proposes in float32, whose last bits hang on how rows stand in blocks. What it proposes, and some more, is
compared once more in whole numbers, whose products float64 adds up without rounding: the similarity of a pair is the
same whatever stands beside it. Where so many others are as near, but for float32's error, that one of the nearest may
not have been proposed, the row is compared with all targets in that way. Lists that were kept are so those that a
search finds. Rows are known by the 64-bit hash of their vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from curate.engines.threads import one_thread_products
from curate.evidence.exact_search import QUERIES, Chosen, best_first, proposed, searched, step_of
from curate.evidence.faiss_library import one_thread_search
from curate.evidence.lists.kept import FEW_ROWS, KeptLists
from curate.evidence.lists.listed import MOST_NEW, SPARE, Lists

SCALE = 2.0**26
"""Whole numbers in proportion to vectors of length 1: float64 holds every sum of their products."""
WIDER = 8
"""Times as many are proposed for a row before it is compared with all."""
BLOCK_BYTES = 32_000_000
FEW_QUERIES = 1_024


@dataclass(frozen=True)
class _Found:
    """Lists as of `Lists`, with places among the rows that are chosen.

    Attributes:
        near: (q, w) int32.
        value: (q, w) float32.
        bound: (q,) float32.
    """

    near: np.ndarray
    value: np.ndarray
    bound: np.ndarray

    def enough(self, needed: int) -> np.ndarray:
        """(q,) bool: lists that hold so many of the nearest for certain."""
        return (self.value > self.bound[:, None]).sum(1) >= needed


def listed_search(
    chosen: Chosen,
    targets: np.ndarray,
    queries: np.ndarray,
    k: int,
    names: np.ndarray | None = None,
    keeper: KeptLists | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest targets of each query, itself excluded, best first; ties by position.

    Args:
        chosen: (u, d) vectors of length 1, no two of them equal.
        targets: (t,) ascending places that may be found.
        queries: (q,) places to search for.
        k: how many.
        names: (u,) uint64 hash of each vector, no two of them equal; None where there are none.
        keeper: of lists.

    Returns:
        (q, k) int32 places, -1 for none, and (q, k) float32 similarities, -inf for none.

    Peak memory: two blocks of 48 MB, three of 32 MB, what faiss holds of similarities, and 24 (k + 17) bytes per row.
    """
    width, needed = min(k + 1 + SPARE, len(targets)), min(k + 1, len(targets))  # one more: a query may find itself
    found = _Found(
        np.full((len(queries), width), -1, dtype=np.int32),
        np.full((len(queries), width), -np.inf, dtype=np.float32),
        np.full(len(queries), -np.inf, dtype=np.float32),
    )
    known = np.zeros(len(queries), dtype=bool)
    keeper = None if names is None or len(queries) < FEW_ROWS else keeper
    before = None if keeper is None else keeper.last(width)
    if names is not None and before is not None and before.changed(np.sort(names[targets]), before.rows) <= MOST_NEW:
        with one_thread_products():
            known = _brought_up_to_date(chosen, targets, queries, names, before, found, needed)
    rest = np.flatnonzero(~known)
    if len(rest):
        work = partial(_searched, targets=targets, width=width, needed=needed)
        with _few_alone(len(rest)):
            found.near[rest], found.value[rest], found.bound[rest] = (
                np.concatenate(column) for column in zip(*searched(work, chosen, queries[rest]))
            )
    if keeper is not None and names is not None:
        keeper.keep(_lists(found, targets, queries, names), before)
    own = found.near == queries[:, None]
    near, value = best_first(np.where(own, -1, found.near), np.where(own, -np.inf, found.value), k)
    indices = np.full((len(queries), k), -1, dtype=np.int32)
    similarity = np.full((len(queries), k), -np.inf, dtype=np.float32)
    indices[:, : near.shape[1]] = np.where(np.isfinite(value), near, -1)
    similarity[:, : near.shape[1]] = np.minimum(value, np.float32(1))
    return indices, similarity


@contextmanager
def _few_alone(queries: int) -> Iterator[None]:
    """Few queries are searched by this thread: others would wait for each other for longer than they multiply."""
    with ExitStack() as limits:
        if queries <= FEW_QUERIES:
            limits.enter_context(one_thread_search())
            limits.enter_context(one_thread_products())
        yield


def similarities(chosen: Chosen, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(m, w) float32 similarity of (m,) rows with (m, w) others each; -inf where the place is -1."""
    result = np.empty(places.shape, dtype=np.float32)
    step = max(1, BLOCK_BYTES // (8 * chosen.width * max(places.shape[1], 1)))
    for begin in range(0, len(rows), step):
        block = slice(begin, begin + step)
        one, others = _whole(chosen[rows[block]]), _whole(chosen[places[block].ravel()])
        others = others.reshape(len(one), -1, chosen.width)
        result[block] = (others @ one[:, :, None])[..., 0] / SCALE**2
    result[places < 0] = -np.inf
    return result


def _whole(vectors: np.ndarray) -> np.ndarray:
    """(m, d) float64 whole numbers of float32 vectors; in float32 both steps are without error, and twice as fast."""
    return np.rint(vectors * np.float32(SCALE)).astype(np.float64)


def _error(width: int) -> float:
    """By so much a similarity of vectors of so many numbers may differ from what faiss adds up, in whatever order.

    For few numbers a bound; for many, where errors cancel out, a likely one, missed once in 10^13 sums (Higham and Mary
    2019, "A new approach to probabilistic rounding error analysis").
    """
    return (min(width, 8 * np.sqrt(width)) + 8) * 2.0**-24


def _above(value: np.ndarray, width: int) -> np.ndarray:
    """(q,) float32 bound of the similarities of all that faiss gives at most (q,) values."""
    return np.nextafter((value + _error(width)).astype(np.float32), np.float32(np.inf))


def _searched(
    chosen: Chosen, queries: np.ndarray, *, targets: np.ndarray, width: int, needed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists of some queries."""
    found = _compared(chosen, queries, targets, width)
    unsure = np.flatnonzero(~found.enough(needed))
    if len(unsure):
        wider = _compared(chosen, queries[unsure], targets, min(WIDER * width, len(targets)))
        found.near[unsure], found.value[unsure] = wider.near[:, :width], wider.value[:, :width]
        beyond = wider.value[:, width] if wider.value.shape[1] > width else wider.bound
        found.bound[unsure] = np.maximum(wider.bound, beyond)
        unsure = np.flatnonzero(~found.enough(needed))
    if len(unsure):
        found.near[unsure], found.value[unsure] = -1, -np.inf
        found.near[unsure, :needed], found.value[unsure, :needed] = _of_all(chosen, queries[unsure], targets, needed)
    return found.near, found.value, found.bound


def _compared(chosen: Chosen, queries: np.ndarray, targets: np.ndarray, width: int) -> _Found:
    """Lists of what faiss proposes."""
    near, said = proposed(chosen, queries, targets, width)
    bound = np.full(len(queries), -np.inf, dtype=np.float32)
    if len(targets) > width:
        bound = _above(said[:, -1], chosen.width)
    return _Found(*best_first(near, similarities(chosen, queries, near), width), bound)


def _of_all(chosen: Chosen, queries: np.ndarray, targets: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(q, k) places and similarities of the nearest, by comparing all; of equal ones the lowest place first."""
    near = np.full((len(queries), k), -1, dtype=np.int32)
    value = np.full((len(queries), k), -np.inf, dtype=np.float32)
    step = max(k, step_of(chosen.width) // 2)
    for start in range(0, len(targets), step):
        part = targets[start : start + step]
        base = _whole(chosen[part])
        rows = max(1, BLOCK_BYTES // (8 * len(part)))
        for begin in range(0, len(queries), rows):
            block = slice(begin, begin + rows)
            more = ((_whole(chosen[queries[block]]) @ base.T) / SCALE**2).astype(np.float32)
            column = _largest(more, min(k, len(part)))
            near[block], value[block] = best_first(
                np.concatenate([near[block], part[column]], axis=1),
                np.concatenate([value[block], np.take_along_axis(more, column, 1)], axis=1),
                k,
            )
    return near, value


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """(m, k) columns of the largest of (m, t) values, in no order; of equal ones the first."""
    last = np.partition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k, None]
    larger, level = values > last, values == last
    room = k - larger.sum(1, keepdims=True)
    return np.nonzero(larger | (level & (np.cumsum(level, axis=1) <= room)))[1].reshape(len(values), k)


def _brought_up_to_date(
    chosen: Chosen,
    targets: np.ndarray,
    queries: np.ndarray,
    names: np.ndarray,
    kept: Lists,
    found: _Found,
    needed: int,
) -> np.ndarray:
    """Write the lists that follow from those that were kept; (q,) bool, which ones do."""
    now = np.append(_place_of(kept.candidates, names, targets), -1)  # of those before, and of nobody
    line_of = _place_of(names[queries], kept.rows, np.arange(len(kept.rows)))
    new = targets[~np.isin(names[targets], kept.candidates)]
    known, width = line_of >= 0, found.near.shape[1]
    base, rows = chosen[new], np.flatnonzero(known)
    step = max(1, min(QUERIES, BLOCK_BYTES // (8 * max(len(new), 1))))
    for begin in range(0, len(rows), step):
        block = rows[begin : begin + step]
        line = line_of[block]
        near, bound = now[kept.near[line]], kept.bound[line]
        value = np.where(near >= 0, kept.value[line], np.float32(-np.inf))
        # Of the others the order holds: none of theirs went or came, nor do any tie.
        moved = (near < 0).any(1) | (value[:, 1:] == value[:, :-1]).any(1)
        if len(new):
            fresh, some, least = _newly_near(chosen, queries[block], new, base, bound, width)
            moved |= (fresh >= 0).any(1)
            near, value = np.concatenate([near, fresh], axis=1), np.concatenate([value, some], axis=1)
            bound = np.maximum(bound, least)
        near[moved], value[moved] = best_first(near[moved], value[moved], near.shape[1])
        if near.shape[1] > width:
            bound = np.maximum(bound, value[:, width])
        best = _Found(near[:, :width], value[:, :width], bound)
        found.near[block], found.value[block], found.bound[block] = best.near, best.value, bound
        known[block] = best.enough(needed)
    return known


def _newly_near(
    chosen: Chosen, queries: np.ndarray, new: np.ndarray, base: np.ndarray, bound: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(q, w) places and similarities of new targets above the bounds of lists, and a bound of all the others."""
    said, least = chosen[queries] @ base.T, np.full(len(queries), np.float32(-np.inf))
    there = said > bound[:, None] - np.float32(2 * _error(chosen.width))
    many = np.flatnonzero(there.sum(1) > width)
    if len(many):
        column = _largest(said[many], width)
        there[many] = False
        there[many[:, None], column] = True
        least[many] = _above(said[many[:, None], column].min(1), chosen.width)
    counts = there.sum(1)
    line, column = np.nonzero(there)
    place = np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)
    near = np.full((len(queries), int(counts.max(initial=0))), -1, dtype=np.int32)
    value = np.full(near.shape, -np.inf, dtype=np.float32)
    near[line, place] = new[column]
    value[line, place] = similarities(chosen, queries[line], new[column][:, None])[:, 0]
    return near, value, least


def _place_of(asked: np.ndarray, names: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(m,) int32 which of the places has each of (m,) names that are asked for, -1 for none."""
    if not len(places):
        return np.full(len(asked), -1, dtype=np.int32)
    own = names[places]
    order = np.argsort(own)
    spot = order[np.searchsorted(own, asked, sorter=order).clip(max=len(own) - 1)]
    return np.where(own[spot] == asked, places[spot], -1).astype(np.int32)


def _lists(found: _Found, targets: np.ndarray, queries: np.ndarray, names: np.ndarray) -> Lists:
    """The lists by hashes."""
    ascending, by_name = np.argsort(names[targets]), np.argsort(names[queries])
    rank = np.full(int(targets.max(initial=-1)) + 2, -1, dtype=np.int32)  # the last is nobody's
    rank[targets[ascending]] = np.arange(len(targets))
    near, value = rank[found.near[by_name]], found.value[by_name]
    return Lists(names[targets][ascending], names[queries][by_name], near, value, found.bound[by_name])
