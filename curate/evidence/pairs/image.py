"""Near-duplicate images: copies that were cropped, mirrored, turned a little, lit, compressed or resized.

A row costs a print in the decoding pass (4 kB); the search takes 12 queries of 34 numbers for each row, and a candidate
pair some tenths of a millisecond.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs._lying_pictures import LyingPictures
from curate.evidence.pairs._pictures import Pictures, random_pairs, usual_similarity
from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.method import Method, Pairs, above
from curate.evidence.parts.lying import elsewhere, lies_in_parts

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_SIMILARITY = 0.91
LARGEST_THRESHOLD = 0.99
SHARE_OF_GAP = 0.6
"""Times the square of what parts the likest unrelated pictures of the set: what may part near-duplicates."""
SPREAD_RATIO = 3.0
"""Lighting or cropping a copy changes its contrast by less."""
LEAST_SPREAD = 2.0
"""Levels of luma (0 to 255): pictures with less contrast show nothing to compare."""


def needs(task: Task) -> tuple[str, ...]:
    """The print."""
    return ("image.print", "image.print_spread")


def threshold(evidence: Evidence) -> float:
    """0.91, or more in a set whose pictures are all alike, such as scanned digits or screens of one program."""
    rows = np.flatnonzero(_comparable(evidence))
    rows = rows[np.argsort(evidence.table.row_ids[rows], kind="stable")]
    left, right = random_pairs(len(rows))
    drawn, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    first, second = places.reshape(2, -1)
    prints, spread = _prints(evidence, rows[drawn])
    usual = elsewhere(partial(_usual, first, second, spread, evidence.settings.workers), prints)
    return float(np.clip(1.0 - SHARE_OF_GAP * (1.0 - usual) ** 2, MIN_SIMILARITY, LARGEST_THRESHOLD))


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs whose prints, aligned, correlate at least that much."""
    rows, workers = rows[_comparable(evidence)[rows]], evidence.settings.workers
    pictures = _pictures(evidence, rows)
    left, right = pictures.candidates(workers=workers)
    near = _contrasts_alike(evidence, rows[left], rows[right])
    left, right = left[near], right[near]

    def likeness(some: np.ndarray) -> np.ndarray:
        return pictures.similarity(left[some], right[some], workers)

    similarity = kept_similarity(evidence, METHOD, rows[left], rows[right], likeness)
    return above(Pairs.of(rows[left], rows[right], similarity), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 correlation of the aligned prints; 0 where one shows nothing."""
    ids = evidence.table.row_ids
    left, right = np.where(ids[left] > ids[right], [right, left], [left, right])
    rows, places = np.unique(np.stack([left, right]), return_inverse=True)
    first, second = places.reshape(2, -1)
    shown = _comparable(evidence)
    alike = _pictures(evidence, rows).similarity(first, second, evidence.settings.workers)
    return alike * (shown[left] & shown[right] & _contrasts_alike(evidence, left, right))


def _pictures(evidence: Evidence, rows: np.ndarray) -> Pictures | LyingPictures:
    prints, spread = _prints(evidence, rows)
    if evidence.store is not None and lies_in_parts(prints):
        return LyingPictures(prints, spread, evidence.store.folder / "estimates")
    return Pictures.of(prints, spread, evidence.settings.workers)


def _prints(evidence: Evidence, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return evidence.rows_of("image.print", rows), evidence.rows_of("image.print_spread", rows)


def _usual(first: np.ndarray, second: np.ndarray, spread: np.ndarray, workers: int, prints: np.ndarray) -> float:
    return usual_similarity(Pictures.of(prints[:], spread, workers), first, second, workers=workers)


def _contrasts_alike(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    spread = evidence.measure("image.print_spread")
    low, high = np.minimum(spread[left], spread[right]), np.maximum(spread[left], spread[right])
    return high <= SPREAD_RATIO * low


def _comparable(evidence: Evidence) -> np.ndarray:
    """(n,) bool: readable rows whose image has contrast."""
    shown = np.nan_to_num(evidence.measure("image.print_spread")) >= LEAST_SPREAD
    shown[list(evidence.broken)] = False
    return shown


METHOD = Method("correlation of the aligned images", 6, needs, threshold, find, compare, kept=True)
