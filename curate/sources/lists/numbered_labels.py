"""Labels that are numbers of the lines of a list beside them (``classes.txt``, ``emotions.txt``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.raw import Raw

LABEL = "label"
TEXTS = frozenset(("text", "description"))
"""What the text of a row is called where its columns had no names."""
LARGEST_LIST = 1 << 20
"""Bytes."""
MOST_WORDS = 6
"""Words of the name of a class."""
SET = r"^[0-9]{1,3}(,[0-9]{1,3})*$"
SEVERAL = r"^[0-9]+(,[0-9]+){2,}$"


def with_class_names(raw: Raw, folder: Path) -> Raw:
    """The rows with names for the numbers of their labels, where the columns have no header and one list fits them.

    Such a list is a text file in the folder with as many short lines as there are classes, which count from 0 or 1.
    Numbers between commas (``2,14``) are sets of labels, if a list fits them or one has three and more.
    """
    if not raw.unnamed or LABEL not in raw.columns.column_names or not TEXTS & set(raw.columns.column_names):
        return raw
    column = raw.columns[LABEL]
    if not pc.all(pc.match_substring_regex(column, SET)).as_py():
        return raw
    sets = pc.split_pattern(column, ",")
    numbers = {int(one) for one in pc.unique(pc.list_flatten(sets)).drop_null().to_pylist()}
    several = bool(pc.any(pc.match_substring(column, ",")).as_py())
    found = [(path, names) for path in sorted(folder.glob("*.txt")) if (names := _names(path, numbers))]
    if len(found) != 1:
        lone = several and pc.any(pc.match_substring_regex(column, SEVERAL)).as_py()
        return raw.with_column(LABEL, sets) if lone else raw
    path, names = found[0]
    lists = [None if row is None else [names[int(one)] for one in row] for row in sets.to_pylist()]
    values = pa.array(lists) if several else pa.array([row and row[0] for row in lists], pa.string())
    first, called = min(names.items())
    note = f"the numbers of {LABEL!r} are the lines of {path.name}: {first} is {called!r}"
    return replace(
        raw.with_column(LABEL, pa.chunked_array([values])),
        notes=(*raw.notes, note),
        class_names={**raw.class_names, LABEL: tuple(names.values())},
    )


def _names(path: Path, numbers: Collection[int]) -> dict[int, str] | None:
    """Number -> name, if the lines of a file are short, differ, and are as many as the numbers ask for."""
    try:
        if not numbers or path.stat().st_size > LARGEST_LIST:
            return None
        lines = [line.strip() for line in decode(path).text.splitlines() if line.strip()]
    except (DataError, OSError):
        return None
    short = all(len(line.split()) <= MOST_WORDS for line in lines)
    if not short or len(set(lines)) != len(lines) or len(lines) < 2:
        return None
    if min(numbers) == 1 and max(numbers) == len(lines):
        return dict(enumerate(lines, 1))
    return dict(enumerate(lines)) if max(numbers) < len(lines) <= 2 * len(numbers) and min(numbers) == 0 else None
