"""A batch of recordings that is filled row by row, one behind the other, and padded where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from curate.feed.memory import Memory, room

FADING = 0.9
"""What is left of the longest recording in the expectation of the next batch."""


class Laid(NamedTuple):
    """Stands for the samples of a row that lie in the batch already.

    Attributes:
        start: number of the first, over all rows.
        length: how many.
    """

    start: int
    length: int

    def __len__(self) -> int:
        """Number of samples."""
        return self.length


@dataclass
class Expected:
    """Length in samples to which batches are padded, by the batches so far; 0 before the first.

    The first is collated as a list: memory that was taken for a guess and proved too small would stay for a while.
    """

    length: int = 0

    def seen(self, length: int) -> None:
        """A batch was padded to that length."""
        self.length = max(length, int(self.length * FADING))


class Waves:
    """The samples (B, T) of a batch, 0 behind the end of each row.

    Rows of any length are written one behind the other, into memory that has room for them once they are padded, and
    are moved to their places when all are there: from the last to the first, none over one that is still to be moved.

    Args:
        name: of the batch's entry.
        mask: name of the entry that says which samples are no padding.
        rows: so many draws are read for it.
        memory: where the batch comes from.
        expected: length to make room for; what does not fit is collated as a list would be.
        at_once: whether the memory is taken with the first row; else when it is ready. Where it never is, the rows are
            collated as a list would be.
    """

    def __init__(
        self, name: str, mask: str, rows: int, memory: Memory, expected: Expected, at_once: bool = True
    ) -> None:
        self._name, self._mask = name, mask
        self._expected = expected
        self._take = memory.array if at_once else memory.ready
        self._capacity = rows * _rounded(expected.length)
        self._flat: np.ndarray | None = None
        self._waiting: dict[int, np.ndarray] = {}
        self._end = 0

    def put(self, place: int, item: np.ndarray) -> Laid | np.ndarray:
        """Write a row's samples (n,) as soon as there is memory; they are given back where it has no room for them."""
        start, end = self._end, self._end + len(item)
        if end > self._capacity:
            return item
        self._end = end
        self._waiting[start] = item
        if self._flat is None:
            self._flat = self._take((self._capacity,), np.float32)
        if self._flat is not None:
            self._write(self._flat)
        return Laid(start, len(item))

    def _write(self, flat: np.ndarray) -> None:
        """Write the rows that wait, each of which is let go then."""
        while self._waiting:
            start, item = self._waiting.popitem()
            flat[start : start + len(item)] = item

    def entries(self, items: Sequence[np.ndarray | Laid], names: Sequence[str]) -> dict[str, np.ndarray]:
        """The entries of the batch: see `padded`.

        Args:
            items: what `put` gave for the rows that are kept, in order; samples of rows that took the place of others.
            names: ids of the rows.
        """
        longest = max(map(len, items))
        self._expected.seen(longest)
        total = len(items) * longest
        laid = [item for item in items if isinstance(item, Laid)]
        if self._flat is None or len(laid) < len(items) or total > self._capacity:
            return padded([self._samples(item) for item in items], self._name, self._mask)
        values = self._flat[:total].reshape(len(items), longest)
        for row, item in zip(values[::-1], laid[::-1]):
            row[: len(item)] = self._samples(item)
            row[len(item) :] = 0
        return {self._name: values, self._mask: known(laid, longest)}

    def _samples(self, item: np.ndarray | Laid) -> np.ndarray:
        if not isinstance(item, Laid):
            return item
        if self._flat is None:
            return self._waiting[item.start][: item.length]
        return self._flat[item.start : item.start + item.length]


def _room(rows: int, longest: int, dtype: Any) -> np.ndarray:
    """(rows, longest) with anything in it, at the start of memory that also has room for somewhat longer rows."""
    return room((rows * _rounded(longest),), dtype)[: rows * longest].reshape(rows, longest)


def _rounded(length: int) -> int:
    """The next length of which there are eight per doubling: batches of about one length use the same memory."""
    step = 1 << max(0, length.bit_length() - 4)
    return -(-length // step) * step


def padded(items: Sequence[np.ndarray], name: str, mask: str) -> dict[str, np.ndarray]:
    """(B, T) float32 samples of recordings (n,), 0 behind the end, and (B, T) bool, True up to the end."""
    longest = max(map(len, items))
    values = _room(len(items), longest, np.float32)
    for place, item in zip(values, items):
        place[: len(item)], place[len(item) :] = item, 0
    return {name: values, mask: known(items, longest)}


def known(items: Sequence[Any], longest: int) -> np.ndarray:
    """(B, T) bool: which samples are no padding. Models take it as they take numbers, at an eighth of the bytes."""
    mask = _room(len(items), longest, np.bool_)
    for place, item in zip(mask, items):
        place[: len(item)], place[len(item) :] = True, False
    return mask
