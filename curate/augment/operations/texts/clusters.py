"""What a reader takes for one character: a letter with the marks on it, a joined emoji, a syllable."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_PLAIN = re.compile(
    r"[\u0020-\u02ff\u2010-\u2027\u3000-\u3029\u3041-\u3098\u309b-\u33ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uff60]*"
)
"""Texts of these characters alone (Latin, CJK, Hangul syllables, punctuation) have no marks that stand on others."""


@cache
def _pattern() -> re.Pattern[str]:
    """One cluster, after the rules of Unicode's annex 29 (without those for old Hangul beyond its plain syllables)."""
    marks, joining = [], []
    for point in (*range(0x300, 0x10000), *range(0x10A00, 0x11FFF), *range(0x1D165, 0x1D1AE), *range(0xE0100, 0xE01F0)):
        letter = chr(point)
        if unicodedata.category(letter)[0] == "M":
            marks.append(letter)
            # A virama ties the consonant before it to the one after it.
            if unicodedata.combining(letter) == 9 and (point < 0xE00 or point == 0x17D2):
                joining.append(letter)
    # Thai and Lao AM, Hangul vowels and finals, halfwidth voicing marks, the joiners, and skin colours.
    extending = (
        "".join(marks) + "\u0e33\u0eb3\u1160-\u11ff\uff9e\uff9f\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
    )
    tied = f"[{''.join(joining)}][{extending}]*(?=[\u0904-\u0dff\u1780-\u17b3])"
    base = rf"(?:(?:[\u1100-\u115f]+|.)(?:{tied}.|[{extending}])*)"
    return re.compile(
        rf"\r\n|[\U0001f1e6-\U0001f1ff]{{2}}|{base}(?:(?<=\u200d)[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]"
        rf"[{extending}]*)*",
        re.DOTALL,
    )


def clusters(text: str) -> list[str]:
    """The characters of a text as a reader counts them; joined, they are the text."""
    if (text.isascii() and "\r" not in text) or _PLAIN.fullmatch(text):
        return list(text)
    return _pattern().findall(text)


def combines(letter: str) -> bool:
    """Whether a code point stands on the one before it."""
    return len(letter) == 1 and unicodedata.category(letter)[0] == "M"
