"""Nearest vectors by an inverted file: rows are put into cells around centres, and near cells alone are compared.

The cells are those of faiss's k-means. They are compared by products of whole cells, which costs a fraction of what an
inverted file costs that walks through the lists of one query after another, and needs no second copy of the vectors.
How far a query looks is set before the search: exact neighbours of a sample tell in which cells neighbours lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from curate.evidence.cell_visits import Looks, looks_for
from curate.evidence.exact_search import Chosen, best_first, exact_search
from curate.evidence.faiss_library import faiss

CELLS_PER_ROOT = 2.0
"""Cells per square root of the rows that may be found."""
ROWS_PER_CELL = 40
"""Rows that the centres are learned from, for each."""
ROUNDS = 6
SAMPLE = 1_000
"""Rows whose exact neighbours tell how far to look: by one half it is set, by the other it is tried."""
AIMED = 0.99
"""Share of the neighbours that is to be found in the sample; at least `LEAST_RECALL` is promised."""
LEAST_RECALL = 0.98
WORTH = 0.4
"""Share of all pairs from which comparing all of them at once is cheaper."""
BLOCK_ROWS = 8_192
BLOCK_CELLS = 4_000_000
"""Similarities that are held at a time."""
MOST_WAITING = 500_000
"""Pairs that wait to be sorted into the neighbours of their row."""


@dataclass
class Cells:
    """Rows in cells.

    Attributes:
        centres: (c, d) float32 of length 1.
        own: (u,) int32 cell of each row.
        gap: how much less similar than the nearest centre the centre of a cell may be that a row looks into.
        looks: which rows look into which cells.
    """

    centres: np.ndarray
    own: np.ndarray
    gap: float
    looks: Looks

    def members(self, cell: int) -> np.ndarray:
        """Ascending places of the rows of a cell."""
        order, begins = self._by_cell
        return order[begins[cell] : begins[cell + 1]].astype(np.int64)

    @cached_property
    def _by_cell(self) -> tuple[np.ndarray, np.ndarray]:
        """(u,) int32 places of the rows, cell by cell, and (c + 1,) where each cell begins."""
        count = len(self.centres)
        small = self.own.astype(np.min_scalar_type(max(count - 1, 0)))  # 16 bits are sorted by counting
        order = np.argsort(small, kind="stable").astype(np.int32)
        return order, np.concatenate([[0], np.cumsum(np.bincount(self.own, minlength=count))])


def cell_search(
    chosen: Chosen, targets: np.ndarray, queries: np.ndarray, k: int, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The k nearest targets of each query, nearly all of them; None where comparing all pairs is cheaper.

    Args:
        chosen: (u, d) vectors of length 1, no two of them equal.
        targets: (t,) ascending places that may be found.
        queries: (q,) ascending places to search for.
        k: how many.
        device: of the exact search for the sample.

    Returns:
        (q, k) int32 places, -1 for none, (q, k) float32 similarities, -inf for none, both best first, and the share of
        the exact neighbours of a sample of queries that was found.

    Peak memory, beside the vectors: 8 k + 16 bytes per row, which rows look into which of c cells (2 bytes for each,
    or, where they are many, u c / 8 bytes), and about 150 MB of blocks (products, pairs that wait to be sorted).
    """
    centres = _centres(chosen, targets)
    sample = queries[np.linspace(0, len(queries) - 1, min(SAMPLE, len(queries))).astype(np.int64)]
    exact = exact_search(chosen, targets, sample, k, device)
    gap = _gap(chosen, centres, sample, exact[0])
    if gap is None:
        return None
    cells, pairs = _cells(chosen, centres, gap)
    sizes = np.bincount(cells.own[targets], minlength=len(centres))
    if float(pairs @ sizes) > WORTH * len(chosen) * len(targets):
        return None
    nearest = _Nearest(len(chosen), k)
    is_target, is_query = (np.bincount(places, minlength=len(chosen)) > 0 for places in (targets, queries))
    for cell in range(len(centres)):  # rows of the same cell first: they tell how near others must be
        members = cells.members(cell)
        _within(chosen, members[is_target[members] | is_query[members]], is_target, is_query, nearest)
    nearest.settle()
    for cell in range(len(centres)):
        members = cells.members(cell)
        members = members[is_target[members]]
        if len(members):
            _beyond(chosen, cells, cell, members, is_target, is_query, nearest)
    nearest.settle()
    del cells
    # Rows that met fewer others than they have neighbours lie apart: for them all are looked at.
    lone = queries[~np.isfinite(nearest.least[queries])]
    nearest.places[lone], nearest.values[lone] = exact_search(chosen, targets, lone, k, device)
    recall = _recall(nearest.places[sample], nearest.values[sample], *exact)
    near, similarity = nearest.places, nearest.values
    if len(queries) < len(near):
        near, similarity = near[queries], similarity[queries]
    return near, np.minimum(similarity, 1.0, out=similarity), recall


class _Nearest:
    """The k best of the pairs that are offered, row by row."""

    def __init__(self, rows: int, k: int) -> None:
        self.places = np.full((rows, k), -1, dtype=np.int32)
        self.values = np.full((rows, k), -np.inf, dtype=np.float32)
        self.least = np.full(rows, -np.inf, dtype=np.float32)
        self._waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._count = 0

    def offer(self, rows: np.ndarray, places: np.ndarray, values: np.ndarray) -> None:
        """(p,) pairs of a row and what may be its neighbour; no pair is offered twice."""
        if len(rows):
            self._waiting.append((rows.astype(np.int32), places.astype(np.int32), values))
            self._count += len(rows)
        if self._count > MOST_WAITING:
            self.settle()

    def settle(self) -> None:
        """Sort what waits into the neighbours."""
        if not self._count:
            return
        rows, places, values = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
        self._waiting, self._count = [], 0
        k = self.places.shape[1]
        # Row by row, best first: the bits of a float above 0 have the order of the numbers, and 2 less a cosine is one.
        key = rows.astype(np.uint64) << np.uint64(32)
        key |= (np.float32(2) - values).view(np.uint32)
        order = np.argsort(key)
        del key
        rows = rows[order]
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        rank = np.arange(len(rows)) - np.repeat(begins, np.diff(begins, append=len(rows)))
        kept = np.flatnonzero(rank < k)
        rows, rank, order = rows[kept], rank[kept], order[kept]
        owner, line = np.unique(rows, return_inverse=True)
        step = max(1, BLOCK_CELLS // (8 * k))
        for begin in range(0, len(owner), step):
            block = owner[begin : begin + step]
            here = slice(*np.searchsorted(line, [begin, begin + step]))
            more = np.full((len(block), k), -1, dtype=np.int32)
            values_of = np.full((len(block), k), -np.inf, dtype=np.float32)
            more[line[here] - begin, rank[here]] = places[order[here]]
            values_of[line[here] - begin, rank[here]] = values[order[here]]
            both = np.concatenate([self.places[block], more], axis=1)
            found = best_first(both, np.concatenate([self.values[block], values_of], axis=1), k)
            self.places[block], self.values[block] = found
            self.least[block] = found[1][:, -1]


def _centres(chosen: Chosen, targets: np.ndarray) -> np.ndarray:
    """(c, d) float32 centres of length 1, learned from an even sample."""

    count = max(1, int(CELLS_PER_ROOT * np.sqrt(len(targets))))
    sample = targets[np.linspace(0, len(targets) - 1, min(len(targets), ROWS_PER_CELL * count)).astype(np.int64)]
    means = faiss().Kmeans(chosen.width, count, niter=ROUNDS, spherical=True, seed=1, min_points_per_centroid=1)
    means.train(chosen[sample])
    return np.asarray(means.centroids, dtype=np.float32)


def _gap(chosen: Chosen, centres: np.ndarray, sample: np.ndarray, near: np.ndarray) -> float | None:
    """How far rows must look for `AIMED` of the neighbours; None where not even all cells would do."""
    row, column = np.nonzero(near >= 0)
    if not len(row):
        return None
    left, right = sample[row], near[row, column]
    rows, place = np.unique(np.concatenate([left, right]), return_inverse=True)
    own, best = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.float32)
    apart = np.empty((2, len(left)), dtype=np.float32)
    for begin in range(0, len(rows), BLOCK_ROWS):
        likeness = chosen[rows[begin : begin + BLOCK_ROWS]] @ centres.T
        own[begin : begin + BLOCK_ROWS] = likeness.argmax(1)
        best[begin : begin + BLOCK_ROWS] = likeness.max(1)
    sides = place[: len(left)], place[len(left) :]
    for side, (one, other) in enumerate((sides, sides[::-1])):
        for begin in range(0, len(left), BLOCK_ROWS):
            some = slice(begin, begin + BLOCK_ROWS)
            likeness = np.einsum("ij,ij->i", chosen[rows[one[some]]], centres[own[other[some]]])
            apart[side, some] = best[one[some]] - likeness
    # A pair is found if either of its rows looks into the other's cell.
    needed = np.maximum(apart.min(0), 0)
    by_half = [needed[row % 2 == half] for half in (0, 1)]
    gap = max(float(np.quantile(by_half[0], AIMED)), float(np.quantile(by_half[-1], 0.5 * (AIMED + LEAST_RECALL))))
    return gap + 1e-6


def _cells(chosen: Chosen, centres: np.ndarray, gap: float) -> tuple[Cells, np.ndarray]:
    """The cells, and (c,) int64 how many rows look into each."""
    own, count = np.empty(len(chosen), dtype=np.int32), np.zeros(len(centres), dtype=np.int64)
    # Rows come in the order of their hashes: the first are as all are.
    looks = looks_for(_near(chosen, centres, gap, 0)[1], len(chosen))
    for begin in range(0, len(chosen), BLOCK_ROWS):  # a multiple of 8
        own[begin : begin + BLOCK_ROWS], near = _near(chosen, centres, gap, begin)
        count += near.sum(0)
        looks.add(near)
    return Cells(centres, own, gap, looks), count


def _near(chosen: Chosen, centres: np.ndarray, gap: float, begin: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a block of m rows: (m,) the cell of each, and (m, c) bool, which cells they look into."""
    likeness = chosen[np.arange(begin, min(begin + BLOCK_ROWS, len(chosen)))] @ centres.T
    return likeness.argmax(1), likeness >= likeness.max(1, keepdims=True) - np.float32(gap)


def _blocks(places: np.ndarray, across: int) -> Iterator[np.ndarray]:
    step = max(1, BLOCK_CELLS // max(1, across))
    return (places[begin : begin + step] for begin in range(0, len(places), step))


def _within(chosen: Chosen, rows: np.ndarray, is_target: np.ndarray, is_query: np.ndarray, nearest: _Nearest) -> None:
    """Offer the best pairs of the rows of one cell."""
    members, k = rows[is_target[rows]], nearest.places.shape[1]
    if not len(members):
        return
    base = chosen[members]
    for asked in _blocks(rows[is_query[rows]], len(members)):
        likeness = chosen[asked] @ base.T
        likeness[asked[:, None] == members[None]] = -np.inf
        count = min(k, len(members))
        best = np.argpartition(likeness, len(members) - count, axis=1)[:, len(members) - count :]
        values = np.take_along_axis(likeness, best, 1)
        row, column = np.nonzero(np.isfinite(values))
        nearest.offer(asked[row], members[best[row, column]], values[row, column])


def _beyond(
    chosen: Chosen,
    cells: Cells,
    cell: int,
    members: np.ndarray,
    is_target: np.ndarray,
    is_query: np.ndarray,
    nearest: _Nearest,
) -> None:
    """Offer pairs of the members of a cell and rows of other cells that look into it, to both of them."""
    visitors = cells.looks.visitors(cell)
    visitors = visitors[(cells.own[visitors] != cell) & (is_query[visitors] | is_target[visitors])]
    base, looked = chosen[members], cells.looks.of(members)
    for asked in _blocks(visitors, len(members)):
        likeness = chosen[asked] @ base.T
        flat = likeness.reshape(-1)
        row, column = np.divmod(np.flatnonzero(likeness >= _asking(nearest, is_query, asked)[:, None]), len(members))
        nearest.offer(asked[row], members[column], flat[row * len(members) + column])
        row, column = np.divmod(np.flatnonzero(likeness >= _asking(nearest, is_query, members)[None]), len(members))
        # Who looks into the other's cell finds the row there.
        new = is_target[asked[row]] & ~looked[column, cells.own[asked[row]]]
        row, column = row[new], column[new]
        nearest.offer(members[column], asked[row], flat[row * len(members) + column])


def _asking(nearest: _Nearest, is_query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(m,) float32 least similarity that rows are interested in; infinite for those that are not asked about."""
    return np.where(is_query[rows], nearest.least[rows], np.float32(np.inf))


def _recall(near: np.ndarray, values: np.ndarray, exact: np.ndarray, exact_values: np.ndarray) -> float:
    """Share of the exact neighbours that were found; one that is as near as the last of them counts, too."""
    wanted = exact >= 0
    found = (near[:, :, None] == exact[:, None, :]).any(1)
    last = np.where(wanted, exact_values, np.inf).min(1, initial=np.inf, keepdims=True)
    ties = ((values >= last - 1e-6) & (near >= 0)).sum(1)
    hits = np.maximum((found & wanted).sum(1), np.minimum(ties, wanted.sum(1)))
    return float(hits.sum() / max(wanted.sum(), 1))
