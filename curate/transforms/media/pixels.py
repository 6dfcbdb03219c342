"""Images resized and written again, as `resize_image` and `enhance_image` do."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from curate.errors import MissingPackage
from curate.media import image
from curate.media.item import Image

Format = Literal["same", "png", "jpeg", "webp"]
Interpolation = Literal["auto", "nearest", "linear", "cubic", "area", "lanczos"]
Fit = Literal["squash", "letterbox", "crop"]


def opencv(purpose: str) -> Any:
    """OpenCV. Raises MissingPackage."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", purpose) from None
    return cv2


def written(pixels: np.ndarray, given: Image, form: Format, quality: int) -> bytes:
    """Pixels as a file of the wanted format; ``same`` keeps JPEG and WebP, and makes all else PNG."""
    kind = given.format if form == "same" else form.upper()
    kind = kind if kind in ("JPEG", "WEBP") else "PNG"
    grey = given.mode in ("L", "1") and kind == "PNG" and bool((pixels[..., :1] == pixels).all())
    return image.encode(pixels[..., 0] if grey else pixels, kind, quality)


def resized(pixels: np.ndarray, height: int, width: int, interpolation: Interpolation = "auto") -> np.ndarray:
    """(h, w) or (h, w, 3) -> (height, width[, 3]); ``auto`` averages areas when shrinking."""
    cv2 = opencv("resizing images")
    if interpolation == "auto":
        interpolation = "area" if height * width < pixels.shape[0] * pixels.shape[1] else "cubic"
    how = {
        "nearest": cv2.INTER_NEAREST,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos": cv2.INTER_LANCZOS4,
    }[interpolation]
    return cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=how)


class Frame:
    """Where an image of one size comes to lie in a frame of another.

    Args:
        size: (height, width) of the image.
        frame: (height, width) of the result.
        fit: ``squash`` to the frame, ``letterbox`` into it, or ``crop`` to it.
    """

    def __init__(self, size: tuple[int, int], frame: tuple[int, int], fit: Fit) -> None:
        self.frame = frame
        (h, w), (height, width) = size, frame
        if fit == "squash":
            self.inner = frame
        else:
            scale = (min if fit == "letterbox" else max)(height / h, width / w)
            self.inner = (max(1, round(h * scale)), max(1, round(w * scale)))
        self.scale = (self.inner[0] / h, self.inner[1] / w)
        self.offset = ((height - self.inner[0]) // 2, (width - self.inner[1]) // 2)

    def place(self, pixels: np.ndarray, interpolation: Interpolation, fill: int = 0) -> np.ndarray:
        """The image in the frame; where it does not reach is `fill`."""
        small = pixels if pixels.shape[:2] == self.inner else resized(pixels, *self.inner, interpolation)
        if self.inner == self.frame:
            return small
        (top, left), (height, width) = self.offset, self.frame
        if top < 0 or left < 0:
            small = small[max(0, -top) : max(0, -top) + height, max(0, -left) : max(0, -left) + width]
            top, left = max(0, top), max(0, left)
        canvas = np.full((height, width, *small.shape[2:]), fill, small.dtype)
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
        return canvas

    def move(self, box: list[float], form: str) -> list[float]:
        """Four numbers of a box in the task's `box_format` as they stand in the frame."""
        (sy, sx), (top, left), (height, width) = self.scale, self.offset, self.frame
        if form.endswith("_relative"):
            # Shares of the old sides -> pixels of the scaled image -> shares of the frame.
            sy, sx = float(self.inner[0]), float(self.inner[1])
        a, b, c, d = box[0] * sx + left, box[1] * sy + top, box[2] * sx, box[3] * sy
        if form.startswith("xyxy"):
            c, d = c + left, d + top
        if form.endswith("_relative"):
            return [a / width, b / height, c / width, d / height]
        return [a, b, c, d]
