"""The fast way through well-formed delimited text; steps aside (None) wherever the careful reader could differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from curate.sources.delimited.delimited import Records

QUOTE, LF, CR = 34, 10, 13


def read_quick(text: str, header: list[str], header_line: int, delimiter: str, padded: bool) -> Records | None:
    """Read by `pyarrow.csv` if the quotes, line ends and the number of records leave no doubt, else None."""
    from pyarrow import csv as arrow_csv

    from curate.sources.delimited.delimited import Records, null_if_empty

    if "\0" in text or len(delimiter) != 1 or not delimiter.isascii():
        return None
    body = text.encode("utf-8")
    found = _records(np.frombuffer(body, np.uint8), ord(delimiter), padded)
    if found is None:
        return None
    lines, blank_after = found
    if header_line != 1 or not len(lines) or lines[0] != 1:  # blank lines before the header, or it spans several
        return None
    options = arrow_csv.ConvertOptions(
        column_types={name: pa.large_string() for name in header}, strings_can_be_null=False, check_utf8=False
    )
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(body),
            read_options=arrow_csv.ReadOptions(
                column_names=header, skip_rows=header_line, use_threads=True, block_size=max(1 << 24, len(body) // 64)
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=QUOTE in body),
            convert_options=options,
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    if table.num_rows != len(lines) - 1 or table.column_names != header:
        return None
    columns = []
    for column in table.columns:
        texts = pc.utf8_ltrim(column, " ") if padded else column
        columns.append(null_if_empty(texts))
    return Records(pa.table(columns, names=header), lines[1:].astype(np.int64), {}, {}, blank_after)


def _records(data: np.ndarray, delimiter: int, padded: bool) -> tuple[np.ndarray, int] | None:
    """First line (from 1) of each record, header included, and the number of blank lines; None if in doubt."""
    ends = np.flatnonzero(data == LF)
    returns = np.flatnonzero(data == CR)
    if len(returns) and (returns[-1] + 1 >= len(data) or not (data[returns + 1] == LF).all()):
        return None
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) and (padded or not _well_quoted(data, quotes, delimiter)):
        return None
    if not len(data):
        return None
    if ends.size == 0 or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    outside = np.searchsorted(quotes, ends) % 2 == 0
    line_of_end = np.arange(1, len(ends) + 1)
    breaks = np.flatnonzero(outside)
    starts = np.concatenate([[0], ends[breaks][:-1] + 1])
    first_line = np.concatenate([[1], line_of_end[breaks][:-1] + 1])
    length = ends[breaks] - starts
    lone_return = (length == 1) & (data[np.minimum(starts, len(data) - 1)] == CR)
    blank = (length == 0) | lone_return
    return first_line[~blank], int(blank.sum())


def _well_quoted(data: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether every quote opens a field, closes one, or is doubled inside one."""
    if len(quotes) % 2:
        return False
    openers, closers = quotes[::2], quotes[1::2]
    before = data[np.maximum(openers - 1, 0)]
    doubled = np.concatenate([[False], closers[:-1] == openers[1:] - 1])
    at_start = (openers == 0) | (before == delimiter) | (before == LF)
    if not (at_start | doubled).all():
        return False
    after = data[np.minimum(closers + 1, len(data) - 1)]
    at_end = (closers == len(data) - 1) | (after == delimiter) | (after == LF) | (after == CR) | (after == QUOTE)
    return bool(at_end.all())
