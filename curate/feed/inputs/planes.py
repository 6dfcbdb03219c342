"""Pixels into the planes of a batch, scaled on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.feed.inputs.options import InputOptions


class Planes:
    """Writes pixels (..., h, w, 3) to their places (..., 3, h, w), row by row.

    Places of float32 get ``pixels * (1 / 255 / std) - mean / std`` in float32, places of uint8 the pixels; those that
    were mixed are no whole numbers, and are rounded for uint8. Not for two threads at once.
    """

    def __init__(self, options: InputOptions) -> None:
        mean = np.asarray(options.mean or 0.0, np.float32)
        std = np.asarray(options.std or 1.0, np.float32)
        self._scale = np.broadcast_to(np.float32(1 / 255) / std, 3)[:, None, None].copy()
        shift = np.broadcast_to(-mean / std, 3)[:, None, None].copy()
        self._shift = shift if options.mean is not None else None
        self._apart = np.empty((3, 0, 0), np.uint8)
        self._split = _splitter()

    def write(self, item: np.ndarray, place: np.ndarray) -> None:
        """Write one row's pixels."""
        floats = place.dtype == np.float32
        if not floats and item.dtype != np.uint8:
            item = np.rint(item).clip(0, 255)
        frames, places = item.reshape(-1, *item.shape[-3:]), place.reshape(-1, *place.shape[-3:])
        for frame, target in zip(frames, places):
            np.copyto(target, self._planes(frame), casting="unsafe")
            if floats:
                # While the frame is in the core's cache.
                target *= self._scale
                if self._shift is not None:
                    target += self._shift

    def _planes(self, frame: np.ndarray) -> np.ndarray:
        """(3, h, w) of a frame, its channels apart where OpenCV can do that: each is read in one run of memory."""
        if self._split is None or frame.dtype != np.uint8:
            return frame.transpose(2, 0, 1)
        if self._apart.shape[1:] != frame.shape[:2]:
            self._apart = np.empty((3, *frame.shape[:2]), np.uint8)
        self._split(frame, list(self._apart))
        return self._apart


def _splitter() -> Any:
    try:
        import cv2
    except ImportError:
        return None
    return cv2.split
