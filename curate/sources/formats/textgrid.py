"""TextGrids of Praat: tiers of intervals with a text each, in the long form or the short one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from curate.errors import DataError
from curate.sources.encodings import decode

ENDING = ".textgrid"
_WORD = re.compile(r'"(?P<text>(?:[^"]|"")*)"|(?<!\S)(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\S)')
"""What Praat reads of such a file: quoted texts, and numbers that stand alone."""
INTERVALS, POINTS = "IntervalTier", "TextTier"


class Interval(NamedTuple):
    """From when to when, in seconds, and what is said of it."""

    start: float
    end: float
    text: str


def read_textgrid(path: Path) -> dict[str, list[Interval]]:
    """Tier -> its intervals with a text, in the order of the file; tiers of points are left out.

    Raises:
        DataError: it is no TextGrid, or ends too early.
    """
    found = _WORD.finditer(decode(path).text)
    words = iter([match["number"] if match["text"] is None else match["text"].replace('""', '"') for match in found])
    tiers: dict[str, list[Interval]] = {}
    try:
        if (next(words), next(words)) != ("ooTextFile", "TextGrid"):
            raise DataError(f"{path.name}: no TextGrid of Praat")
        _start, _end = next(words), next(words)
        for _ in range(int(next(words))):
            kind, name, _, _, count = (next(words) for _ in range(5))
            if kind not in (INTERVALS, POINTS):
                raise DataError(
                    f"{path.name}: a tier of the class {kind[:40]!r}, where {INTERVALS} or {POINTS} is wanted"
                )
            fields = [[next(words) for _ in range(3 if kind == INTERVALS else 2)] for _ in range(int(count))]
            if kind == INTERVALS:
                parts = [Interval(float(start), float(end), text.strip()) for start, end, text in fields]
                tiers.setdefault(name, []).extend(part for part in parts if part.text)
    except (StopIteration, RuntimeError):
        raise DataError(f"{path.name}: the TextGrid ends before its last tier does") from None
    except ValueError as error:
        raise DataError(f"{path.name}: the TextGrid is damaged ({error})") from None
    return tiers
