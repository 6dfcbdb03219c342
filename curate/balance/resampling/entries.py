"""Decisions about many rows at once, made column by column, and new rows with the columns of the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.balance.resampling import matrix, writing
from curate.balance.resampling.drafted import Drafted
from curate.balance.resampling.spooled import spooled
from curate.ledger import MACHINE, SCHEMA, Decisions
from curate.made import Made
from curate.table import Table
from curate.wording import some_of

BLOCK_ROWS = 16_384
TOLD = ("its id", "its parent", "how", "why")
"""What the ledger says of a new row, beside its columns."""
Texts = str | pa.Array | pa.ChunkedArray | Sequence[str]


def decided(
    step: str, action: str, row_ids: np.ndarray | pa.Array, reason: Texts, before: Texts | None = None,
    after: Texts | None = None,
) -> Decisions:  # fmt: skip
    """Entries of one action; a single text is that of every row. No text per row is made in Python."""
    m = len(row_ids)

    def column(value: Texts | None) -> pa.Array | pa.ChunkedArray:
        if value is None:
            return pa.nulls(m, pa.string())
        if isinstance(value, str):
            block = pa.repeat(pa.scalar(value), min(m, BLOCK_ROWS))  # one block, again and again: it takes no memory
            rest = block.slice(0, m % BLOCK_ROWS) if m > BLOCK_ROWS else block
            return pa.chunked_array([*[block] * (m // BLOCK_ROWS if m > BLOCK_ROWS else 0), rest], pa.string())
        return value if isinstance(value, pa.Array | pa.ChunkedArray) else pa.array(value, pa.string())

    columns = {
        "row_id": row_ids if isinstance(row_ids, pa.Array) else pa.array(row_ids, pa.string()),
        "step": column(step),
        "action": column(action),
        "score": pa.nulls(m, pa.float32()),
        "before": column(before),
        "after": column(after),
        "reason": column(reason),
        "author": column(MACHINE),
    }
    return Decisions(pa.table(columns, schema=SCHEMA))


def by_class(reasons: Sequence[str], codes: np.ndarray) -> pa.Array:
    """(m,) the reason of each row's class."""
    return pa.array(list(reasons), pa.string()).take(pa.array(codes))


def dropped_and_repeated(
    step: str, table: Table, rows: np.ndarray, times: np.ndarray, reasons: Sequence[str], codes: np.ndarray
) -> Decisions:
    """Drops of rows that are kept 0 times, and repeats of those kept more than once.

    Args:
        step: name for the ledger.
        table: the table.
        rows: (m,) positions.
        times: (m,) int how often each is kept.
        reasons: K sentences, one for each class.
        codes: (m,) classes.
    """
    gone, again = np.flatnonzero(times == 0), np.flatnonzero(times > 1)
    extra = pa.array(times[again] - 1).cast(pa.string())
    return Decisions.join(
        [
            decided(step, "drop", table.row_ids[rows[gone]], by_class(reasons, codes[gone])),
            decided(step, "repeat", table.row_ids[rows[again]], by_class(reasons, codes[again]), after=extra),
        ]
    )


@dataclass(frozen=True)
class Said:
    """A value for each of m rows, as its place among those that there are: `values` and (m,) int."""

    values: pa.Array
    places: np.ndarray

    def at(self, here: slice) -> pa.Array:
        """Those of consecutive rows."""
        return self.values.take(pa.array(self.places[here]))


def made_rows(
    step: str,
    salt: int,
    table: Table,
    rows: np.ndarray,
    inputs: Sequence[matrix.Column],
    drafted: Drafted,
    labels: Said,
    reason: Said,
) -> Made:
    """New rows of the table and their entries, made block by block; many of them stand in a file that is mapped.

    The group of a new row is that of its main parent, so that folds do not tear them apart.

    Args:
        step: name for the ledger and the ids.
        salt: number that keeps the ids of several steps apart.
        table: the table.
        rows: (n,) positions of the rows of the matrix.
        inputs: what stands in the matrix.
        drafted: the new rows.
        labels: of the new rows, of the type of the label column.
        reason: sentences.

    Raises:
        StorageError: there is no room for the file.
    """
    task = table.task
    group = None if task.group is None or task.group in {c.name for c in inputs} else table.column(task.group)
    known = pa.array(table.row_ids[rows], pa.string())
    known = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known  # Arrow cuts many texts up
    note, quoted = _rounding(inputs), _quoted(known)

    def batch(start: int, values: np.ndarray) -> pa.RecordBatch:
        here = slice(start, start + len(values))
        part = drafted.span(here.start, here.stop)
        columns: dict[str, pa.Array] = dict(writing.write(inputs, values))
        if task.label is not None:
            columns[task.label] = labels.at(here)
        no_parent = part.first < 0
        if group is not None:
            taken = group.take(pa.array(np.where(no_parent, 0, rows[part.first]), mask=no_parent))
            columns[str(task.group)] = taken.combine_chunks()
        ids = _joined(f"{step}-{salt:08x}:", pa.array(np.arange(here.start, here.stop)).cast(pa.string()))
        before = known.take(pa.array(part.first, mask=no_parent))
        why = reason.at(here)
        told = [ids, before, _recipe(quoted, part), _joined(why, note) if note else why]
        return pa.RecordBatch.from_arrays([*columns.values(), *told], names=[*columns, *TOLD])

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for values in drafted.blocks():
            if len(values):
                yield batch(start, values)
                start += len(values)

    source = batches()
    first = next(source)
    made = spooled(chain([first], source), first.schema)
    del first
    ids, before, after, why = (made.column(place) for place in range(-len(TOLD), 0))
    width = made.num_columns - len(TOLD)
    return Made(decided(step, "synthesize", ids, why, before, after), made.select(list(range(width))))


def _rounding(inputs: Sequence[matrix.Column]) -> str:
    """What is added to the reason where columns hold whole units."""
    whole = writing.rounded(inputs)
    return f" (rounded to whole units: {some_of(whole)})" if whole else ""


def _quoted(texts: pa.Array) -> Callable[[np.ndarray], pa.Array]:
    """Gives some of the texts as JSON does; where none holds a sign that must be escaped, without asking Python."""
    if not pc.any(pc.match_substring_regex(texts, r'["\\[:cntrl:]]')).as_py():
        return lambda which: _joined('"', texts.take(pa.array(which, mask=which < 0)), '"')
    encode = json.JSONEncoder(ensure_ascii=False).encode

    def some(which: np.ndarray) -> pa.Array:
        return pa.array([None if text is None else encode(text) for text in _taken(texts, which)], pa.string())

    return some


def _taken(texts: pa.Array, which: np.ndarray) -> list[str | None]:
    return texts.take(pa.array(which, mask=which < 0)).to_pylist()


def _recipe(quoted: Callable[[np.ndarray], pa.Array], drafted: Drafted) -> pa.Array:
    """(m,) JSON texts ``{"from": [ids], "share": 0.3}``."""
    first, second = quoted(drafted.first), quoted(drafted.second)
    ids = pc.fill_null(pc.coalesce(_joined(first, ", ", second), first), "")
    share = pc.round(pa.array(drafted.share, from_pandas=True), ndigits=4).cast(pa.string())
    tail = pc.fill_null(_joined(', "share": ', share), "")
    return _joined('{"from": [', ids, "]", tail, "}")


def _joined(*parts: str | pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts side by side; null where one of them is."""
    return pc.binary_join_element_wise(*parts, "", null_handling="emit_null")


def class_labels(table: Table, names: Sequence[str], codes: np.ndarray) -> Said:
    """(m,) labels of the type of the label column."""
    task = table.task
    kind = table.column(task.label).type if task.label is not None else pa.string()
    known = pa.array(list(names), pa.string())
    if pa.types.is_dictionary(kind):
        return Said(known.cast(kind.value_type).dictionary_encode().cast(kind), codes)
    return Said(known.cast(kind), codes)
