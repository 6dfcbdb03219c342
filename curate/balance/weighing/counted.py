"""What is counted of each class: draws, rows that a label is on, objects, tags, or pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.balance._rows import draws_per_class, repeats
from curate.errors import ConfigError
from curate.evidence.measures.mask_pixels import MaskPixels
from curate.table import Labels

Unit = Literal["rows", "objects", "tags", "pixels"]
UNITS: dict[str, Unit] = {
    "classification": "rows",
    "multilabel": "rows",
    "detection": "objects",
    "token_classification": "tags",
    "segmentation": "pixels",
}
"""Kind of task -> what is counted where nothing else is said."""
PART = 1 << 16
"""Rows that are counted at once."""
BACKGROUND = ("background", "bg", "void")


@dataclass(frozen=True)
class Counted:
    """Counts of K classes over the draws of active training rows.

    Attributes:
        unit: what was counted.
        counts: (K,) int64.
        total: of all that was counted, whatever its class.
        beside: (K,) int64, all that was counted in the rows that have the class at all.
    """

    unit: str
    counts: np.ndarray
    total: int
    beside: np.ndarray


def counted(labels: Labels, evidence: Any, unit: Unit, background: int | None = 0, ignore: int | None = 255) -> Counted:
    """Count the classes of a task; extra draws that earlier steps decided count too.

    Args:
        labels: as they stand.
        evidence: of the table.
        unit: what to count: objects from the task's boxes, pixels from its masks, tags from its label column.
        background: value of pixels without an object, None where every value is a class.
        ignore: value of pixels that don't count.
    """
    if evidence.table.task.kind == "classification":
        counts = draws_per_class(labels, evidence)
        return Counted(unit, counts, int(counts.sum()), counts)
    per_row, whole = per_row_counts(labels, evidence, unit, background, ignore)
    rows = np.flatnonzero(evidence.active & evidence.table.training & (whole >= 0))
    times = 1 + repeats(evidence)[rows]
    counts, beside = np.zeros((2, per_row.shape[1]), dtype=np.int64)
    for part in (slice(start, start + PART) for start in range(0, len(rows), PART)):
        own, drawn = per_row[rows[part]], times[part, None]
        counts += (own * drawn).sum(0)
        beside += ((own > 0) * whole[rows[part], None] * drawn).sum(0)
    return Counted(unit, counts, int((whole[rows] * times).sum()), beside)


def per_row_counts(
    labels: Labels, evidence: Any, unit: Unit, background: int | None = 0, ignore: int | None = 255
) -> tuple[np.ndarray, np.ndarray]:
    """(n, K) how much of each class a row holds (numbers or bool), (n,) of all that counts; -1 if unlabelled."""
    table, kind = evidence.table, evidence.table.task.kind
    names = list(table.task.label_names)
    if kind == "classification":
        raise ValueError("a row of a classification task holds one class: count its draws")
    if kind == "multilabel" and labels.sets is not None:
        return labels.sets, np.where(labels.known, 1, -1)
    if kind == "detection":
        counts, whole = _listed(pc.struct_field(_flat(table.column(table.task.boxes)), "label"), table, names)
    elif kind == "token_classification":
        counts, whole = _listed(_flat(table.column(table.task.label)), table, names)
    else:
        counts, whole = _pixels(evidence, names, background, ignore)
    if unit == "rows":
        return counts > 0, np.where(whole >= 0, 1, -1)
    return counts, whole


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return pc.list_flatten(column.combine_chunks())


def _listed(values: pa.Array, table: Any, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the names in lists; what has no name among them counts in the whole alone."""
    column = table.column(table.task.boxes if table.task.kind == "detection" else table.task.label).combine_chunks()
    parent = pc.list_parent_indices(column).to_numpy()
    codes = pc.fill_null(pc.index_in(values.cast(pa.string()), value_set=pa.array(names, pa.string())), -1).to_numpy()
    n, k = len(table), len(names)
    known = codes >= 0
    counts = np.bincount(parent[known] * k + codes[known], minlength=n * k).reshape(n, k)
    annotated = column.is_valid().to_numpy(zero_copy_only=False)
    return counts, np.where(annotated, np.bincount(parent, minlength=n), -1)


def _pixels(
    evidence: Any, names: list[str], background: int | None, ignore: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each class; the first class is the value after the background, unless a class is the background."""
    masks = evidence.masks(MaskPixels())
    counts, whole = np.maximum(masks.values["pixels_of"], 0), masks.values["pixels"]
    first = int(background == 0 and not any(name.lower() in BACKGROUND for name in names))
    if first + len(names) > counts.shape[1]:
        raise ConfigError(f"pixels are counted of the values 0 to 255, and there are {len(names)} classes")
    if ignore is not None and ignore < counts.shape[1] and ignore >= first + len(names):
        whole = np.where(whole >= 0, whole - counts[:, ignore], -1)
    return counts[:, first : first + len(names)], whole
