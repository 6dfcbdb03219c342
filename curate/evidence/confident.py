"""Confident learning in passes over blocks of rows: what is taken for the true label of each, and how often.

Nothing of the size of the probabilities is made: beside them a few numbers per row and one block are held. The results
are those of cleanlab 2.9 on the same array, to the last row.
Source: Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, 2021.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from curate.evidence.parts.lying import by_pieces, lies_in_parts
from curate.evidence.vector_rows import Rows

NEAR = 1e-6
"""Probabilities nearer to each other than this count as equal."""
LOWEST = 2 * NEAR
"""Least threshold of a class."""
NEVER = 2.0
"""Threshold of classes without a row: no probability reaches it."""
BLOCK_BYTES = 1_000_000


@dataclass(frozen=True)
class Predicted:
    """What the probabilities of each row come to; m rows in the order in which they are considered.

    Attributes:
        own: (m,) probability of the given label, in the dtype of the probabilities.
        best: (m,) int32 likeliest class, the first where several tie.
        top: (m,) its probability.
    """

    own: np.ndarray
    best: np.ndarray
    top: np.ndarray


def predicted(probabilities: Rows, labels: np.ndarray, rows: np.ndarray | None = None) -> Predicted:
    """One pass: the likeliest class and the probability of the given label.

    Args:
        probabilities: (n, K) array, mapped or not, or column of vectors.
        labels: (m,) codes.
        rows: (m,) positions in the order in which they are considered; all as they stand if left out.

    Peak memory: 12 bytes per row and one block (4 more bytes per row where `rows` are given). Rows that lie in parts
    are gone over by the machines of an engine.
    """
    m = len(labels)
    if lies_in_parts(probabilities):
        return Predicted(*by_pieces(_predicted, probabilities, np.arange(m) if rows is None else rows, labels))
    own = np.empty(m, dtype=probabilities.dtype)
    best, top = np.empty(m, dtype=np.int32), np.empty(m, dtype=probabilities.dtype)
    for places, block in visited(probabilities, rows, m):
        likeliest = block.argmax(1)
        # Flat places are found several times faster than pairs of row and column.
        begins, flat = np.arange(0, block.size, block.shape[1]), block.reshape(-1)
        own[places], best[places] = flat[begins + labels[places]], likeliest
        top[places] = flat[begins + likeliest]
    return Predicted(own, best, top)


def _predicted(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    found = predicted(probabilities, labels)
    return found.own, found.best, found.top


def largest_other(
    probabilities: Rows, labels: np.ndarray, seen: Predicted, rows: np.ndarray | None = None
) -> np.ndarray:
    """(m,) largest probability of another class than the given one, -inf where there is no other."""
    if lies_in_parts(probabilities):
        some = np.arange(len(labels)) if rows is None else rows
        return by_pieces(_largest_other, probabilities, some, labels, seen.best, seen.top)[0]
    other = seen.top.copy()
    best = seen.best == labels
    for places, block in visited(probabilities, rows, len(labels)):
        mine = np.flatnonzero(best[places])
        part = block[mine]  # a copy
        part[np.arange(len(mine)), labels[places][mine]] = -np.inf
        values = other[places]
        values[mine] = part.max(1, initial=-np.inf)
        other[places] = values
    return other


def _largest_other(
    probabilities: np.ndarray, labels: np.ndarray, best: np.ndarray, top: np.ndarray
) -> tuple[np.ndarray]:
    return (largest_other(probabilities, labels, Predicted(top, best, top)),)


def visited(
    probabilities: Rows, rows: np.ndarray | None, count: int
) -> Iterator[tuple[slice | np.ndarray, np.ndarray]]:
    """Blocks of rows in the order in which they are stored: where they stand among `rows`, and their vectors."""
    step = block_rows(probabilities)
    if rows is None:
        for begin in range(0, count, step):
            end = min(begin + step, count)
            yield slice(begin, end), np.ascontiguousarray(probabilities[begin:end])
        return
    order = np.argsort(rows, kind="stable").astype(np.int32)
    whole = len(rows) == len(probabilities) and bool((rows[order] == np.arange(len(rows))).all())
    for begin in range(0, count, step):
        places = order[begin : begin + step]
        stored = probabilities[begin : begin + step] if whole else probabilities[rows[places]]
        yield places, np.ascontiguousarray(stored)


def block_rows(probabilities: Rows) -> int:
    """Rows of one block."""
    width = max(1, probabilities.shape[1] * probabilities.dtype.itemsize)
    return max(1, BLOCK_BYTES // width)


@dataclass(frozen=True)
class ByClass:
    """The rows of each given class.

    Attributes:
        order: (m,) int32 places of the rows, one class after the other, in each as they come.
        begins: (K + 1,) where each class begins.
    """

    order: np.ndarray
    begins: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, classes: int) -> ByClass:
        """Of (m,) codes below `classes`."""
        small = labels.astype(np.int16 if classes < 2**15 else np.int32)  # 16 bits are sorted by counting
        order = np.argsort(small, kind="stable").astype(np.int32)
        return cls(order, np.concatenate([[0], np.cumsum(np.bincount(labels, minlength=classes))]))

    def __len__(self) -> int:
        """K."""
        return len(self.begins) - 1

    def __getitem__(self, code: int) -> np.ndarray:
        """Places of the rows of a class."""
        return self.order[self.begins[code] : self.begins[code + 1]]


def thresholds(own: np.ndarray, members: ByClass) -> np.ndarray:
    """(K,) mean probability of the class among the rows that were given it: what counts as confident, less `NEAR`.

    Args:
        own: (m,) probability of the given label.
        members: the rows of each class.
    """
    # A mean of each class by itself, for sums over all rows would round in another way.
    means = [own[members[code]].mean() if len(members[code]) else int(NEVER) for code in range(len(members))]
    return np.clip(means, LOWEST, None) - NEAR


def guesses(probabilities: Rows, seen: Predicted, least: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """(m,) int32 class that each row is confidently taken for, -1 where it is confident of none.

    That is the one class whose threshold is reached, or the likeliest class where several are.

    Args:
        probabilities: (n, K).
        seen: of these rows.
        least: (K,) from `thresholds`.
        rows: as in `predicted`.
    """
    least = _reached(least, probabilities.dtype)
    # Where the likeliest class reaches its threshold it is the one, whatever others do.
    found = np.where(seen.top >= least[seen.best], seen.best, np.int32(-1))
    open_rows = np.flatnonzero((found < 0) & (seen.top >= least.min(initial=np.inf)))
    some, best = open_rows if rows is None else rows[open_rows], seen.best[open_rows]
    if lies_in_parts(probabilities):
        found[open_rows] = by_pieces(partial(_reaching, least), probabilities, some, best)[0]
        return found
    step = block_rows(probabilities)
    for begin in range(0, len(open_rows), step):
        block = slice(begin, begin + step)
        found[open_rows[block]] = _reaching(least, probabilities[some[block]], best[block])[0]
    return found


def _reaching(least: np.ndarray, probabilities: np.ndarray, best: np.ndarray) -> tuple[np.ndarray]:
    """(q,) int32 the one class that reaches its threshold, the likeliest one where several do, -1 where none does."""
    found = np.full(len(best), -1, dtype=np.int32)
    row, column = np.divmod(np.flatnonzero(probabilities >= least), probabilities.shape[1])
    several = np.bincount(row, minlength=len(best)) > 1
    found[row] = column
    found[several] = best[several]
    return (found,)


def _reached(least: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The same thresholds in the dtype of the probabilities: the least numbers that are no smaller."""
    near = least.astype(dtype)
    return np.where(near.astype(np.float64) < least, np.nextafter(near, np.array(np.inf, dtype)), near)


def confident_counts(labels: np.ndarray, guessed: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) int64 rows of each given (row) and confidently guessed (column) label; at least 1 on the diagonal."""
    sure = np.flatnonzero(guessed >= 0)
    flat = labels[sure].astype(np.int64) * classes + guessed[sure]
    counts = np.bincount(flat, minlength=classes * classes).reshape(classes, classes)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    return counts


def calibrated(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(K, K) counts scaled so that each row sums to the rows of that given label; whole numbers."""
    given = np.bincount(labels, minlength=len(counts))
    counts = np.asfortranarray(counts)  # cleanlab's layout: sums over another one differ in their last bits
    scaled = (counts.T / np.clip(counts.sum(axis=1), 1e-100, None) * given).T
    scaled = scaled / np.clip(np.sum(scaled), 1e-100, None) * given.sum()
    return rounded(scaled)


def rounded(matrix: np.ndarray) -> np.ndarray:
    """(r, c) int64: each row rounded so that its sum is the rounded sum of the row.

    Where rounding alone misses the sum, the numbers that were rounded furthest go the other way.
    """
    matrix = np.ascontiguousarray(matrix, dtype=np.float64)
    whole = matrix.round()
    missing = np.round(np.sum(matrix, axis=1).round() - whole.sum(axis=1)).astype(np.int64)
    for row in np.flatnonzero(missing):
        # One row at a time, as the order of equal remainders hangs on the sort of that row alone.
        line, whole_line = matrix[row], whole[row]
        left = int(missing[row])
        while left:
            way = 1 if left > 0 else -1
            furthest = np.argsort(line - whole_line)[::-way][: min(abs(left), len(line))]
            whole_line[furthest] += way
            left = int(np.round(line.sum().round() - whole_line.sum()))
    return whole.astype(np.int64)


def estimated_joint(probabilities: Rows, labels: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """(K, K) float64 joint distribution of given (row) and true (column) label, sums to 1.

    Peak memory: 40 bytes per row and a few blocks of 2 MB.
    """
    classes = probabilities.shape[1]
    seen = predicted(probabilities, labels, rows)
    guessed = guesses(probabilities, seen, thresholds(seen.own, ByClass.of(labels, classes)), rows)
    counts = calibrated(confident_counts(labels, guessed, classes), labels)
    return counts / np.clip(float(np.sum(counts)), 1e-100, None)
