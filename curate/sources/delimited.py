"""CSV, TSV and other delimited text, read strictly: what can't be read is a row that says why."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.sources.encodings import Decoded, decode
from curate.sources.quick_csv import read_quick
from curate.sources.raw import Raw, origins
from curate.sources.role_names import (
    FEATURE_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    LIKELY_LABEL_NAMES,
    SPLIT_NAMES,
    TEXT_NAMES,
)
from curate.wording import counted, noun

DELIMITERS = (",", "\t", ";", "|")
FIELD_LIMIT = 64 << 20
BLOCK_ROWS = 50_000
SAMPLE_LINES = 100
SAID = re.compile(r"\ufeff?sep=(?P<delimiter>[^\r\n])[ \t]*\r?(\n|$)", re.IGNORECASE)
"""The first line by which Excel is told the delimiter, which is neither header nor row."""
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
USUAL_NAMES = frozenset((*LABEL_NAMES, *LIKELY_LABEL_NAMES, *TEXT_NAMES, *SPLIT_NAMES, *ID_NAMES, *FEATURE_NAMES))


@dataclass(frozen=True)
class Records:
    """The records of one file.

    Attributes:
        columns: all text; an empty cell is null.
        lines: (n,) int64, first physical line of each record, counted from 1.
        unreadable: row -> reason.
        records: row -> the raw record.
        blank: blank lines passed over.
    """

    columns: pa.Table
    lines: np.ndarray
    unreadable: dict[int, str]
    records: dict[int, bytes]
    blank: int


def read_delimited(
    path: Path, *, source: str | None = None, delimiter: str | None = None, encoding: str | None = None
) -> Raw:
    """Read one delimited file with a header.

    Args:
        path: the file.
        source: its name for messages.
        delimiter: one character; found in the text if left out.
        encoding: a Python codec; found in the bytes if left out.

    Raises:
        DataError: no header, names that are empty or repeat, no rows, or an encoding that does not fit.
    """
    name = source or path.name
    decoded = decode(path, encoding)
    if "\0" in decoded.text[:4096].split("\n", 1)[0]:
        raise DataError(f"{name}: the first line holds NUL bytes; this is no text file, or UTF-16 without a mark")
    delimiter = delimiter or _said(decoded.text)
    delimiter = delimiter or ("\t" if path.suffix.lower() in (".tsv", ".tab") else sniff(decoded.text))
    header, header_line, padded = _header(decoded.text, delimiter, name)
    records = None
    if not decoded.broken:
        records = read_quick(decoded.text, header, header_line, delimiter, padded)
    if records is None:
        records = read_careful(decoded, header, header_line, delimiter, padded, path.name)
    if not records.columns.num_rows:
        raise DataError(f"{name}: there is a header, but no rows below it")
    notes = list(decoded.notes(path.name))
    if records.blank:
        notes.append(f"{path.name}: {counted(records.blank, 'blank line')} {noun(records.blank, 'is', 'are')} no row")
    if looks := like_a_row(records.columns):
        notes.append(f"{path.name}: {looks}: if the first line is a row, write a header above it")
    if padded:
        notes.append(f"{path.name}: blanks after each delimiter were taken off, as the header has them too")
    return Raw(
        records.columns,
        name,
        root=path.parent,
        bases=(path.parent,),
        untyped=True,
        decimal_comma=delimiter != ",",
        unreadable=records.unreadable,
        records=records.records,
        remarks=decoded.remarks(records.lines, path.name),
        origin=origins(path.name, records.lines),
        notes=tuple(notes),
    )


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


def _said(text: str) -> str | None:
    found = SAID.match(text)
    return None if found is None else found.group("delimiter")


def sniff(text: str) -> str:
    """The delimiter under which most of the first records have as many fields as the header, and more than one.

    Where none does, as a quote that never closes swallowed the rest, that of the first lines, each taken by itself.
    """
    lines = list(islice(io.StringIO(text[: 1 << 20], newline=""), SAMPLE_LINES))
    (fits, _), best = max((_agreement([lines], delimiter), -k) for k, delimiter in enumerate(DELIMITERS))
    if not fits:
        (by_line, _), alone = max((_agreement([[x] for x in lines], one), -k) for k, one in enumerate(DELIMITERS))
        best = alone if by_line else best
    return DELIMITERS[-best]


def _agreement(parts: Sequence[list[str]], delimiter: str) -> tuple[bool, float]:
    """Whether most records have as many fields as the first and that is several, and the share that has as many."""
    try:
        counts = [len(fields) for lines in parts for fields in csv.reader(lines, delimiter=delimiter) if fields]
    except csv.Error:
        counts = []
    if not counts:
        return False, -1.0
    # Header against the rest: a comma inside texts gives counts that differ from the header's.
    agree = sum(count == counts[0] for count in counts) / len(counts)
    return counts[0] > 1 and agree > 0.5, agree


def _header(text: str, delimiter: str, name: str) -> tuple[list[str], int, bool]:
    """Names of the columns, the line on which the header ends, and whether blanks follow the delimiters."""
    csv.field_size_limit(FIELD_LIMIT)
    line_number, pending, names = 0, "", []
    for line in io.StringIO(text, newline=""):
        line_number += 1
        pending += line
        if not pending.strip() or (line_number == 1 and SAID.match(line)):
            pending = ""
            continue
        try:
            names = next(csv.reader(io.StringIO(pending, newline=""), delimiter=delimiter, strict=True))
            break
        except csv.Error as error:
            if "unexpected end" not in str(error) or len(pending) > 1 << 20:
                raise DataError(f"{name}: line {line_number}: the header can't be read: {error}") from error
    if not names:
        raise DataError(f"{name}: the file is empty: there is no header and no row")
    padded = len(names) > 1 and delimiter != " " and all(n.startswith(" ") for n in names[1:])
    stripped = [n.strip() for n in names]
    empty = [str(i + 1) for i, n in enumerate(stripped) if not n]
    if empty:
        hint = "; an index that pandas wrote? write it with index=False" if empty == ["1"] else ""
        places = "column " + empty[0] if len(empty) == 1 else "columns " + ", ".join(empty)
        raise DataError(f"{name}: {places} of the header {'has' if len(empty) == 1 else 'have'} no name{hint}")
    twice = sorted({n for n in stripped if stripped.count(n) > 1})
    if twice:
        hint = "names must differ (if the first line is a row, write a header above it)"
        raise DataError(f"{name}: the header has {', '.join(map(repr, twice))} more than once; {hint}")
    return stripped, line_number, padded


def read_careful(
    decoded: Decoded, header: list[str], header_line: int, delimiter: str, padded: bool, file: str
) -> Records:
    """Read record by record; whatever is wrong with one stays with that one.

    A record with an open quote that never closes, or closes into more text, is given up after its first physical line,
    and reading goes on with the next.
    """
    lines = list(io.StringIO(decoded.text, newline=""))[header_line:]
    width, position = len(header), 0
    starts: list[int] = []
    unreadable: dict[int, str] = {}
    raw: dict[int, bytes] = {}
    blocks: list[pa.Table] = []
    rows: list[list[str]] = []
    blank = 0
    nothing = [""] * width

    def bad(begin: int, end: int, why: str) -> None:
        row = len(starts)
        line = header_line + begin + 1
        starts.append(line)
        rows.append(nothing)
        unreadable[row] = f"{file}, line {line}: {why}"
        raw[row] = "".join(lines[begin:end]).encode("utf-8", "surrogatepass")

    while position < len(lines):
        reader = csv.reader(_from(lines, position), delimiter=delimiter, strict=True, skipinitialspace=padded)
        first = position
        begin = first
        try:
            for fields in reader:
                end = first + reader.line_num
                if not fields or (width > 1 and len(fields) == 1 and not fields[0].strip(" \t")):
                    blank += 1
                elif problem := decoded.trouble(header_line + begin, header_line + end, lines, begin, end):
                    bad(begin, end, problem)
                elif len(fields) != width:
                    many = "more" if len(fields) > width else "fewer"
                    bad(begin, end, f"{len(fields)} fields, {many} than the {width} of the header")
                else:
                    starts.append(header_line + begin + 1)
                    rows.append(fields)
                if len(rows) >= BLOCK_ROWS:
                    blocks.append(_block(rows, header))
                    rows.clear()
                begin = end
            position = len(lines)
        except csv.Error as error:
            bad(begin, begin + 1, _why(error))
            position = begin + 1
    blocks.append(_block(rows, header))
    return Records(pa.concat_tables(blocks), np.array(starts, np.int64), unreadable, raw, blank)


def _from(lines: list[str], position: int) -> Iterator[str]:
    for index in range(position, len(lines)):
        yield lines[index]


def _why(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote opens and never closes"
    if "expected after" in text:
        return "text follows a closing quote, or a quote was not closed"
    return text


def _block(rows: list[list[str]], header: list[str]) -> pa.Table:
    columns = zip(*rows) if rows else ((),) * len(header)
    arrays = [null_if_empty(pa.array(list(column), pa.large_string())) for column in columns]
    return pa.table(arrays, names=header)


def null_if_empty(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Empty cells are missing values."""
    return pc.if_else(pc.equal(pc.binary_length(texts), 0), pa.scalar(None, texts.type), texts)
