"""Measures of segmentation masks: size, which values occur, and how much of the picture they cover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curate.evidence.measure import Measure
from curate.media.item import Mask

BITS = 256
"""Values below this are told one by one."""


class MaskStatistics(Measure):
    """Size and values of a mask.

    width and height are those of the file. present: bit v of the four 64-bit numbers is set where the value v (0 to
    255) occurs; lowest, highest, distinct: of all values. background_fraction and ignored_fraction: shares of the
    pixels with these values. in_colour: whether the values are colours (65536 R + 256 G + B).

    Args:
        background: value that is no object; None where every value is a class.
        ignore: value of pixels that don't count; None for none.
    """

    name = "mask.statistics"
    modality = "mask"
    fields = {
        "mask.width": ("int32", ()),
        "mask.height": ("int32", ()),
        "mask.format": ("str", ()),
        "mask.in_colour": ("bool", ()),
        "mask.present": ("uint64", (BITS // 64,)),
        "mask.lowest": ("int64", ()),
        "mask.highest": ("int64", ()),
        "mask.distinct": ("int32", ()),
        "mask.background_fraction": ("float32", ()),
        "mask.ignored_fraction": ("float32", ()),
    }

    def __init__(self, background: int | None = 0, ignore: int | None = 255) -> None:
        self.background, self.ignore = background, ignore
        self.parameters: dict[str, Any] = {"background": background, "ignore": ignore}

    def measure(self, items: Sequence[Mask]) -> dict[str, np.ndarray]:
        """Values of n masks."""
        rows = [self._row(item) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}

    def _row(self, item: Mask) -> dict[str, object]:
        values, counts = occurring(item.values)
        small = values[(values >= 0) & (values < BITS)].astype(np.int64)
        bits = np.zeros(BITS, dtype=np.uint8)
        bits[small] = 1
        shares = dict(zip(values.tolist(), (counts / counts.sum()).tolist(), strict=True))
        return {
            "width": item.values.shape[1],
            "height": item.values.shape[0],
            "format": item.format,
            "in_colour": item.in_colour,
            "present": np.packbits(bits, bitorder="little").view(np.uint64),
            "lowest": int(values.min()),
            "highest": int(values.max()),
            "distinct": len(values),
            "background_fraction": 0.0 if self.background is None else shares.get(self.background, 0.0),
            "ignored_fraction": 0.0 if self.ignore is None else shares.get(self.ignore, 0.0),
        }


def occurring(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of (h, w) integers, ascending, and how often they occur."""
    if values.dtype == np.uint8:
        counts = np.bincount(values.ravel(), minlength=BITS)
        found = np.flatnonzero(counts)
        return found, counts[found]
    return np.unique(values, return_counts=True)
