"""What tells a plan from others, so that a state is not continued with the wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from curate.arrow import values_of

WHOLE = 1 << 20
_PARTS, _LINES = 64, 2048


def plan_key(plan: Any) -> str:
    """Hash of a plan's row ids and copies, however the lines are chunked.

    Of more than a million lines, 64 stretches of 2048 lines are looked at, evenly spaced: enough to notice other lines
    and another order (a line more or less changes the number of lines as well), without reading gigabytes of ids.
    """
    hasher = xxhash.xxh3_128()
    if plan is None or "row_id" not in plan.column_names:
        return hasher.hexdigest()
    columns = plan.select([name for name in ("row_id", "copy") if name in plan.column_names])
    for stretch in _stretches(columns, WHOLE):
        _add(hasher, stretch)
    return hasher.hexdigest()


def targets_key(plan: pa.Table) -> str:
    """Hash of what a plan says of its lines: label, soft label and weight; of more than 131,072, of 64 stretches."""
    hasher = xxhash.xxh3_128()
    columns = plan.select([name for name in ("label", "soft_label", "weight") if name in plan.column_names])
    for stretch in _stretches(columns, _PARTS * _LINES):
        for name in stretch.column_names:
            column = stretch[name]
            column = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
            one = pa.table({name: pa.concat_arrays([pa.nulls(0, column.type), *column.chunks])})
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, one.schema) as writer:
                writer.write_table(one)
            hasher.update(memoryview(sink.getvalue()))
    return hasher.hexdigest()


def _stretches(columns: pa.Table, whole: int) -> list[pa.Table]:
    """The lines, or 64 stretches of them, evenly spaced, where there are more than `whole`."""
    if len(columns) <= whole:
        return [columns]
    starts = np.linspace(0, len(columns) - _LINES, _PARTS, dtype=np.int64).tolist()
    return [columns.slice(start, _LINES) for start in starts]


def _add(hasher: Any, lines: Any) -> None:
    ids = pa.concat_arrays([pa.nulls(0, pa.large_string()), *lines["row_id"].cast(pa.large_string()).chunks])
    _, bounds, text = ids.buffers()
    ends = np.frombuffer(bounds, np.int64)[ids.offset : ids.offset + len(ids) + 1] if len(ids) else np.zeros(1, int)
    hasher.update(np.diff(ends).tobytes())
    hasher.update(memoryview(text)[ends[0] : ends[-1]] if text is not None else b"")
    if "copy" in lines.column_names:
        hasher.update(np.ascontiguousarray(values_of(lines["copy"])))
