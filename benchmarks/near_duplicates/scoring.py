"""What was found of planted copies, as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Planted:
    """Rows that go back to originals.

    Attributes:
        origin: (n,) int64, the original that a row is, or is a copy of.
        edit: (n,) int64, the edit that made it, 0 for the originals themselves.
        edits: names of the edits, from 1 on.
        known: pairs of originals that are copies in the source already, which count neither way.
    """

    origin: np.ndarray
    edit: np.ndarray
    edits: tuple[str, ...]
    known: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, originals: int, edits: Sequence[str], known: frozenset[tuple[int, int]] = frozenset()) -> Planted:
        """Originals first, then the copies edit by edit."""
        times = len(edits) + 1
        return cls(np.tile(np.arange(originals), times), np.repeat(np.arange(times), originals), tuple(edits), known)


@dataclass(frozen=True)
class Score:
    """Recall of each edit, false pairs, and how many pairs there are."""

    recall: dict[str, float]
    false: int
    pairs: int

    @property
    def per_10_000(self) -> float:
        """False pairs in 10,000."""
        return 1e4 * self.false / max(self.pairs, 1)


def score(planted: Planted, left: np.ndarray, right: np.ndarray) -> Score:
    """Judge pairs of rows that were found."""
    n, originals = len(planted.origin), int((planted.edit == 0).sum())
    one, other = planted.origin[left], planted.origin[right]
    same = one == other
    recall = {}
    for number, name in enumerate(planted.edits, 1):
        copies = same & ((planted.edit[left] == 0) & (planted.edit[right] == number))
        copies |= same & ((planted.edit[right] == 0) & (planted.edit[left] == number))
        recall[name] = len(np.unique(one[copies])) / max(originals, 1)
    ends = zip(np.minimum(one, other)[~same].tolist(), np.maximum(one, other)[~same].tolist(), strict=True)
    false = sum(pair not in planted.known for pair in ends)
    return Score(recall, false, n * (n - 1) // 2)


def show(method: str, found: Score, seconds: float | None = None) -> None:
    """One line: recall of each edit, false pairs, seconds."""
    edits = "  ".join(f"{name} {share:6.1%}" for name, share in found.recall.items())
    time_ = "" if seconds is None else f"  {seconds:.1f} s"
    print(
        f"  {method:<28} {edits}  mean {np.mean(list(found.recall.values())):6.1%}"
        f"  false pairs {found.false} of {found.pairs:,} ({found.per_10_000:.3f} in 10,000){time_}"
    )


def timed(work: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, float]:
    """Pairs, and the seconds that finding them took."""
    started = time.perf_counter()
    left, right = work()
    return left, right, time.perf_counter() - started
