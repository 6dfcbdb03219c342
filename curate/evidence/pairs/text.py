"""Near-duplicate texts: candidates by MinHash of their pieces, confirmed by the pieces themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs._banding import band_rows, candidates
from curate.evidence.pairs._overlap import text_similarity
from curate.evidence.pairs.method import Method, Pairs, above

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_SIMILARITY = 0.72
"""Of pieces of three letters. One typo in 20 letters or one word of eight gone leaves 0.74 and more; it is letters that
are compared, so short requests that differ by one word of little weight are as alike as that, too."""
LEAST_AGREEMENT = 0.25
"""Numbers of the MinHash in which a candidate must agree: it tells the Jaccard index of pieces within 0.04, and a text
that is held by a longer one may have an index of 0.4."""


def needs(task: Task) -> tuple[str, ...]:
    """The MinHash."""
    return ("text.minhash",)


def threshold(evidence: Evidence) -> float:
    """Seven of ten pieces in common, and a little more."""
    return MIN_SIMILARITY


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs that share a band of the MinHash and have enough pieces in common."""
    prints = evidence.measure("text.minhash")[rows]
    some = np.flatnonzero(prints.any(1))
    if len(some) < 2:
        return Pairs.none()
    left, right = candidates(prints[some], LEAST_AGREEMENT, band_rows(len(some)))
    left, right = rows[some[left]], rows[some[right]]
    return above(Pairs.of(left, right, compare(evidence, left, right)), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 share of pieces in common (see `text_similarity`)."""
    column = evidence.table.task.text
    if column is None:
        return np.zeros(len(left), dtype=np.float32)
    return text_similarity(evidence.table.column(column), left, right)


METHOD = Method("share of letter sequences in common", 3, needs, threshold, find, compare)
