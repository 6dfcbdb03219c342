"""Telling texts that people wrote from names, codes and categories."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

FREE_TEXT_CHARACTERS = 20.0
FREE_TEXT_WORDS = 3.0
SAMPLE = 5000


def mean_length(column: pa.ChunkedArray) -> float:
    """Mean number of characters; 0 where all is missing."""
    return pc.mean(pc.utf8_length(column)).as_py() or 0.0


def has_words(column: pa.ChunkedArray, least: float) -> bool:
    """Whether values have so many words on average, or are of a script that writes none."""
    head = column.slice(0, SAMPLE).drop_null()
    words = (pc.mean(pc.count_substring(head, " ")).as_py() or 0.0) + 1
    unsegmented = pc.any(pc.match_substring_regex(head.slice(0, 200), r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]"))
    return words >= least or bool(unsegmented.as_py())


def is_free_text(column: pa.ChunkedArray) -> bool:
    """Long, of several words, and hardly ever the same twice."""
    head = column.slice(0, SAMPLE).drop_null()
    if not len(head) or mean_length(head) < FREE_TEXT_CHARACTERS:
        return False
    return has_words(head, FREE_TEXT_WORDS) and pc.count_distinct(head).as_py() >= 0.5 * len(head)


def varied(column: pa.ChunkedArray, least: float) -> bool:
    """Whether the different values are at least such a share of the first rows that have one."""
    head = column.slice(0, SAMPLE).drop_null()
    return bool(len(head)) and pc.count_distinct(head).as_py() >= least * len(head)
