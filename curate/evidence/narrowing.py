"""Calling a measure so that one bad item costs one row: what fails on a batch is halved until the item is found."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any

import numpy as np

from curate.errors import CurateError
from curate.evidence.measure import TEXT, Measure, blank

Values = dict[str, np.ndarray]


def measure_all(measure: Measure, items: Any, lock: threading.Semaphore | None = None) -> tuple[Values, dict[int, str]]:
    """Values of n items, and place -> why the measure failed on that one (its values are blank).

    Args:
        measure: what to call.
        items: a list, an Arrow array or an Arrow table.
        lock: held during the call, for measures that are not `parallel`.

    Raises:
        CurateError: as raised by the measure: it speaks of the run and not of an item.
        ValueError: the measure gave other fields or shapes than it declares.
    """
    rows = len(items)
    try:
        with lock or nullcontext():
            raw = measure.measure(items)
    except CurateError:
        raise
    except Exception as error:  # a measure may be anybody's code and any item may upset it; nothing is lost, see below
        if rows <= 1:
            return blanks(measure, rows), {0: f"{measure.name} failed: {type(error).__name__}: {error}"}
        half = rows // 2
        left, failed = measure_all(measure, _cut(items, 0, half), lock)
        right, also = measure_all(measure, _cut(items, half, rows), lock)
        failed |= {place + half: reason for place, reason in also.items()}
        return {name: np.concatenate([left[name], right[name]]) for name in measure.fields}, failed
    return _checked(measure, raw, rows), {}


def blanks(measure: Measure, rows: int) -> Values:
    """The values of rows without a measure."""
    return {name: blank(dtype, shape, rows) for name, (dtype, shape) in measure.fields.items()}


def _cut(items: Any, start: int, stop: int) -> Any:
    return items[start:stop] if isinstance(items, list) else items.slice(start, stop - start)


def _checked(measure: Measure, raw: Values, rows: int) -> Values:
    if set(raw) != set(measure.fields):
        raise ValueError(f"the measure {measure.name} declares {sorted(measure.fields)}, and gave {sorted(raw)}")
    values = {}
    for name, (dtype, shape) in measure.fields.items():
        array = np.asarray(raw[name])
        if array.shape != (rows, *shape):
            raise ValueError(f"{name} of {measure.name}: shape {array.shape}, declared {(rows, *shape)}")
        values[name] = array.astype(TEXT if dtype == "str" else dtype, copy=False)
    return values
