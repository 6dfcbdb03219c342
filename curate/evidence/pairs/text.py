"""Near-duplicate texts: candidates by MinHash of their pieces, confirmed by the pieces themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from curate.engines.engine import current
from curate.evidence.pairs._banding import band_rows, candidates, merged
from curate.evidence.pairs._overlap import LONG_SHARE, LONG_TEXT, text_similarity
from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.method import Method, Pairs, above
from curate.evidence.parcels import InFile
from curate.evidence.parts.lying import by_pieces, lies_in_parts

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_SIMILARITY = 0.72
"""Of pieces of three letters. One typo in 20 letters or one word of eight gone leaves 0.74 and more; it is letters that
are compared, so short requests that differ by one word of little weight are as alike as that, too."""
NEEDS = ("text.minhash", "text.folded_characters", "text.word_minhash")
LEAST_AGREEMENT, LEAST_WORD_AGREEMENT = 0.25, 0.2
"""Numbers of the MinHash of letters, of words, in which a candidate must agree: they tell the Jaccard index of pieces
within 0.04, and a text that is held by a longer one may have an index of 0.4."""
LONG_ESTIMATED = 0.08
"""Two long texts are as alike as their longer pieces are, and those of four letters are hardly ever less so: they
must agree in the share that makes them alike, less this much for the estimate (two standard deviations)."""
WORD_BANDS = {2_000: 2, 200_000: 3, 5_000_000: 4}
"""Rows up to which so many numbers of the MinHash of words make a band. Unlike texts share few pairs of words, and an
edit of one letter changes two of them: bands are narrower than those of letters."""


def needs(task: Task) -> tuple[str, ...]:
    """The MinHash of letters, the characters that it is of, and the MinHash of words."""
    return NEEDS


def threshold(evidence: Evidence) -> float:
    """Seven of ten pieces in common, and a little more."""
    return MIN_SIMILARITY


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs that share a band of the MinHash and have enough pieces in common."""
    letters, characters, words = (evidence.rows_of(name) for name in NEEDS)
    left, right = candidate_pairs(letters, characters, words, rows, least)
    return above(Pairs.of(left, right, kept_similarity(evidence, METHOD, left, right)), least)


def candidate_pairs(
    letters: np.ndarray, characters: np.ndarray, words: np.ndarray, rows: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of `rows` that share a band of either MinHash and agree in enough of it.

    Args:
        letters: (n, 128) uint8, zeros in rows without one.
        characters: (n,) int32 of the folded texts that `letters` are of.
        words: (n, 128) uint8, zeros in rows without one.
        rows: (m,) int64.
        least: similarity that pairs must have to be of interest.

    Returns:
        (p,) and (p,) int64, each pair once.
    """
    of_long = max(LEAST_AGREEMENT, min(least, LONG_SHARE) - LONG_ESTIMATED)
    agreeing = np.where(characters > LONG_TEXT, of_long, LEAST_AGREEMENT)
    by_letters = _candidates(letters, rows, agreeing, band_rows)
    by_words = _candidates(words, rows, LEAST_WORD_AGREEMENT, word_band_rows)
    return merged([by_letters, by_words], len(letters))


def _candidates(
    prints: np.ndarray, rows: np.ndarray, least: float | np.ndarray, width: Callable[[int], int]
) -> tuple[np.ndarray, np.ndarray]:
    """(p,) and (p,) of `rows`: pairs by one kind of print, among those that have one."""
    printed = by_pieces(_any, prints, rows)[0] if lies_in_parts(prints) else _any(prints)[0][rows]
    some = rows[printed]
    left, right = candidates(prints, least, width(len(some)), some)
    return some[left], some[right]


def _any(prints: np.ndarray) -> tuple[np.ndarray]:
    return (np.asarray(prints.any(1)),)


def word_band_rows(rows: int) -> int:
    """How many numbers of the MinHash of words make a band."""
    return next((width for most, width in WORD_BANDS.items() if rows <= most), 5)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 share of pieces in common (see `text_similarity`)."""
    column = evidence.table.task.text
    if column is None:
        return np.zeros(len(left), dtype=np.float32)
    in_file = InFile.of(evidence.table, [column]) if current().remote else None
    return text_similarity(evidence.table.column(column), left, right, in_file)


METHOD = Method("share of letter sequences in common", 5, needs, threshold, find, compare, spent=NEEDS)
