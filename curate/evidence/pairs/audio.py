"""Near-duplicate recordings: looked up by keys, confirmed by fingerprints laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs._alignment import Prints, print_similarity
from curate.evidence.pairs._banding import candidates
from curate.evidence.pairs._sent import is_sent, sent_similarity
from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.method import Method, Pairs, above

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_SIMILARITY = 0.75
"""A sound that was coded again keeps 0.8 and more; the same speaker who says the same word again stays below 0.7."""
LEAST_KEYS = 3 / 64
"""Keys that must be equal. Of a clip coded again 97 of 100 times more than ten are, of another seldom one or two."""
SENT_PAIRS = 1 << 13
"""Pairs that one machine of an engine compares at a time: about a second's work."""
FIELDS = ("rise", "fall", "frames", "profile", "keys")


def needs(task: Task) -> tuple[str, ...]:
    """The fingerprint."""
    return tuple(f"audio.print_{name}" for name in FIELDS)


def threshold(evidence: Evidence) -> float:
    """Three of four rises and falls in common."""
    return MIN_SIMILARITY


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs that share a key and whose fingerprints agree."""
    some = rows[evidence.measure("audio.print_frames")[rows] > 0]
    if len(some) < 2:
        return Pairs.none()
    left, right = candidates(evidence.rows_of("audio.print_keys", some), LEAST_KEYS, 1)
    left, right = some[left], some[right]
    return above(Pairs.of(left, right, kept_similarity(evidence, METHOD, left, right)), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 correlation of the fingerprints (see `print_similarity`)."""
    rows, places = np.unique(np.stack([left, right]), return_inverse=True)
    rise, fall, frames, profile, keys = (evidence.rows_of(f"audio.print_{name}", rows) for name in FIELDS)
    return Recordings((rise, fall, frames, profile, keys)).similarity(*places.reshape(2, -1))


@dataclass(frozen=True)
class Recordings:
    """Fingerprints ready for comparison.

    Attributes:
        prints: see `print_similarity`.
    """

    prints: Prints

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(each.nbytes for each in self.prints)

    def some(self, rows: np.ndarray) -> Recordings:
        """Some of them."""
        rise, fall, frames, profile, keys = (each[rows] for each in self.prints)
        return Recordings((rise, fall, frames, profile, keys))

    def similarity(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(p,) float32 (see `print_similarity`)."""
        if is_sent(len(left), SENT_PAIRS):
            return sent_similarity(self, left, right, SENT_PAIRS)
        return print_similarity(self.prints, left, right)


METHOD = Method("correlation of the spectrum's rises and falls", 1, needs, threshold, find, compare, kept=True)
