"""Plain values and printable text: JSON stays JSON, and a character that would steer a terminal or page is shown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Control characters, overrides of the writing direction, lone surrogates and non-characters; not tab and newline."""

LONGEST_LIST = 200
"""Items of a list among the facts that a report repeats; the rest is counted."""


def printable(text: str) -> str:
    """The text with every character that would steer a terminal or a page written as its escape, e.g. ``\\x1b``.

    Tabs and newlines stay; ordinary text of any script is left alone.
    """
    return _STEERING.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str, longest: int = 0) -> str:
    """Printable text with runs of white space as one space, cut after `longest` characters (0 for no cut)."""
    line = " ".join(printable(text).split())
    return line if not longest or len(line) <= longest else line[: longest - 1].rstrip() + "…"


def percent(share: float) -> str:
    """A share for people: never "0.0%" of something that is there, nor "100.0%" where something is missing."""
    if 0 < share < 0.001:
        return "< 0.1%"
    if 0.999 < share < 1:
        return "> 99.9%"
    return f"{share:.1%}"


def plain(value: Any) -> Any:
    """The value as JSON knows it: numbers, text, lists, objects; null for NaN and infinity, no surrogates."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        cut = [plain(item) for item in value[:LONGEST_LIST]]
        return cut if len(value) <= LONGEST_LIST else [*cut, f"… and {len(value) - LONGEST_LIST} more"]
    return plain(str(value))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
