"""What tells a plan from others, so that a state is not continued with the wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

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
    if len(plan) <= WHOLE:
        _add(hasher, columns)
        return hasher.hexdigest()
    for start in np.linspace(0, len(plan) - _LINES, _PARTS, dtype=np.int64).tolist():
        _add(hasher, columns.slice(start, _LINES))
    return hasher.hexdigest()


def _add(hasher: Any, lines: Any) -> None:
    ids = pa.concat_arrays([pa.array([], pa.large_string()), *lines["row_id"].cast(pa.large_string()).chunks])
    _, bounds, text = ids.buffers()
    ends = np.frombuffer(bounds, np.int64)[ids.offset : ids.offset + len(ids) + 1] if len(ids) else np.zeros(1, int)
    hasher.update(np.diff(ends).tobytes())
    hasher.update(memoryview(text)[ends[0] : ends[-1]] if text is not None else b"")
    if "copy" in lines.column_names:
        hasher.update(np.ascontiguousarray(lines["copy"].to_numpy()))
