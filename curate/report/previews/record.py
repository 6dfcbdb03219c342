"""Records of a table: names and values, the columns that a reason names and what differs from another record marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from curate.report.contents import in_short
from curate.report.previews.item import Broken, Cell, Preview, Record

MOST_CELLS, MOST_MARKED = 12, 60
LONGEST = 120


def record_preview(values: Mapping[str, Any], reason: str, beside: Mapping[str, Any] | None = None) -> Preview:
    """The values of a record; at most `MOST_CELLS`, or `MOST_MARKED` that are marked, which come first.

    Args:
        values: column -> value.
        reason: columns that it names are marked.
        beside: another record that this one is shown next to: what differs is marked, with the other's value, and
            columns keep their order where all of them are shown.
    """
    if all(value is None for value in values.values()):
        return Broken("there are no values")
    other = {name: _short(beside.get(name)) for name in values} if beside is not None else {}
    changed = {name for name, value in other.items() if value != _short(values[name])}
    named = {name for name in values if mentions(reason, name)} | changed
    order = [name for name in values if name in named] + [name for name in values if name not in named]
    if beside is not None and len(values) <= MOST_CELLS:
        order = list(values)
    cells = tuple(
        Cell(name, _short(values[name]), name in named, other[name] if name in changed else None)
        for name in order[: max(MOST_CELLS, min(len(named), MOST_MARKED))]
    )
    return Record(cells, len(values) - len(cells))


def mentions(reason: str, column: str) -> bool:
    """Whether a reason names a column, as a whole word."""
    if not column or column not in reason:
        return False
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", reason) is not None


def _short(value: Any) -> str:
    text = in_short(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
