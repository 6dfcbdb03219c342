"""Decisions about many rows at once, made column by column, and new rows with the columns of the table."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.balance.resampling import matrix
from curate.balance.resampling.drafted import Drafted
from curate.ledger import MACHINE, SCHEMA, Decisions
from curate.made import Made
from curate.table import Table

BLOCK_ROWS = 16_384
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


def made_rows(
    step: str,
    salt: int,
    table: Table,
    rows: np.ndarray,
    inputs: Sequence[matrix.Column],
    drafted: Drafted,
    labels: pa.Array | pa.ChunkedArray,
    reason: pa.Array | pa.ChunkedArray,
) -> Made:
    """New rows of the table and their entries.

    The group of a new row is that of its main parent, so that folds do not tear them apart.

    Args:
        step: name for the ledger and the ids.
        salt: number that keeps the ids of several steps apart.
        table: the table.
        rows: (n,) positions of the rows of the matrix.
        inputs: what stands in the matrix.
        drafted: the new rows.
        labels: (m,) labels of the new rows, of the type of the label column.
        reason: (m,) sentences.
    """
    m, task = len(drafted), table.task
    columns: dict[str, pa.Array | pa.ChunkedArray] = dict(matrix.write(inputs, drafted.values))
    if task.label is not None:
        columns[task.label] = labels
    has_parent = drafted.first >= 0
    if task.group is not None and task.group not in columns:
        parent = pa.array(np.where(has_parent, rows[drafted.first], 0), mask=~has_parent)
        columns[task.group] = table.column(task.group).take(parent)
    ids = _joined(f"{step}-{salt:08x}:", pa.array(np.arange(m)).cast(pa.string()))
    known = pa.array(table.row_ids[rows], pa.string())
    before = known.take(pa.array(drafted.first, mask=~has_parent))
    note = ""
    if whole := matrix.rounded(inputs):
        note = f" (rounded to whole units: {', '.join(whole[:5])}{' ...' if len(whole) > 5 else ''})"
    reason = _joined(reason, note) if note else reason
    entries = decided(step, "synthesize", ids, reason, before, _recipes(known, drafted))
    return Made(entries, pa.table(columns))


def _recipes(known: pa.Array, drafted: Drafted) -> pa.ChunkedArray:
    """(m,) JSON texts ``{"from": [ids], "share": 0.3}``; block by block, as their parts take as much as rows do."""
    used = np.zeros(len(known) + 1, dtype=bool)  # -1, no parent, falls on the last place
    used[drafted.first] = used[drafted.second] = True
    used[-1] = False
    texts, encode = known.filter(pa.array(used[:-1])).to_pylist(), json.JSONEncoder(ensure_ascii=False).encode
    quoted = pa.array([encode(text) for text in texts], pa.string())
    place = np.cumsum(used) - 1
    blocks = (drafted.span(start, start + BLOCK_ROWS) for start in range(0, len(drafted), BLOCK_ROWS))
    return pa.chunked_array([_recipe(quoted, place, block) for block in blocks], pa.string())


def _recipe(quoted: pa.Array, place: np.ndarray, drafted: Drafted) -> pa.Array:
    first, second = (quoted.take(pa.array(place[which], mask=which < 0)) for which in (drafted.first, drafted.second))
    ids = pc.fill_null(pc.coalesce(_joined(first, ", ", second), first), "")
    share = pc.round(pa.array(drafted.share, from_pandas=True), ndigits=4).cast(pa.string())
    tail = pc.fill_null(_joined(', "share": ', share), "")
    return _joined('{"from": [', ids, "]", tail, "}")


def _joined(*parts: str | pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts side by side; null where one of them is."""
    return pc.binary_join_element_wise(*parts, "", null_handling="emit_null")


def class_labels(table: Table, names: Sequence[str], codes: np.ndarray) -> pa.Array:
    """(m,) labels of the type of the label column."""
    task = table.task
    kind = table.column(task.label).type if task.label is not None else pa.string()
    chosen = pa.array(list(names), pa.string()).take(pa.array(codes))
    if pa.types.is_dictionary(kind):
        return chosen.cast(kind.value_type).dictionary_encode().cast(kind)
    return chosen.cast(kind)
