"""8-bit pixels into the planes of a float32 batch, scaled by a table of what becomes of each value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def write_planes(items: Sequence[np.ndarray], batch: np.ndarray, scale: np.ndarray, shift: np.ndarray | None) -> bool:
    """Write ``item * scale + shift`` of every item to its place; the numbers are those of that formula in float32.

    Args:
        items: (..., h, w, 3) uint8 of one shape.
        batch: (B, ..., 3, h, w) float32, written to.
        scale: (3, 1, 1) float32.
        shift: (3, 1, 1) float32, None for nothing.

    Returns:
        Whether it was done: not without OpenCV, and not for pixels of other types.
    """
    if any(item.dtype != np.uint8 for item in items):
        return False
    try:
        import cv2
    except ImportError:
        return False
    tables = np.arange(256, dtype=np.float32) * scale[:, :, 0]
    if shift is not None:
        tables += shift[:, :, 0]
    planes = [np.empty(items[0].shape[-3:-1], np.uint8) for _ in range(3)]
    for place, item in zip(batch, items):
        frames = item.reshape(-1, *item.shape[-3:])
        for target, frame in zip(place.reshape(-1, *place.shape[-3:]), frames):
            # Into planes that stay in the cache, so that the table is looked up in one run of memory after another.
            cv2.split(frame, planes)
            for plane, table, channel in zip(planes, tables, target):
                cv2.LUT(plane, table, channel)
    return True
