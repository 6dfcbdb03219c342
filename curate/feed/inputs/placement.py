"""Where an image comes to lie in a batch's frame, so that its mask and boxes come to lie there, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from curate.errors import MissingPackage

Fit = Literal["squash", "letterbox", "crop", "within"]


@dataclass(frozen=True)
class Placement:
    """An image of one size, resized, on a canvas.

    Attributes:
        canvas: (height, width) of the result in pixels.
        resized: (height, width) that the whole image is brought to.
        offset: (top, left) of the resized image on the canvas; negative where it is cut off.
    """

    canvas: tuple[int, int]
    resized: tuple[int, int]
    offset: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, height: int, width: int, size: tuple[int, int] | None, fit: Fit) -> Placement:
        """Of an image of that size in a frame of (height, width) = `size`; see `InputOptions.fit`."""
        if size is None or (height, width) == size:
            return cls((height, width), (height, width))
        if fit == "squash":
            return cls(size, size)
        scale = (max if fit == "crop" else min)(size[0] / height, size[1] / width)
        resized = max(1, round(height * scale)), max(1, round(width * scale))
        if fit == "within":
            return cls(resized, resized)
        (h, w), (height, width) = resized, size
        if fit == "crop":
            return cls(size, resized, (-((h - height) // 2), -((w - width) // 2)))
        return cls(size, resized, ((height - h) // 2, (width - w) // 2))

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 -> (height, width, 3) uint8, black where there is no image."""
        cv2 = _cv2()
        shrinks = self.resized[0] * self.resized[1] < image.shape[0] * image.shape[1]
        # Averaging over areas where the image shrinks: the other interpolations alias.
        return self._placed(image, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR, 0)

    def classes(self, mask: np.ndarray, outside: int) -> np.ndarray:
        """(h, w) numbers of classes -> (height, width), each that of the nearest pixel, `outside` where there is none.

        As with `pixels` the centres of pixels correspond, not their corners.
        """
        return self._placed(mask, _cv2().INTER_NEAREST_EXACT, outside)

    def corners(self, corners: np.ndarray) -> np.ndarray:
        """(n, 4) left, top, right, bottom as shares of the image's sides -> shares of the canvas's, not clipped."""
        (height, width), (h, w), (top, left) = self.canvas, self.resized, self.offset
        scale = np.array([w, h, w, h], np.float64)
        moved = corners.astype(np.float64) * scale + [left, top, left, top]
        return (moved / [width, height, width, height]).astype(np.float32)

    def _placed(self, values: np.ndarray, interpolation: int, outside: int) -> np.ndarray:
        (height, width), (h, w), (top, left) = self.canvas, self.resized, self.offset
        if values.shape[:2] != (h, w):
            values = _cv2().resize(np.ascontiguousarray(values), (w, h), interpolation=interpolation)
        if top <= 0 and left <= 0 and (h, w) != (height, width) and top + h >= height and left + w >= width:
            return values[-top : height - top, -left : width - left]
        if (h, w) == (height, width):
            return values
        canvas = np.full((height, width, *values.shape[2:]), outside, values.dtype)
        canvas[top : top + h, left : left + w] = values
        return canvas


def _cv2() -> Any:
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "resizing images") from None
    return cv2
