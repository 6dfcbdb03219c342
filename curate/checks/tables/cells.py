"""Cells that look wrong: which, why, and what would be right."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from curate.wording import some_of

MOST_SHOWN = 4
MOST_LISTED = 20_000
LONGEST = 80


class Cell(NamedTuple):
    """A cell that looks wrong.

    Attributes:
        place: of its row among the judged ones.
        column: its name.
        issue: what is wrong.
        value: what it holds, as text.
        suggestion: what it should hold, None where that is not known.
        score: in [0, 0.5), 0 is worst.
        why: the measured value and the threshold.
    """

    place: int
    column: str
    issue: str
    value: str
    suggestion: str | None
    score: float
    why: str


def sentence(cells: list[Cell]) -> str:
    """The cells of a row as a reason: ``column 'city': 'BOxZ' (suggested: 'BOAZ'); why``, most certain first."""
    ordered = sorted(cells, key=lambda cell: (cell.score, cell.column))
    return some_of(ordered, MOST_SHOWN, _told, "; ")


def _told(cell: Cell) -> str:
    suggested = "" if cell.suggestion is None else f" (suggested: {_short(cell.suggestion)!r})"
    return f"column {cell.column!r}: {_short(cell.value)!r}{suggested}, {cell.why}"


def listed(cells: list[Cell], row_ids: np.ndarray) -> dict[str, Any]:
    """The cells as facts: row_id, column, value, suggestion and issue of at most 20,000, and how many there are."""
    ordered = sorted(cells, key=lambda cell: (cell.score, str(row_ids[cell.place]), cell.column, cell.issue))
    lines = [
        {
            "row_id": str(row_ids[cell.place]),
            "column": cell.column,
            "value": cell.value,
            "suggestion": cell.suggestion,
            "issue": cell.issue,
        }
        for cell in ordered[:MOST_LISTED]
    ]
    left_out = {"cells_left_out": len(ordered) - MOST_LISTED} if len(ordered) > MOST_LISTED else {}
    return {"wrong_cells": len({(cell.place, cell.column) for cell in cells}), "cells": lines, **left_out}


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
