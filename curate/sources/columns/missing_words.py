"""Columns of text that would be numbers but for words such as NA: the words are missing values there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import SAMPLE, is_text
from curate.stand_ins import NOTHING_SAID
from curate.wording import counted, noun, some_of

NUMBER = r"^-?[0-9]*([.,][0-9]*)*([eE][+-]?[0-9]{1,3})?$"
"""Whatever may be a number, with a decimal point or comma; the readers of numbers look closer."""
PERHAPS = r"[A-Za-z?]|[-.]\s*$"
"""What every word has, and numbers hardly."""
LEAST_NUMBERS = 0.5
"""Share of the known cells that must be numbers."""
NAMED = 5


def without_words(table: pa.Table, columns: Collection[str], least: float = LEAST_NUMBERS) -> pa.Table:
    """Nulls for the words in those of `columns` whose other values may be numbers, a share of `least` or more."""
    arrays = table.columns
    for place, name in enumerate(table.column_names):
        column = arrays[place]
        if name in columns and is_text(column.type) and (words := _words(column, least)) is not None:
            arrays[place] = pc.if_else(words, pa.scalar(None, column.type), column)
    return pa.table(arrays, names=table.column_names)


def settled_words(before: pa.Table, after: pa.Table) -> tuple[pa.Table, list[str]]:
    """Columns without words that are no numbers after all as they were before, and a sentence about the others."""
    found: dict[str, pa.ChunkedArray] = {}
    arrays = after.columns
    for place, (name, old) in enumerate(zip(before.column_names, before.columns)):
        new = arrays[place]
        if not is_text(old.type) or old.null_count == new.null_count:
            continue
        if is_text(new.type):
            arrays[place] = old
        else:
            found[name] = old.filter(pc.and_(old.is_valid(), new.is_null()))
    after = pa.table(arrays, names=after.column_names)
    return after, [_told(found)] if found else []


def _told(found: Mapping[str, pa.ChunkedArray]) -> str:
    named = some_of(found, NAMED, repr)
    cells, example = sum(map(len, found.values())), next(iter(found.values()))[0].as_py()
    return (
        f"{named}: read as numbers; {counted(cells, 'cell')} with a word such as {example!r} {noun(cells, 'is', 'are')}"
        " missing there"
    )


def _words(column: pa.ChunkedArray, least: float) -> pa.ChunkedArray | None:
    """(n,) bool, which cells hold such a word; None where none does, or where other cells are no numbers."""
    head = column.slice(0, SAMPLE)
    if not pc.all(pc.or_(_are_words(head), pc.match_substring_regex(head, NUMBER))).as_py():
        return None
    if not pc.any(pc.match_substring_regex(column, PERHAPS)).as_py():  # most columns of numbers
        return None
    words = _are_words(column)
    numbers = pc.and_(pc.match_substring_regex(column, NUMBER), pc.match_substring_regex(column, "[0-9]"))
    if not pc.any(words).as_py() or not pc.all(pc.or_(words, numbers)).as_py():
        return None
    return words if pc.sum(numbers).as_py() >= least * (len(column) - column.null_count) else None


def _are_words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    return pc.is_in(folded, value_set=pa.array(NOTHING_SAID, column.type), skip_nulls=True)
