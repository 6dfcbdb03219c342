"""CSV, TSV and other delimited text, read strictly: what can't be read is a row that says why."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.sources.delimited.comment_lines import without_comments, without_dots, without_remark
from curate.sources.delimited.headers import Header, like_a_row, read_header, said_delimiter, settled
from curate.sources.delimited.quick_csv import read_quick
from curate.sources.delimited.sniffing import separated
from curate.sources.encodings import Decoded, decode
from curate.sources.file_kinds import HEADERLESS
from curate.sources.raw import Raw, origins
from curate.wording import counted, noun

BLOCK_ROWS = 50_000
UNQUOTED = ("\t", "|")
"""Delimiters of files in which quotes may be letters like any other."""
ODD_QUOTES = 0.1
"""Share of the fields that begin with a quote, and do not end as one would, from which on quotes are letters."""


@dataclass(frozen=True)
class Records:
    """The records of one file.

    Attributes:
        columns: all text; an empty cell is null.
        lines: (n,) int64, first physical line of each record, counted from 1.
        unreadable: row -> reason.
        records: row -> the raw record.
        blank: blank lines passed over.
        notes: sentences about all records.
    """

    columns: pa.Table
    lines: np.ndarray
    unreadable: dict[int, str]
    records: dict[int, bytes]
    blank: int
    notes: tuple[str, ...] = ()


def read_delimited(
    path: Path,
    *,
    source: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    files: Collection[str] | None = None,
    bare: bool = False,
) -> Raw:
    """Read one delimited file, with a header or without.

    Args:
        path: the file.
        source: its name for messages.
        delimiter: one character; found in the text if left out.
        encoding: a Python codec; found in the bytes if left out.
        files: names of files, with and without ending, that rows may be about: a first line that names one is a row.
        bare: whether there is no header where the first line holds no usual name of a column.

    Raises:
        DataError: no header, names that are missing or repeat, no rows, or an encoding that does not fit.
    """
    name = source or path.name
    decoded = decode(path, encoding)
    if "\0" in decoded.text[:4096].split("\n", 1)[0]:
        raise DataError(f"{name}: the first line holds NUL bytes; this is no text file, or UTF-16 without a mark")
    delimiter = delimiter or said_delimiter(decoded.text)
    bare = bare or path.suffix.lower() in HEADERLESS
    text, delimiter = without_comments(without_remark(decoded.text) if bare else decoded.text, delimiter)
    if delimiter is None:
        text, delimiter = separated(text, path)
    decoded = replace(decoded, text=text)
    header = read_header(decoded.text, delimiter, name, files, path if bare else None)
    records = _records(decoded, header, delimiter, path.name)
    if not records.columns.num_rows:
        raise DataError(f"{name}: there is a header, but no rows below it")
    columns, told = settled(header, records.columns, name)
    if bare:
        columns, dots = without_dots(columns)
        told = [*told, *([dots] if dots else [])]
    notes = [*decoded.notes(path.name), *(f"{path.name}: {note}" for note in (*records.notes, *told))]
    if records.blank:
        notes.append(f"{path.name}: {counted(records.blank, 'blank line')} {noun(records.blank, 'is', 'are')} no row")
    if header.note:
        called = ", ".join(map(repr, header.names))
        notes.append(f"{path.name}: {header.note}; its columns are called {called}: write a header to name them")
    elif looks := like_a_row(columns):
        notes.append(f"{path.name}: {looks}: if the first line is a row, write a header above it")
    if header.padded:
        notes.append(f"{path.name}: blanks after each delimiter were taken off, as the header has them too")
    return Raw(
        columns,
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
        unnamed=header.row,
    )


def _records(decoded: Decoded, header: Header, delimiter: str, file: str) -> Records:
    """The fast way where it leaves no doubt, else the careful one; without quotes where they are letters."""
    records = None
    if not decoded.broken:
        records = read_quick(decoded.text, header.names, header.lines, delimiter, header.padded)
    if records is None:
        records = read_careful(decoded, header.names, header.lines, delimiter, header.padded, file)
    if (
        delimiter not in UNQUOTED
        or '"' not in decoded.text
        or not _quotes_are_letters(decoded, header, delimiter, records)
    ):
        return records
    records = read_careful(decoded, header.names, header.lines, delimiter, header.padded, file, quoted=False)
    return replace(records, notes=("quotes are taken as letters: many that open a field do not close it",))


def _quotes_are_letters(decoded: Decoded, header: Header, delimiter: str, records: Records) -> bool:
    """Whether every line is a whole record if quotes mean nothing, and is none if they do."""
    text = decoded.text
    physical = text.count("\n") + (not text.endswith("\n")) - header.lines
    if physical == len(records.lines) + records.blank and not records.unreadable:
        return False
    lines = [line.rstrip("\r\n") for line in islice(io.StringIO(text, newline=""), header.lines, None)]
    rows = [line.split(delimiter) for line in lines if line.strip()]
    if len(rows) == len(records.lines) and not records.unreadable:
        return False
    if any(len(row) != len(header.names) for row in rows):
        return False
    opened = [field for row in rows for field in row if field.startswith('"')]
    odd = sum(len(field) == 1 or not field.endswith('"') or '"' in field[1:-1].replace('""', "") for field in opened)
    return odd > ODD_QUOTES * len(opened)


def read_careful(
    decoded: Decoded,
    header: list[str],
    header_line: int,
    delimiter: str,
    padded: bool,
    file: str,
    *,
    quoted: bool = True,
) -> Records:
    """Read record by record; whatever is wrong with one stays with that one.

    Without `quoted`, quotes are letters and every line is a record. Else a record with an open quote that never closes,
    or closes into more text, is given up after its first physical line, and reading goes on with the next.
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
        reader = csv.reader(
            _from(lines, position),
            delimiter=delimiter,
            strict=True,
            skipinitialspace=padded,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        )
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
