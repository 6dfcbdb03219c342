"""Texts as they are shown, with what a reason points at, or what differs from another text, marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from curate.checks.texts.quotes import hidden
from curate.report.previews.item import Broken, Piece, Preview, Text
from curate.report.previews.marks import Span, characters

START = 320
LONGEST = 4000
LEAD = 100
"""Characters before the first mark of a long text that begins in its middle."""
MARGIN = 300
"""Characters around what is shown in which contact data and secrets are looked for, so that none is cut in two."""
MOST_WORDS = 500
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|\s+|[^\w\s]")
"""Words, white space and signs; each character of scripts that leave no space between words."""


def text_preview(value: str | None, reason: str = "", beside: str | None = None) -> Preview:
    """The beginning of a text, the rest to unfold, and how much is left out of very long ones.

    Contact data and secrets are hidden but for a few characters: a report is passed on.

    Args:
        value: the text.
        reason: characters that it names are marked, and the text is shown from near the first of them.
        beside: another text that this one is shown next to; words that differ from it are marked.
    """
    if value is None:
        return Broken("there is no text")
    marks = characters(reason, len(value)) or ([] if beside is None else differences(beside, value))
    begin = 0
    if marks and marks[0][1] > START:
        begin = max(0, marks[0][0] - LEAD)
        begin = min(value.find(" ", begin, marks[0][0]) + 1 or begin, marks[0][0])
    low, high = max(0, begin - MARGIN), begin + LONGEST + MARGIN
    value = value[:low] + hidden(value[low:high]) + value[high:]
    if len(value) - begin <= START:
        return Text(pieces(value, begin, len(value), marks), before=begin)
    # Cut at a space near the end, so that no word is torn.
    end = value.rfind(" ", begin + START - 40, begin + START)
    end = begin + START if end < 0 else end
    stop = min(len(value), begin + LONGEST)
    return Text(pieces(value, begin, end, marks), pieces(value, end, stop, marks), len(value) - stop, begin)


def pieces(text: str, start: int, end: int, marks: Sequence[Span]) -> tuple[Piece, ...]:
    """A stretch of a text cut where marks begin and end."""
    cuts = sorted({start, end, *(cut for mark in marks for cut in mark if start < cut < end)})
    return tuple(Piece(text[a:b], any(low <= a and b <= high for low, high in marks)) for a, b in pairwise(cuts))


def differences(one: str, other: str) -> list[Span]:
    """Spans of the other text that the one does not have, by words; none where both are very long."""
    a, b = WORDS.findall(one), WORDS.findall(other)
    if one == other or max(len(a), len(b)) > MOST_WORDS:
        return []
    ends = [0]
    for word in b:
        ends.append(ends[-1] + len(word))
    changes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [(ends[low], ends[high]) for kind, _, _, low, high in changes if kind != "equal" and low < high]
