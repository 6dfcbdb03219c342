"""Columns that pandas made of the index of a table: numbers of the rows are no feature, names and times keep a role."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import is_text
from curate.sources.raw import Raw
from curate.task import Task

INDEX = re.compile(r"Unnamed: 0(\.\d+)*|__index_level_\d+__")
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}.*)?$"
TIMES = "timestamp"


def settled_index(raw: Raw, given: Task) -> Raw:
    """Rows without the columns of an index that only number them, with a note; one of names is the id.

    Columns that the user named stay as they are.

    Args:
        raw: the rows, typed.
        given: what the user said.
    """
    named = _named(given)
    for name in raw.columns.column_names:
        if name in named or not INDEX.fullmatch(name):
            continue
        column = raw.columns[name]
        text = is_text(column.type)
        if pa.types.is_integer(column.type):
            if raw.columns.num_columns > 1:
                told = f"the column {name!r} numbers the rows (an index that pandas wrote) and is left out"
                raw = replace(raw, columns=raw.columns.drop_columns([name]), notes=(*raw.notes, told))
        elif pa.types.is_temporal(column.type) or (text and _all_times(column)):
            raw = _renamed(raw, name) if TIMES not in raw.columns.column_names else raw
        elif text and not given.id and "id" not in raw.roles and _all_differ(column, len(raw.unreadable)):
            raw = replace(raw, roles={**raw.roles, "id": name})
    return raw


def _named(given: Task) -> set[str]:
    said = given.model_dump(exclude_defaults=True).values()
    return {name for value in said for name in ((value,) if isinstance(value, str) else value)}


def _all_times(column: pa.ChunkedArray) -> bool:
    return pc.all(pc.match_substring_regex(column, TIME)).as_py() is True


def _all_differ(column: pa.ChunkedArray, unreadable: int) -> bool:
    known = column.drop_null()
    return len(known) >= len(column) - unreadable and pc.count_distinct(known).as_py() == len(known)


def _renamed(raw: Raw, name: str) -> Raw:
    names = [TIMES if one == name else one for one in raw.columns.column_names]
    told = f"the column {name!r}, an index of times that pandas wrote, is called {TIMES!r} here"
    return replace(raw, columns=raw.columns.rename_columns(names), notes=(*raw.notes, told))
