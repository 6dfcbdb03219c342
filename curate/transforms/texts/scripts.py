"""Characters of scripts that put no blanks between words, and marks that belong to the character before them."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

UNSPACED = (
    r"\u3041-\u3096\u309d-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff6f\uff71-\uff9d"  # kana
    r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    r"\u0e01-\u0e30\u0e32\u0e33\u0e3f-\u0e46\u0e4f-\u0e5b"  # Thai
    r"\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"  # Lao
    r"\u1780-\u17b3\u1000-\u102a\u103f\u1050-\u1055"  # Khmer, Myanmar
)
"""Inside of a character class: each such character counts as a word."""
MARKS = (
    r"\u0300-\u036f\u3099\u309a\u30fc\uff70\uff9e\uff9f\ufe00-\ufe0f\u200d"
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
    r"\u17b4-\u17d3\u17dd\u102b-\u103e\u1056-\u1059"
)
"""Inside of a character class: vowel signs, tone marks and the like of those scripts, no words of their own."""
CJK = re.compile(r"[\u1100-\u11ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
                 r"\uff66-\uff9d\U00020000-\U0003ffff]")  # fmt: skip


@cache
def graphemes() -> re.Pattern[str]:
    """What people see as one character: a base with its marks, a flag, a family of emoji, the two halves of a line end.

    Source: after Unicode Standard Annex 29, without the rules of Hangul jamo.
    """
    marks = "".join(c for c in map(chr, range(0x300, sys.maxunicode + 1)) if unicodedata.category(c)[0] == "M")
    extend = f"[{re.escape(marks)}\U0001f3fb-\U0001f3ff\u200c]"
    return re.compile(
        rf"\r\n|[\U0001f1e6-\U0001f1ff]{{2}}{extend}*|.{extend}*(?:\u200d[^\s\x00-\x7f]{extend}*)*", re.DOTALL
    )
