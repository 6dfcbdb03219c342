"""Columns of text that hold numbers as most of Europe writes them: 1.234,5."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.column_types import SAMPLE
from curate.task import Task

NUMBER = r"^-?(0|[1-9][0-9]{0,2}(\.[0-9]{3})+|[1-9][0-9]{0,17})(,[0-9]{1,15})?$"
NO_THOUSANDS = r",([0-9]{1,2}|[0-9]{4,})$"
"""A comma that can't stand between thousands, as in 1,234."""
SETS = ("labels", "tags", "categories")
"""Names of columns that may list numbers: 1,5 is two labels there."""
NAMED = 5


def with_decimal_commas(table: pa.Table, keep: Collection[str]) -> tuple[pa.Table, list[str]]:
    """Columns whose every value is such a number become float64, but for those in `keep`; a sentence that says which.

    One value at least must have a comma that is surely no mark of thousands.
    """
    found, example = [], ""
    for place, name in enumerate(table.column_names):
        column = table.columns[place]
        if name in keep or name.strip().lower() in SETS or not _are_numbers(column):
            continue
        plain = _with_points(column)
        sure = column.filter(pc.fill_null(pc.match_substring_regex(column, NO_THOUSANDS), False))
        example = example or f"{sure[0].as_py()} as {plain[pc.index(column, sure[0]).as_py()].as_py()}"
        table = table.set_column(place, name, plain.cast(pa.float64()))
        found.append(name)
    if not found:
        return table, []
    named = ", ".join(map(repr, found[:NAMED])) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
    return table, [f"{named}: read as numbers with a decimal comma ({example})"]


def as_known(table: pa.Table, numbers: Collection[str]) -> pa.Table:
    """A table of text in which the columns `numbers` become float64, if one of them has a decimal comma."""
    named = [name for name in table.column_names if name in numbers and _all_match(table[name])]
    if not any(pc.any(pc.match_substring(table[name], ",")).as_py() for name in named):
        return table
    for name in named:
        values = _with_points(table[name]).cast(pa.float64())
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def kept_as_text(task: Task) -> set[str]:
    """Columns that the user named for a role in which a comma is no point."""
    roles = (task.text, task.transcript, task.group, task.id, task.split, task.label if _of_classes(task) else None)
    media = (task.image, task.audio, task.video, task.mask)
    return {name for name in (*roles, *media, *task.annotators) if name}


def _of_classes(task: Task) -> bool:
    return task.kind in ("classification", "multilabel", "token_classification")


def _are_numbers(column: pa.ChunkedArray) -> bool:
    return _all_match(column) and bool(pc.any(pc.match_substring_regex(column, NO_THOUSANDS)).as_py())


def _all_match(column: pa.ChunkedArray) -> bool:
    """Whether all texts that are there, one at least, are such numbers, with a comma or without."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    head_matches = pc.all(pc.match_substring_regex(column.slice(0, SAMPLE), NUMBER)).as_py()
    return head_matches is not False and pc.all(pc.match_substring_regex(column, NUMBER)).as_py() is True


def _with_points(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
