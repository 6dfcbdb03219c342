"""Selection tables of Raven (and BirdNET): a line per sound in a recording, with its times and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SELECTION, VIEW, START, END = "selection", "view", "begin time (s)", "end time (s)"
LABELS = (
    "annotation", "label", "species", "common name", "call type", "call", "sound type", "class", "type", "tag",
    "species code", "notes",
)  # fmt: skip
"""Usual names of the column that somebody filled in, likeliest first."""


class Selection(NamedTuple):
    """From when to when, in seconds, and what it is, None where nobody said."""

    start: float
    end: float
    text: str | None


def is_selection_table(lines: Sequence[str]) -> bool:
    """Whether the first line names the columns of Raven."""
    return bool(lines) and {SELECTION, START, END} <= set(_names(lines[0]))


def read_selections(lines: Sequence[str], name: str) -> list[Selection]:
    """The selections of a table, each once, though it has a line for every view of the sound.

    Raises:
        ValueError: a line has no times; the message says which.
    """
    names = _names(lines[0])
    label = next((names.index(one) for one in LABELS if one in names), None)
    found: dict[str, Selection] = {}
    for number, line in enumerate(lines[1:], 2):
        fields = [field.strip() for field in line.split("\t")]
        if not any(fields):
            continue
        try:
            times = float(fields[names.index(START)]), float(fields[names.index(END)])
        except (IndexError, ValueError):
            raise ValueError(f"{name}, line {number}: {line[:60]!r} has no times of a selection") from None
        text = fields[label] if label is not None and label < len(fields) else ""
        found.setdefault(fields[names.index(SELECTION)], Selection(*times, text or None))
    return list(found.values())


def _names(line: str) -> list[str]:
    return [name.strip().lower() for name in line.lstrip("\ufeff").split("\t")]
