"""The first line of delimited text: the names of the columns, or a row where there are none."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.sources.columns.role_names import (
    FEATURE_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    LIKELY_LABEL_NAMES,
    SPLIT_NAMES,
    TEXT_NAMES,
)
from curate.sources.delimited.headerless import NUMBER, is_row, names_beside, names_for, sampled
from curate.wording import counted, noun

FIELD_LIMIT = 64 << 20
SAID = re.compile(r"\ufeff?sep=(?P<delimiter>[^\r\n])[ \t]*\r?(\n|$)", re.IGNORECASE)
"""The first line by which Excel is told the delimiter, which is neither header nor row."""
USUAL_NAMES = frozenset((*LABEL_NAMES, *LIKELY_LABEL_NAMES, *TEXT_NAMES, *SPLIT_NAMES, *ID_NAMES, *FEATURE_NAMES))
SPOKEN: tuple[str, ...] = ("file_name", "transcription", "normalized_text")
"""Columns of LJSpeech and of sets in its form, which have no header."""
UNNAMED = "Unnamed: {}"
"""What pandas calls a column without a name, by its place from 0."""


@dataclass(frozen=True)
class Header:
    """What the first line says.

    Attributes:
        names: of the columns, all different.
        lines: physical lines before the first row.
        padded: whether blanks follow the delimiters.
        unnamed: places of columns that have no name there; `names` calls them as pandas would.
        note: a sentence, where the first line is a row.
        row: whether it is one whose columns were given names here.
    """

    names: list[str]
    lines: int
    padded: bool = False
    unnamed: tuple[int, ...] = ()
    note: str | None = None
    row: bool = False


def said_delimiter(text: str) -> str | None:
    """The delimiter that the first line tells Excel; None where it doesn't."""
    found = SAID.match(text)
    return None if found is None else found.group("delimiter")


def read_header(
    text: str, delimiter: str, name: str, files: Collection[str] | None = None, bare: Path | None = None
) -> Header:
    """The header of a delimited text, or names for its columns where the first line is a row.

    Args:
        text: of the file.
        delimiter: one character.
        name: of the source, for messages.
        files: names of files, with and without ending, that rows may be about: a first line that names one, as the
            second does in the same place, is a row.
        bare: the file, if it has no header unless there is a usual name in its first line.

    Raises:
        DataError: there is none, it can't be read, or names repeat.
    """
    fields, begin, end = _first_record(text, delimiter, name)
    padded = len(fields) > 1 and delimiter != " " and all(n.startswith(" ") for n in fields[1:])
    names = [n.strip() for n in fields]
    if files is not None and (place := _names_a_file(names, text, end, delimiter, files)) is not None:
        called = ["file_name" if k == place else f"column_{k + 1}" for k in range(len(names))]
        called = list(SPOKEN) if (place, delimiter, len(names)) == (0, "|", len(SPOKEN)) else called
        return Header(called, begin, padded, note=f"its first line names the file {names[place]!r}: a row, no header")
    if called := _names_of_rows(names, text, end, delimiter, bare):
        return Header(called, begin, padded, note="its first line is a row, no header", row=True)
    unnamed = tuple(place for place, n in enumerate(names) if not n)
    for place in unnamed:
        names[place] = _unnamed(place, names)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        hint = "names must differ (if the first line is a row, write a header above it)"
        raise DataError(f"{name}: the header has {', '.join(map(repr, twice))} more than once; {hint}")
    return Header(names, end, padded, unnamed)


def _unnamed(place: int, names: list[str]) -> str:
    """A name that is not among the others: an index that was written with an index has one already."""
    name, again = UNNAMED.format(place), 0
    while name in names:
        again += 1
        name = f"{UNNAMED.format(place)}.{again}"
    return name


def _first_record(text: str, delimiter: str, name: str) -> tuple[list[str], int, int]:
    """The fields of the first record, and the physical lines before it and up to its end."""
    csv.field_size_limit(FIELD_LIMIT)
    line_number, begin, pending = 0, 0, ""
    for line in io.StringIO(text, newline=""):
        line_number += 1
        pending += line
        if not pending.strip() or (line_number == 1 and SAID.match(line)):
            pending, begin = "", line_number
            continue
        try:
            return (
                next(csv.reader(io.StringIO(pending, newline=""), delimiter=delimiter, strict=True)),
                begin,
                line_number,
            )
        except csv.Error as error:
            if "unexpected end" not in str(error) or len(pending) > 1 << 20:
                raise DataError(f"{name}: line {line_number}: the header can't be read: {error}") from error
    raise DataError(f"{name}: the file is empty: there is no header and no row")


def _names_a_file(names: list[str], text: str, end: int, delimiter: str, files: Collection[str]) -> int | None:
    """The place of a field that names a file, in the first record and in the line below it."""
    places = [k for k, name in enumerate(names) if _file_name(name) in files]
    for number, line in enumerate(io.StringIO(text, newline="")):
        if places and number >= end and line.strip():
            below = [field.strip().strip('"') for field in line.split(delimiter)]
            places = [k for k in places if k < len(below) and _file_name(below[k]) in files]
            break
    return places[0] if places and len(names) > 1 else None


def _names_of_rows(names: list[str], text: str, end: int, delimiter: str, bare: Path | None) -> list[str] | None:
    """Names for columns whose first record is a row; None where it is a header."""
    if {name.lower() for name in names} & USUAL_NAMES:
        return None
    rows = sampled(text, end, delimiter, len(names))
    if bare is None and not is_row(names, rows):
        return None
    return (names_beside(bare, len(names)) if bare else None) or names_for(rows, len(names))


def _file_name(value: str) -> str:
    return re.split(r"[\\/]", value)[-1]


def settled(header: Header, columns: pa.Table, name: str) -> tuple[pa.Table, list[str]]:
    """The columns, all text, without those that have neither name nor value, and a sentence about these.

    The first column may have no name, as pandas and R write the index of a table.

    Raises:
        DataError: another column has values and no name.
    """
    empty = [place for place in header.unnamed if columns.columns[place].null_count == columns.num_rows]
    wrong = [str(place + 1) for place in header.unnamed if place and place not in empty]
    if wrong:
        places = f"{noun(len(wrong), 'column')} {', '.join(wrong)}"
        raise DataError(f"{name}: {places} of the header {noun(len(wrong), 'has', 'have')} no name; write one")
    kept = columns.select([n for place, n in enumerate(columns.column_names) if place not in empty])
    notes = []
    if empty:
        notes.append(
            f"{counted(len(empty), 'column')} with neither name nor value {noun(len(empty), 'is', 'are')} left out"
        )
    return kept, notes


def like_a_row(columns: pa.Table) -> str | None:
    """Why the header of the columns, all text, looks like one more row; None where it doesn't."""
    names = columns.column_names
    if any(name.lower() in USUAL_NAMES for name in names):
        return None
    if same := [name for name in names if pc.any(pc.equal(columns[name], name)).as_py()]:
        return f"the name of the column {same[0]!r} is one of its values, too"
    if len(names) > 1 and all(NUMBER.fullmatch(name) for name in names) and not all(name.isdecimal() for name in names):
        return f"all names of the {len(names)} columns are numbers"
    return None
