"""Members: which lines belong to each class, and the i-th line of a class, of plans that don't fit in memory twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xxhash

FEW_CLASSES = 1024
SMALL = 1 << 20
MIN_BLOCK = 128
"""Entries whose classes are counted beforehand, at least; within a block they are looked through when a draw falls into
it. Blocks are twice as long as there are classes, so that the counts take at most 2 bytes an entry."""
_STRIDE = 1 << 20


class Members(Protocol):
    """The entries of each of K classes."""

    @property
    def sizes(self) -> np.ndarray:
        """(K,) int64 entries of each."""
        ...

    def key(self) -> str:
        """Hash of which entries belong to which class; of more than a million, of how many of each stretch do."""
        ...

    def select(self, classes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """(m,) int64 places among the entries: that of the number-th entry of a class, counting from 0."""
        ...


def members_of(codes: np.ndarray, k: int) -> Members:
    """The entries of K classes from (e,) whole numbers, below 0 for entries of none; they may be mapped from a file.

    Up to a million entries, and where there are more than a thousand classes, entries are sorted once (8 bytes each;
    about ten seconds for 10^8). Otherwise a table of counts per block is enough: at most 2 bytes an entry, and a third
    of a second for 10^8.
    """
    return Sorted.of(codes, k) if len(codes) <= SMALL or k > FEW_CLASSES else Counted.of(codes, k)


@dataclass(frozen=True)
class Sorted:
    """Entries in the order of their classes.

    Attributes:
        sizes: see `Members`.
        entries: (e,) places of the entries.
        first: (K,) where a class begins among them.
    """

    sizes: np.ndarray
    entries: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, k: int) -> Sorted:
        """See `members_of`."""
        entries = np.argsort(codes, kind="stable")
        first = np.searchsorted(codes[entries], np.arange(k + 1))
        return cls(np.diff(first), entries, first[:-1])

    def key(self) -> str:
        """See `Members`."""
        return f"{xxhash.xxh3_128_hexdigest(self.sizes.tobytes())}{xxhash.xxh3_128_hexdigest(self.entries.tobytes())}"

    def select(self, classes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """See `Members`."""
        return self.entries[self.first[classes] + numbers]


@dataclass(frozen=True)
class Counted:
    """Entries as they stand, with counts per class and block (rank and select: Jacobson 1989).

    Attributes:
        sizes: see `Members`.
        codes: (e,) classes of the entries.
        before: (K * blocks,) for each class and block, entries of the class before the block, and of the classes before
            it; does not fall.
        block: entries per block.
    """

    sizes: np.ndarray
    codes: np.ndarray
    before: np.ndarray
    block: int

    @classmethod
    def of(cls, codes: np.ndarray, k: int) -> Counted:
        """See `members_of`."""
        block = max(MIN_BLOCK, 2 << (k - 1).bit_length())
        blocks, stride = -(-len(codes) // block), max(1, _STRIDE // block)
        counts = np.zeros((k, blocks + 1), np.int64 if len(codes) >= 2**32 else np.uint32)
        for start in range(0, blocks, stride):
            part = codes[start * block : (start + stride) * block]
            size = -(-len(part) // block)
            cell = part.astype(np.int64) + 1
            cell += np.repeat(np.arange(size) * (k + 1), block)[: len(part)]
            found = np.bincount(cell, minlength=size * (k + 1)).reshape(size, k + 1)
            counts[:, start + 1 : start + 1 + size] = found[:, 1:].T
        np.cumsum(counts, axis=1, out=counts)
        sizes = counts[:, -1].astype(np.int64)
        counts += (np.cumsum(sizes) - sizes)[:, None].astype(counts.dtype)
        return cls(sizes, codes, np.ascontiguousarray(counts[:, :-1]).reshape(-1), block)

    def key(self) -> str:
        """See `Members`."""
        return xxhash.xxh3_128_hexdigest(self.before.data)

    def select(self, classes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """See `Members`."""
        if not len(classes):
            return np.zeros(0, np.int64)
        first = np.cumsum(self.sizes) - self.sizes
        wanted = (first[classes] + numbers).astype(self.before.dtype)
        cell = np.searchsorted(self.before, wanted, side="right") - 1
        block = cell % (len(self.before) // len(self.sizes))
        entry = block[:, None] * self.block + np.arange(self.block)
        there = self.codes[np.minimum(entry, len(self.codes) - 1)] == classes[:, None]
        there &= entry < len(self.codes)
        rows, columns = np.nonzero(there)
        starts = np.searchsorted(rows, np.arange(len(classes)))
        inside = (wanted - self.before[cell]).astype(np.int64)
        return block * self.block + columns[starts + inside]
