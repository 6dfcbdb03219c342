"""The boxes of a table as flat arrays: corners in pixels, the row of each, and its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.table import Table

MOST_PX = 1e9
"""Numbers beyond are no places in an image."""
CROWD, MOST_STEPS = 100, 2_000
"""A box is compared with the next 100 that could reach it; then, up to 2,000, only if it has no twin itself, so that a
row with a hundred thousand boxes on one spot costs no day."""


@dataclass(frozen=True)
class Boxes:
    """All boxes of n rows, in their order.

    Attributes:
        row: (b,) position of the image.
        place: (b,) place within the row, from 0.
        count: (n,) boxes of each row; -1 where it has no annotation.
        given: (b, 4) float64 numbers as they stand; NaN where they are no four finite numbers.
        malformed: (b,) bool, no four finite numbers.
        label: (b,) index into `names`, -1 where it is missing.
        names: the classes that occur.
    """

    row: np.ndarray
    place: np.ndarray
    count: np.ndarray
    given: np.ndarray
    malformed: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]

    def name(self, box: int) -> str:
        """The class of a box in parentheses after a blank, nothing where it is missing."""
        return f" ({self.names[self.label[box]]})" if self.label[box] >= 0 else ""


def boxes_of(table: Table) -> Boxes:
    """The column of boxes of a table whose task has the role."""
    column = table.column(table.task.boxes or "").combine_chunks()
    counts = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    each = np.maximum(counts, 0)
    flat = column.flatten()
    numbers = pc.struct_field(flat, "box")
    lengths = pc.fill_null(pc.list_value_length(numbers), -1).to_numpy(zero_copy_only=False)
    four = lengths == 4
    given = np.full((len(flat), 4), np.nan)
    values = numbers.filter(pa.array(four)).flatten()
    given[four] = pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False).reshape(-1, 4)
    malformed = np.asarray(~(np.abs(given) <= MOST_PX).all(1))
    given[malformed] = np.nan
    encoded = pc.struct_field(flat, "label").dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return Boxes(
        row=np.repeat(np.arange(len(counts)), each),
        place=np.arange(len(flat)) - np.repeat(np.cumsum(each) - each, each),
        count=counts,
        given=given,
        malformed=malformed,
        label=pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64),
        names=tuple(encoded.dictionary.to_pylist()),
    )


def corners(given: np.ndarray, form: str, width: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(b, 4) numbers in the task's `box_format` -> (b, 4) left, top, right, bottom in pixels.

    Args:
        given: (b, 4).
        form: ``xyxy``, ``xywh``, ``cxcywh``, each with ``_relative`` for shares of the sides.
        width: (b,) of the image of each box, in pixels.
        height: (b,) likewise.
    """
    style = form.removesuffix("_relative")
    a, b, c, d = given.T
    if style == "xywh":
        a, b, c, d = a, b, a + c, b + d
    elif style == "cxcywh":
        a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    out = np.stack([a, b, c, d], axis=1)
    return out * np.stack([width, height, width, height], axis=1) if form.endswith("_relative") else out


def twins(box: np.ndarray, row: np.ndarray, min_iou: float) -> tuple[np.ndarray, np.ndarray]:
    """For each of (b, 4) corners the place of an earlier box of its row with at least that overlap, and the overlap.

    Overlap is intersection over union; -1 and 0 where there is none. Boxes are sorted by their left edge, and compared
    at growing distance in that order while any could still overlap enough: a box that reaches `min_iou` can't begin
    farther right than (1 - min_iou) of the width of the one before.
    """
    count = len(box)
    twin, overlap = np.full(count, -1, dtype=np.int64), np.zeros(count)
    area = np.maximum(box[:, 2] - box[:, 0], 0) * np.maximum(box[:, 3] - box[:, 1], 0)
    order = np.lexsort((box[:, 0], row))
    order = order[np.isfinite(area[order]) & (area[order] > 0)]
    open_left = np.arange(len(order))
    step = 1
    while len(open_left) and step <= MOST_STEPS:
        open_left = open_left[open_left + step < len(order)]
        left, right = order[open_left], order[open_left + step]
        near = (row[left] == row[right]) & (
            box[right, 0] - box[left, 0] <= (1 - min_iou) * (box[left, 2] - box[left, 0]) + 1e-9
        )
        open_left, left, right = open_left[near], left[near], right[near]
        inner = np.minimum(box[left, 2:], box[right, 2:]) - np.maximum(box[left, :2], box[right, :2])
        shared = np.maximum(inner, 0).prod(1)
        iou = shared / (area[left] + area[right] - shared)
        found = (iou >= min_iou) & (twin[right] < 0)
        twin[right[found]], overlap[right[found]] = left[found], iou[found]
        if step > CROWD:
            open_left = open_left[twin[left] < 0]
        step += 1
    return twin, overlap
