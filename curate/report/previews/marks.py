"""What a reason points at within a row: characters of a text, seconds of a sound, values of a series."""

from __future__ import annotations

import re

_NUMBER = r"\d+(?:[.,]\d+)?"
_CHARACTERS = re.compile(r"\bcharacters? (\d+)(?:\s*(?:-|–|to)\s*(\d+))?")
_SECONDS = re.compile(
    rf"({_NUMBER})(?: ?s)?\s*(?:-|–|to)\s*({_NUMBER}) ?s(?:econds?)?\b|\bat ({_NUMBER}) ?s(?:econds?)?\b"
)
_VALUES = re.compile(
    r"\b(?:values?|steps?|points?|samples?|positions?|places?|ind(?:ex|exes|ices)) (\d+)(?:\s*(?:-|–|to)\s*(\d+))?"
)
MOST = 20

Span = tuple[int, int]


def characters(reason: str, length: int) -> list[Span]:
    """``characters 12-27`` (as in a slice: from 0, the end left out) -> spans within a text of that length."""
    return _spans(_CHARACTERS, reason, length)


def values(reason: str, length: int) -> list[Span]:
    """``values 12-27``, also steps, points, samples and positions, as in a slice -> spans of a series."""
    return _spans(_VALUES, reason, length)


def seconds(reason: str) -> list[tuple[float, float]]:
    """``0.12-0.80 s`` or ``at 1.5 s`` -> stretches of time."""
    found = []
    for start, end, moment in _SECONDS.findall(reason):
        a = float((start or moment).replace(",", "."))
        b = float((end or moment).replace(",", "."))
        if a <= b:
            found.append((a, b))
    return found[:MOST]


def _spans(form: re.Pattern[str], reason: str, length: int) -> list[Span]:
    found = []
    for start, end in form.findall(reason):
        a = int(start)
        b = min(int(end), length) if end else a + 1
        if a < b <= length:
            found.append((a, b))
    return _merged(found)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged[:MOST]
