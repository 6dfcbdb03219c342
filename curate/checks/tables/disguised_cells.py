"""Cells that hold a stand-in for a missing value: -999 in a column of ages, "unknown" in one of names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from curate.checks.tables.columns import NUMBER
from curate.stand_ins import NO_NUMBERS
from curate.wording import counted

LEAST_CELLS = 40
LEAST_DISTINCT = 8
SENTINELS = (
    *(sign * float(digit * repeat) for sign in (1, -1) for digit in "987" for repeat in range(2, 10)),
    -1.0, -9.0, 0.0, -32768.0, 32767.0, -2147483648.0, 2147483647.0,
)  # fmt: skip
"""Numbers that people and programs write for "missing"; they must stand apart from the column to count."""
LEAST_TIMES = {number: 3 if number in (0.0, -1.0, -9.0) else 2 for number in SENTINELS}


def disguised_cells(
    column: pa.ChunkedArray, rows: np.ndarray, disguises: Sequence[str], min_gap: float
) -> tuple[np.ndarray, dict[int, str], dict[str, int]]:
    """Cells of a scalar column that hold a stand-in for a missing value.

    Args:
        column: of the whole table.
        rows: (m,) positions that are judged.
        disguises: texts that stand for a missing value, case and outer blanks aside.
        min_gap: distance between quartiles by which a number must stand apart; 0 looks for no numbers.

    Returns:
        (m,) bool; place -> why; value -> how many cells hold it.
    """
    array = column.combine_chunks()
    if pt.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    array = array.take(pa.array(rows)) if len(rows) != len(array) else array
    if pt.is_string(array.type) or pt.is_large_string(array.type) or pt.is_string_view(array.type):
        return _texts(array.cast(pa.large_string()), disguises, min_gap)
    if (pt.is_integer(array.type) or pt.is_floating(array.type)) and min_gap:
        numbers = pc.fill_null(pc.cast(array, pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
        return _numbers(numbers, min_gap)
    return np.zeros(len(array), dtype=bool), {}, {}


def _texts(
    array: pa.Array, disguises: Sequence[str], min_gap: float
) -> tuple[np.ndarray, dict[int, str], dict[str, int]]:
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(array))
    # Where most values are of two characters (countries, states), NA is one of them.
    length = pc.utf8_length(folded).to_numpy(zero_copy_only=False).astype(np.float64)
    length[~pc.fill_null(pc.utf8_is_alpha(folded), False).to_numpy(zero_copy_only=False)] = np.nan
    codes = np.isfinite(length).any() and np.nanmedian(length) == 2
    known = [text for text in disguises if not (codes and len(text.strip()) == 2 and text.strip().isalpha())]
    names = pa.array([text.strip().lower() for text in known], pa.large_string())
    found = pc.is_in(folded, value_set=names).to_numpy(zero_copy_only=False).copy()
    reads = pc.fill_null(pc.match_substring_regex(folded, NUMBER), False).to_numpy(zero_copy_only=False)
    mostly_numbers = bool(len(array)) and reads.mean() >= 0.5
    if mostly_numbers and disguises:
        found |= pc.is_in(folded, value_set=pa.array(NO_NUMBERS, pa.large_string())).to_numpy(zero_copy_only=False)
    held: dict[str, int] = {}
    reasons = {}
    for line in pc.value_counts(array.filter(pa.array(found))).to_pylist():
        held[line["values"]] = line["counts"]
    for place in np.flatnonzero(found).tolist():
        value = array[place].as_py()
        reasons[place] = f"{value!r} stands for a missing value, as in {counted(held[value], 'cell')}"
    if min_gap and mostly_numbers:
        numbers = np.full(len(array), np.nan)
        plain = pc.replace_substring_regex(folded.filter(pa.array(reads)), r"^\+", "")
        numbers[reads] = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
        more, why, counts = _numbers(numbers, min_gap)
        found, reasons, held = found | more, reasons | why, held | counts
    return found, reasons, held


def _numbers(numbers: np.ndarray, min_gap: float) -> tuple[np.ndarray, dict[int, str], dict[str, int]]:
    known = sentinels(numbers, min_gap)
    found = np.isin(numbers, list(known)) if known else np.zeros(len(numbers), dtype=bool)
    reasons = {}
    for place in np.flatnonzero(found).tolist():
        count, gap = known[float(numbers[place])]
        reasons[place] = (
            f"{numbers[place]:g} stands for a missing value, as in {count:,} cells: {gap:.1f} quartile distances"
            f" from all others (threshold {min_gap:g})"
        )
    return found, reasons, {f"{value:g}": count for value, (count, _) in known.items()}


def sentinels(numbers: np.ndarray, min_gap: float) -> dict[float, tuple[int, float]]:
    """Numbers that stand for a missing value: how often they come, and their distance from all others.

    A number such as -999, 9999, -1 or 0 does where it comes at least twice (0, -1 and -9 three times), lies outside the
    range of all other values, and stands apart from them by `min_gap` times the distance of their quartiles.

    Args:
        numbers: (n,) with NaN where missing.
        min_gap: in distances between quartiles.
    """
    values = numbers[np.isfinite(numbers) & (np.abs(numbers) < 1e150)]
    if len(values) < LEAST_CELLS:
        return {}
    distinct, counts = np.unique(values, return_counts=True)
    found: dict[float, tuple[int, float]] = {}
    left = np.ones(len(distinct), dtype=bool)
    while left.sum() > LEAST_DISTINCT:  # what is found is taken out, so that a second one stands at the edge
        edges = np.flatnonzero(left)[[0, -1]]
        able = [k for k in edges.tolist() if counts[k] >= LEAST_TIMES.get(float(distinct[k]), np.inf)]
        hits = [k for k in able if _gap(distinct, counts, left, k) >= min_gap]
        if not hits:
            break
        for k in hits:
            gap = _gap(distinct, counts, left, k)
            left[k] = False
            found[float(distinct[k])] = (int(counts[k]), float(gap))
    return found


def _gap(distinct: np.ndarray, counts: np.ndarray, left: np.ndarray, k: int) -> float:
    """Distance of a value from the others that are left, over that of their quartiles."""
    others = left.copy()
    others[k] = False
    rest = distinct[others]
    total = np.cumsum(counts[others])
    low, high = rest[np.searchsorted(total, [0.25 * total[-1], 0.75 * total[-1]])]
    width = max(high - low, 0.05 * (rest[-1] - rest[0]))
    apart = max(rest[0] - distinct[k], distinct[k] - rest[-1])
    return apart / width if width > 0 else 0.0
