"""Columns of text that hold numbers as most of Europe writes them: 1.234,5."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import SAMPLE, is_text
from curate.task import Task
from curate.wording import some_of

NUMBER = r"^-?(0|[1-9][0-9]{0,2}(\.[0-9]{3})+|[1-9][0-9]{0,17})(,[0-9]{1,15})?$"
NO_THOUSANDS = r",([0-9]{1,2}|[0-9]{4,})$"
"""A comma that can't stand between thousands, as in 1,234."""
MARKED = r"[.,]"
ENGLISH = r"^[-+]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?$"
"""A number that may have commas between its thousands."""
SETS = ("labels", "tags", "categories")
"""Names of columns that may list numbers: 1,5 is two labels there."""
NAMED = 5


def with_decimal_commas(table: pa.Table, keep: Collection[str]) -> tuple[pa.Table, tuple[str, ...], list[str]]:
    """Columns whose every value is such a number become float64, but for those in `keep`; their names; a sentence.

    One value at least must have a comma that is surely no mark of thousands. The file is then written so, and its other
    columns of numbers with a point or a comma are read alike: 1.234 is 1234 there.
    """
    texts = {name: column for name, column in _texts(table, keep) if _all_match(column)}
    if not (sure := [name for name, column in texts.items() if _any(column, NO_THOUSANDS)]):
        return table, (), []
    found = [name for name, column in texts.items() if name in sure or _any(column, MARKED)]
    table = _read(table, set(found))
    read = _example(texts[sure[0]], NO_THOUSANDS)
    if without := [name for name in found if name not in sure]:
        read += f"; in {without[0]!r}, as in the rest of the file, {_example(texts[without[0]], MARKED)}"
    return table, tuple(found), [f"{some_of(found, NAMED, repr)}: read as numbers with a decimal comma ({read})"]


def as_known(table: pa.Table, numbers: Collection[str], *, commas: bool) -> pa.Table:
    """A table of text in which columns of numbers, and of nothing else, become float64 where they are written so.

    Args:
        table: columns of text.
        numbers: columns that held numbers in an earlier table.
        commas: whether that one had decimal commas; if not, one of these columns must have a comma here.
    """
    named = [name for name in table.column_names if name in numbers and _all_match(table[name])]
    if commas or any(_any(table[name], ",") for name in named):
        table = _read(table, set(named))
    return table


def left_as_text(table: pa.Table, keep: Collection[str]) -> list[str]:
    """A sentence about columns of text in which every value is a number, some with commas that could mean either."""
    found = {
        name: column
        for name, column in _texts(table, keep)
        if (_all_match(column) or _all_match(column, ENGLISH)) and _any(column, ",")
    }
    if not found:
        return []
    first = next(iter(found.values()))
    value = first.filter(pc.fill_null(pc.match_substring(first, ","), False))[0].as_py()
    named = some_of(found, NAMED, repr)
    return [
        f"{named}: taken as text, as a comma in numbers such as {value!r} may stand for the decimal point"
        " or between thousands: write them with a point, or without a mark"
    ]


def kept_as_text(task: Task) -> set[str]:
    """Columns that the user named for a role in which a comma is no point."""
    roles = (task.text, task.transcript, task.group, task.id, task.split, task.label if _of_classes(task) else None)
    media = (task.image, task.audio, task.video, task.mask)
    return {name for name in (*roles, *media, *task.annotators) if name}


def _of_classes(task: Task) -> bool:
    return task.kind in ("classification", "multilabel", "token_classification")


def _texts(table: pa.Table, keep: Collection[str]) -> list[tuple[str, pa.ChunkedArray]]:
    """The columns of text that may hold numbers."""
    return [
        (name, column)
        for name, column in zip(table.column_names, table.columns)
        if name not in keep and name.strip().lower() not in SETS and is_text(column.type)
    ]


def _any(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern)).as_py())


def _all_match(column: pa.ChunkedArray, pattern: str = NUMBER) -> bool:
    """Whether all texts that are there, one at least, are such numbers, with a comma or without."""
    if not is_text(column.type):
        return False
    head_matches = pc.all(pc.match_substring_regex(column.slice(0, SAMPLE), pattern)).as_py()
    return head_matches is not False and pc.all(pc.match_substring_regex(column, pattern)).as_py() is True


def _read(table: pa.Table, names: Collection[str]) -> pa.Table:
    columns = [
        _with_points(column).cast(pa.float64()) if name in names else column
        for name, column in zip(table.column_names, table.columns)
    ]
    return pa.table(columns, names=table.column_names)


def _example(column: pa.ChunkedArray, pattern: str) -> str:
    """``1,5 as 1.5``: the first value that matches, and how it is read."""
    first = column.filter(pc.fill_null(pc.match_substring_regex(column, pattern), False)).slice(0, 1)
    return f"{first[0].as_py()} as {_with_points(first)[0].as_py()}"


def _with_points(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
