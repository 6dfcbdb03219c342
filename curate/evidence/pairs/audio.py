"""Near-duplicate recordings: looked up by keys, confirmed by fingerprints laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs._alignment import print_similarity
from curate.evidence.pairs._banding import candidates
from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.method import Method, Pairs, above

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_SIMILARITY = 0.75
"""A sound that was coded again keeps 0.8 and more; the same speaker who says the same word again stays below 0.7."""
LEAST_KEYS = 3 / 64
"""Keys that must be equal. Of a clip coded again 97 of 100 times more than ten are, of another seldom one or two."""
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
    left, right = candidates(evidence.measure("audio.print_keys")[some], LEAST_KEYS, 1)
    left, right = some[left], some[right]
    return above(Pairs.of(left, right, kept_similarity(evidence, METHOD, left, right)), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 correlation of the fingerprints (see `print_similarity`)."""
    rise, fall, frames, profile, keys = (evidence.measure(f"audio.print_{name}") for name in FIELDS)
    return print_similarity((rise, fall, frames, profile, keys), left, right)


METHOD = Method("correlation of the spectrum's rises and falls", 1, needs, threshold, find, compare)
