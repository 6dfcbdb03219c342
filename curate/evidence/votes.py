"""What the nearest rows of other folds say about a row: a vote of their labels.

The nearest of one fixed sample of rows are searched once for every row (`curate.evidence.lists.voters`); each head
takes from that list the nearest ones that it may learn from.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Protocol

import numpy as np

from curate.evidence.chunks import LeftArray
from curate.evidence.lists.listed import SPARE, Lists
from curate.evidence.lists.voters import hashes, lists, nearest, rounded, scale_of
from curate.evidence.parts.left import ArrayWriter, opened
from curate.evidence.vector_rows import Rows

MOST_VOTERS = 16_384
"""Different vectors that may vote; of more an even sample does, so that the cost grows with the rows and not with their
square. Heads that leave two fifths of the rows out have about 10,000 of them."""
VOTERS = 20
LISTED = 64
"""Nearest voters that are searched for each row: of them a head that leaves two fifths of the rows out has 38, and
hardly ever fewer than it asks."""
MOST_LISTED = 100_000
"""Rows whose nearest voters are kept, 8 bytes for each voter."""
SOFTNESS = 0.05
"""Difference of cosine similarity at which a voter's weight falls to 1/e of the nearest one's."""
BLOCK_BYTES = 16_000_000
BLOCK_ROWS = 4_096


class Keeper(Protocol):
    """Where lists are kept from one set to the next one (`curate.evidence.lists.kept`)."""

    def last(self, k: int) -> Lists | None:
        """The lists that were kept last."""
        ...

    def keep(self, found: Lists, before: Lists | None) -> None:
        """Keep lists that were made from those before."""
        ...


class Electorate:
    """Rows that may vote, and for each row asked about the nearest of them; knows vectors alone, and no labels.

    Rows of equal vectors vote as one. Where several voters tie for the last place of a list, none of them has it.

    Peak memory: 4 bytes per number of `MOST_VOTERS` rows, 8 `LISTED` bytes per row of `listed`, 14 while lists
    were kept, and 40 MB of blocks.

    Args:
        vectors: (n, d) float32, L2-normalised.
        learn: (n,) bool, rows with a vector that may vote.
        listed: (n,) bool, rows with a vector that will be asked about by several heads; at most `MOST_LISTED` of them,
            those that may vote first, have a list.
        keeper: of lists.
    """

    def __init__(self, vectors: Rows, learn: np.ndarray, listed: np.ndarray, keeper: Keeper | None = None) -> None:
        rows = np.flatnonzero(learn)
        voters, group = np.unique(hashes(vectors, rows), return_inverse=True)
        voters = voters[:MOST_VOTERS]  # the lowest hashes: a sample that grows and shrinks with the set
        inside = np.flatnonzero(group < len(voters))
        self.rows, self.group, self.groups = rows[inside], group[inside], len(voters)
        """(s,) int64 rows that may vote, the number of each one's vector, and how many of these there are."""
        first = np.empty(self.groups, dtype=np.int64)
        first[self.group[::-1]] = self.rows[::-1]
        self._first = first
        self._base, self._square = rounded(vectors[first]), np.float32(scale_of(vectors.shape[1]) ** 2)
        asked = np.concatenate([np.flatnonzero(listed & learn), np.flatnonzero(listed & ~learn)])[:MOST_LISTED]
        own, first, line = np.unique(hashes(vectors, asked), return_index=True, return_inverse=True)
        self._line = np.full(len(learn), -1, dtype=np.int32)
        self._line[asked] = line
        before = None if keeper is None else keeper.last(LISTED + SPARE)
        found = lists(vectors, asked[first], own, voters, self._base, LISTED, before)
        if keeper is not None:
            keeper.keep(found, before)
        self._near, self._value = found.best(LISTED)

    def seeing(self, vectors: Rows | None) -> Electorate:
        """The same lists beside the vectors of the voters that they were made of, or without these."""
        other = copy(self)
        other._base = None if vectors is None else rounded(vectors[self._first])  # pyright: ignore
        return other

    def left(self, writer: ArrayWriter) -> Electorate:
        """The same with the lists left where it was made."""
        other = copy(self)
        other._near, other._value = writer.written(self._near), writer.written(self._value)  # pyright: ignore
        return other

    def here(self) -> Electorate:
        """The same with its lists at hand. Raises `Absent`."""
        if not isinstance(self._near, LeftArray) and not isinstance(self._value, LeftArray):
            return self
        other = copy(self)
        other._near, other._value = opened(self._near), opened(self._value)
        return other

    def listed(self, rows: np.ndarray) -> np.ndarray:
        """(q,) bool: which rows have a list."""
        return self._line[rows] >= 0

    def by_list(self, rows: np.ndarray, able: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest voters of rows that have a list.

        Args:
            rows: (q,) rows of the set.
            able: (groups,) bool, voters to choose from.

        Returns:
            (q, v) int64 the first `VOTERS` of the list that are able to, -1 for none, and (q, v) float32 similarity.
        """
        line = self._line[rows]
        near, value = self._near[line], self._value[line]
        out = (near < 0) | ~able[near]
        first = np.argsort(out, axis=1, kind="stable")[:, :VOTERS]
        near = np.where(np.take_along_axis(out, first, 1), -1, np.take_along_axis(near, first, 1))
        return near, np.take_along_axis(value, first, 1) / self._square

    def base(self, able: np.ndarray) -> np.ndarray:
        """(g, d) float32 vectors of some voters, as `by_search` compares them."""
        return self._base[able]

    def by_search(self, vectors: np.ndarray, base: np.ndarray, able: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `by_list`, of (q, d) vectors of other rows, among voters whose vectors are given by `base`."""
        near, value, _ = nearest(rounded(vectors), base, VOTERS)
        return np.where(near >= 0, np.flatnonzero(able)[near], -1), value / self._square


class Voters:
    """The voters of one head.

    Args:
        electorate: all that may vote.
        vectors: (n, d) float32, as the electorate knows them.
        train: (n,) bool rows that the head learns from, at least one.
        targets: (n, K) float32, one-hot or soft labels.
    """

    def __init__(self, electorate: Electorate, vectors: Rows, train: np.ndarray, targets: np.ndarray) -> None:
        self._electorate, self._vectors = electorate, vectors
        voting = train[electorate.rows]
        rows, group = electorate.rows[voting], electorate.group[voting]
        counts = np.bincount(group, minlength=electorate.groups)
        self._able = counts > 0
        self._base: np.ndarray | None = None
        self._labels = np.zeros((electorate.groups, targets.shape[1]), dtype=np.float32)
        if counts.max(initial=0) > 1:
            np.add.at(self._labels, group, targets[rows])
            self._labels /= np.maximum(counts, 1)[:, None].astype(np.float32)
        else:
            self._labels[group] = targets[rows]
        self._share = targets[train].mean(0, dtype=np.float64).astype(np.float32)

    def votes(self, rows: np.ndarray) -> np.ndarray:
        """(q, K) float32 weighted votes of the nearest voters, mixed with the share of the classes in all rows.

        Args:
            rows: (q,) int64, none of which the head may learn from.

        Returns:
            Rows sum to the sum of a target (1 for classes).
        """
        listed = self._electorate.listed(rows)
        if not listed.all():
            result = np.empty((len(rows), self._labels.shape[1]), dtype=np.float32)
            result[listed] = self.votes(rows[listed])
            result[~listed] = self.votes_about(self._vectors[rows[~listed]])
            return result
        return self._in_blocks(len(rows), lambda block: self._electorate.by_list(rows[block], self._able))

    def votes_about(self, vectors: Rows) -> np.ndarray:
        """(q, K) float32 the same about (q, d) vectors of other rows."""
        if self._base is None:
            self._base = self._electorate.base(self._able)
        base = self._base
        return self._in_blocks(len(vectors), lambda block: self._electorate.by_search(vectors[block], base, self._able))

    def _in_blocks(self, count: int, nearest: Callable[[slice], tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        classes = self._labels.shape[1]
        result = np.empty((count, classes), dtype=np.float32)
        step = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (4 * VOTERS * classes)))
        for begin in range(0, count, step):
            block = slice(begin, min(begin + step, count))
            near, similarity = nearest(block)
            weight = np.where(near >= 0, np.exp((similarity - similarity[:, :1]) / SOFTNESS), np.float32(0))
            weight /= np.maximum(weight.sum(1, keepdims=True), np.float32(1e-30))
            # The vote counts as half its voters' number of rows, the share of the classes as one row.
            rows = (0.5 * (near >= 0).sum(1, keepdims=True)).astype(np.float32)
            vote = np.einsum("qv,qvk->qk", weight, self._labels[near])
            result[block] = (vote * rows + self._share) / (rows + 1)
        return result
