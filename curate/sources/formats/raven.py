"""Selection tables of Raven (and BirdNET): a line per sound in a recording, with its times and what it is."""

from __future__ import annotations

import math
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


def read_selections(lines: Sequence[str], name: str) -> tuple[list[Selection], list[str]]:
    """The selections of a table, each once, though it has a line for every view of the sound.

    Returns:
        The selections, and a sentence about each that has no times in any of its lines.
    """
    names = _names(lines[0])
    label = next((names.index(one) for one in LABELS if one in names), None)
    found: dict[str, Selection] = {}
    wrong: dict[str, str] = {}
    for number, line in enumerate(lines[1:], 2):
        fields = [field.strip() for field in line.split("\t")]
        if not any(fields):
            continue
        values = dict(zip(names, fields))
        own = values.get(SELECTION) or f"line {number}"
        times = seconds(values.get(START)), seconds(values.get(END))
        if times[0] is None or times[1] is None:
            wrong.setdefault(own, f"{name}, line {number}: {line[:60]!r} has no times of a selection")
            continue
        text = fields[label] if label is not None and label < len(fields) else ""
        found.setdefault(own, Selection(times[0], times[1], text or None))
    return list(found.values()), [why for own, why in wrong.items() if own not in found]


def seconds(text: str | None) -> float | None:
    """The finite number that a text is, None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _names(line: str) -> list[str]:
    return [name.strip().lower() for name in line.lstrip("\ufeff").split("\t")]
