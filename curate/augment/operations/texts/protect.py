"""Parts of a text that no operation may touch: addresses, placeholders, numbers, words that the user names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

KINDS = {
    "urls": r"(?:https?|ftp)://[^\s<>\"'，。、]+|www\.[^\s<>\"'，。、]+",
    "emails": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "mentions": r"(?<!\w)[@#]\w+",
    "placeholders": r"\{\{[^{}\n]{0,80}\}\}|\$?\{[^{}\n]{0,80}\}|<[A-Za-z/][^<>\n]{0,80}>|\[[A-Z][A-Z0-9_ -]{0,40}\]|"
    r"%\(\w+\)[sdf]|%[sdf]\b",
    "numbers": r"[+-]?\d+(?:[.,:/-]\d+)*%?",
    "capitalised": r"(?<=[^\s.!?。！？][ \t])[^\W\d_a-zß-öø-ÿ]\w+",
}
"""Name -> what it keeps. ``capitalised`` are capitalised words that begin no sentence: names, mostly."""
_HINTS = {"urls": ("://", "www."), "emails": ("@",), "mentions": ("@", "#"), "placeholders": ("{", "<", "[", "%")}
"""Kinds that need one of these in the text, which is a faster thing to ask."""


class Protection:
    """Finds what is kept in a text.

    Args:
        keep: names of `KINDS`, or words that are kept as they stand (whole words, in any case).
        pattern: a regular expression of what is kept besides, None for nothing.
    """

    def __init__(self, keep: Iterable[str], pattern: str | None) -> None:
        keep = tuple(keep)
        kinds = [name for name in keep if name in KINDS]
        words = sorted((word for word in keep if word not in KINDS), key=len, reverse=True)
        # A word of a script with blanks must not be found inside another word; Han and kana know no such border.
        named = [f"(?i:{_edge(word[0], '(?<!')}{re.escape(word)}{_edge(word[-1], '(?!')})" for word in words if word]
        # One after another, as what one of them finds may stand inside what another one does.
        self._patterns = [
            re.compile(part) for part in (pattern, "|".join(named), *(KINDS[kind] for kind in kinds)) if part
        ]
        always = bool(pattern or named or any(kind not in _HINTS for kind in kinds))
        self._hints = None if always else tuple(dict.fromkeys(hint for kind in kinds for hint in _HINTS[kind]))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """(begin, end) of what is kept, in order."""
        if self._hints is not None:
            for hint in self._hints:
                if hint in text:
                    break
            else:
                return []
        found = [match.span() for pattern in self._patterns for match in pattern.finditer(text)]
        return sorted(span for span in found if span[1] > span[0])


def _edge(letter: str, look: str) -> str:
    return (
        rf"{look}[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u9fff])"
        if letter.isalnum() and letter < "\u3041"
        else ""
    )


@lru_cache(maxsize=256)
def protection(keep: tuple[str, ...], pattern: str | None) -> Protection:
    """The same settings give the same object."""
    return Protection(keep, pattern)
