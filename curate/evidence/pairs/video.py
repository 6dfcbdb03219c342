"""Near-duplicate videos: copies in another coding or size, or with the beginning or the end cut off.

A row costs a print in the decoding pass (16 kB), and a candidate pair about a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs._films import Films
from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.method import Method, Pairs, above
from curate.evidence.parts.lying import elsewhere

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_SIMILARITY = 0.5
"""Two takes of one scene have about 0 on this scale, a copy near 1, one that was compressed beyond use 0.3 or more."""
LEAST_SPREAD = 2.0
"""Levels of luma (0 to 255): films with less contrast show nothing to compare."""


def needs(task: Task) -> tuple[str, ...]:
    """The print."""
    return ("video.print", "video.print_seconds", "video.print_spread")


def threshold(evidence: Evidence) -> float:
    """Half way between a copy and another take."""
    return MIN_SIMILARITY


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs whose films are at least that much alike."""
    rows = rows[_comparable(evidence)[rows]]
    films = _films(evidence, rows)
    left, right = elsewhere(_candidates, films.prints, films.seconds)
    similarity = kept_similarity(
        evidence, METHOD, rows[left], rows[right], lambda some: films.similarity(left[some], right[some])
    )
    return above(Pairs.of(rows[left], rows[right], similarity), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 likeness of the films; 0 where one shows nothing."""
    rows, places = np.unique(np.stack([left, right]), return_inverse=True)
    shown = _comparable(evidence)
    both = shown[left] & shown[right]
    first, second = places.reshape(2, -1)
    out = np.zeros(len(left), dtype=np.float32)
    out[both] = _films(evidence, rows).similarity(first[both], second[both])
    return out


def _films(evidence: Evidence, rows: np.ndarray) -> Films:
    return Films(evidence.rows_of("video.print", rows), evidence.rows_of("video.print_seconds", rows))


def _candidates(prints: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return Films(prints, seconds).candidates()


def _comparable(evidence: Evidence) -> np.ndarray:
    """(n,) bool: readable rows whose film has contrast."""
    shown = np.nan_to_num(evidence.measure("video.print_spread")) >= LEAST_SPREAD
    shown[list(evidence.broken)] = False
    return shown


METHOD = Method("likeness of the films, moment by moment", 2, needs, threshold, find, compare, kept=True)
