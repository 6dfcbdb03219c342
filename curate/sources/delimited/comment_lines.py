"""What stands in delimited text beside its rows: lines of comment above them, dots behind them."""

from __future__ import annotations

import csv

import pyarrow as pa
import pyarrow.compute as pc

REMARK = "|"
"""Begin of comments in the files of C4.5, as in ``adult.test``."""


def without_comments(text: str, delimiter: str | None) -> tuple[str, str | None]:
    """The text with the last of its first lines that begin with ``#`` as header, and the others empty; its delimiter.

    Both stay as they are where there are none, or where that line has not as many fields as the one below.
    """
    if not text.startswith("#"):
        return text, delimiter
    lines = text.splitlines(keepends=True)
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count == len(lines) or (count == 1 and not text.startswith("# ")):
        return text, delimiter
    last = lines[count - 1].lstrip("#").lstrip(" ")
    for one in (delimiter,) if delimiter else (",", "\t", ";"):
        above, below = (next(csv.reader([line], delimiter=one, skipinitialspace=True)) for line in (last, lines[count]))
        if len(above) == len(below) > 1:
            return "\n" * (count - 1) + last + "".join(lines[count:]), one
    return text, delimiter


def without_remark(text: str) -> str:
    """The text with an empty first line in the place of a comment of C4.5."""
    first, end, rest = text.partition("\n")
    return end + rest if first.startswith(REMARK) and rest.partition("\n")[0].count(REMARK) == 0 else text


def without_dots(columns: pa.Table) -> tuple[pa.Table, str | None]:
    """Columns, all text, without the dots that end the rows of C4.5 behind the class, and a sentence about these."""
    name = columns.column_names[-1]
    last = columns[name]
    known = last.drop_null()
    if not len(known) or not pc.all(pc.match_substring_regex(known, r"[^\d.]\.$")).as_py():
        return columns, None
    columns = columns.set_column(columns.num_columns - 1, name, pc.utf8_slice_codeunits(last, 0, -1))
    return columns, f"dots that end the values of {name!r} were taken off"
