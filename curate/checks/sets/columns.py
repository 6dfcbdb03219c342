"""What is known of every row beside its content: measures, columns of a table, and columns that play no role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

MEASURES: dict[str, tuple[str, ...]] = {
    "image": (
        "image.brightness",
        "image.contrast",
        "image.sharpness",
        "image.entropy_bits",
        "image.width",
        "image.height",
        "image.channels",
        "image.format",
    ),
    "audio": (
        "audio.seconds",
        "audio.rate_hz",
        "audio.channels",
        "audio.rms_db",
        "audio.peak",
        "audio.silent_fraction",
        "audio.centroid_hz",
        "audio.rolloff_hz",
        "audio.format",
    ),
    "video": (
        "video.seconds",
        "video.fps",
        "video.width",
        "video.height",
        "video.brightness",
        "video.contrast",
        "video.motion",
        "video.has_audio",
        "video.format",
    ),
    "text": (
        "text.characters",
        "text.words",
        "text.alphabetic_fraction",
        "text.digit_fraction",
        "text.uppercase_fraction",
        "text.symbol_fraction",
    ),
    "series": ("series.length", "series.missing_fraction", "series.mean", "series.deviation"),
    "features": ("features.missing_fraction",),
}
"""Modality -> cheap measures that say how a row was made rather than what it shows."""
MOST_COLUMNS = 200
MOST_CATEGORIES = 50
"""Categories of a column; the rarer ones count as one."""
LEAST_PER_CATEGORY = 5.0
"""Mean rows per category: a column with fewer is a name or an id."""


@dataclass(frozen=True)
class Column:
    """One value per row.

    Attributes:
        name: of the measure or the column.
        values: (n,) float64, NaN where missing; for categories their codes.
        categories: names of the categories by code; empty for a number.
        origin: measure, feature or metadata.
    """

    name: str
    values: np.ndarray
    categories: tuple[str, ...]
    origin: str

    def told(self, value: float) -> str:
        """A value for people."""
        return repr(self.categories[int(value)]) if self.categories else f"{value:.4g}"


def measures_of(task: Task) -> tuple[str, ...]:
    """The measures of a task's inputs that set-level checks ask for."""
    return tuple(name for role in task.modalities for name in MEASURES.get(role, ()))


def set_columns(evidence: Evidence, features: bool = True) -> list[Column]:
    """Measures, feature columns and columns without a role, as numbers or categories; constant ones are left out.

    Args:
        evidence: of the table.
        features: whether the columns of `task.features` are given, too.
    """
    table, task = evidence.table, evidence.table.task
    found = [_of_measure(evidence, name) for name in measures_of(task)]
    if features and not isinstance(task.features, str):
        found += [_of_column(table.column(name), name, "feature") for name in task.feature_columns[:MOST_COLUMNS]]
    for name in _without_role(evidence)[:MOST_COLUMNS]:
        found.append(_of_column(table.column(name), name, "metadata"))
    return [column for column in found if column is not None and _varies(column, evidence.active)]


def _without_role(evidence: Evidence) -> list[str]:
    task = evidence.table.task
    taken = set(task.feature_columns)
    for role in type(task).model_fields:
        value = getattr(task, role)
        if isinstance(value, str):
            taken.add(value)
    return [name for name in evidence.table.column_names if name not in taken]


def _of_measure(evidence: Evidence, name: str) -> Column | None:
    values = evidence.measure(name)
    if values.dtype.kind in "fiub":
        numbers = values.astype(np.float64)
        if values.dtype.kind == "i":
            numbers[numbers < 0] = np.nan  # -1 stands for rows that could not be measured
        if name == "series.mean":  # of a series that was brought to mean 0, all that is left is rounding
            numbers[np.abs(numbers) < 1e-6 * evidence.measure("series.deviation")] = 0.0
        return Column(name, np.where(np.isfinite(numbers), numbers, np.nan), (), "measure")
    return _categories(pa.array(values.tolist(), pa.string()), name, "measure")


def _of_column(column: pa.ChunkedArray, name: str, origin: str) -> Column | None:
    kind = column.type
    if pt.is_boolean(kind):
        return _categories(column.cast(pa.string()).combine_chunks(), name, origin)
    if pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind):
        numbers = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
        return Column(name, np.where(np.isfinite(numbers), numbers, np.nan), (), origin)
    if pt.is_timestamp(kind) or pt.is_date(kind):
        days = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).cast(pa.float64(), safe=False)
        return Column(name, pc.fill_null(days, np.nan).to_numpy(), (), origin)
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_dictionary(kind):
        return _categories(column.combine_chunks(), name, origin)
    return None


def _categories(values: pa.Array, name: str, origin: str) -> Column | None:
    encoded = values if pt.is_dictionary(values.type) else values.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    names = encoded.dictionary.cast(pa.string()).to_pylist()
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    used = int((counts > 0).sum())
    if not used or (codes >= 0).sum() < LEAST_PER_CATEGORY * min(used, MOST_CATEGORIES + 1):
        return None
    if used > MOST_CATEGORIES and (codes >= 0).sum() < LEAST_PER_CATEGORY * used:
        return None  # nearly every row has its own: a name, not a category
    order = sorted(np.flatnonzero(counts), key=lambda c: (-counts[c], names[c] or ""))
    place = np.full(len(names) + 1, np.nan)
    place[order] = np.minimum(np.arange(len(order)), MOST_CATEGORIES)
    kept = [str(names[c]) for c in order[:MOST_CATEGORIES]]
    return Column(name, place[codes], (*kept, "other") if len(order) > MOST_CATEGORIES else tuple(kept), origin)


def _varies(column: Column, active: np.ndarray) -> bool:
    known = column.values[active & np.isfinite(column.values)]
    return len(known) > 1 and bool(known.min() < known.max())


def note(evidence: Evidence, sentence: str) -> None:
    """Say something of the set as a whole in the report, once."""
    if sentence not in evidence.notes:
        evidence.notes.append(sentence)
