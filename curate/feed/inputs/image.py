"""Images of a batch: decoded, brought to one size, as `pixel_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, MissingPackage
from curate.feed.inputs.options import InputOptions
from curate.media import image
from curate.media.payload import read_bytes

AUTO_PX = 224
"""Side where images differ in size and none is asked for: what most pretrained models take."""
PROBED = 16
CACHED_NUMBERS = 1 << 17
"""Numbers that are scaled at once: few enough to stay in a core's cache, enough to be worth a call."""

MediaValue = tuple[bytes | None, str | None]


def media_values(column: pa.ChunkedArray) -> list[MediaValue]:
    """(bytes, path) of each row of a media column."""
    data, path = pc.struct_field(column, "bytes"), pc.struct_field(column, "path")
    return list(zip(data.to_pylist(), path.to_pylist(), strict=True))


@dataclass(frozen=True)
class Images:
    """The image column of a task.

    Attributes:
        column: its name.
        root: folder that paths are relative to.
        options: limits, mean and deviation, how images come to their size.
        size: (height, width) of the batch, None for the images' own.
    """

    column: str
    root: Path | None
    options: InputOptions
    size: tuple[int, int] | None

    modality = "image"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[MediaValue]:
        """Bytes and path of each row."""
        return media_values(rows[self.column])

    def read(self, value: MediaValue) -> np.ndarray:
        """(h, w, 3) uint8."""
        data = read_bytes(value, self.root, self.options.max_bytes)
        return image.decode(data, self.options.max_pixels).pixels

    def augment(self, item: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
        """The image after a recipe."""
        return change(item)

    def finish(self, item: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 of the batch's size."""
        return item if self.size is None else fitted(item, self.size, self.options.fit)

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """`pixel_values`: (B, 3, height, width) float32, in [0, 1] or normalised."""
        return {"pixel_values": pixel_values(items, names, self.options)}


def pixel_values(items: Sequence[np.ndarray], names: Sequence[str], options: InputOptions) -> np.ndarray:
    """(B, ..., 3, h, w) float32 of (..., h, w, 3) pixels in [0, 255], written straight into the batch.

    Raises:
        ConfigError: they differ in size.
    """
    shape = items[0].shape
    for item, name in zip(items, names):
        if item.shape != shape:
            raise ConfigError(
                f"rows {names[0]} and {name} have pixels of the shapes {shape} and {item.shape}: a batch needs one"
                " size; pass image_size"
            )
    mean = np.asarray(options.mean or 0.0, np.float32)
    std = np.asarray(options.std or 1.0, np.float32)
    scale = np.broadcast_to(np.float32(1 / 255) / std, 3)[:, None, None]
    shift = np.broadcast_to(-mean / std, 3)[:, None, None]
    batch = np.empty((len(items), *shape[:-3], 3, *shape[-3:-1]), np.float32)
    axes = (*range(len(shape) - 3), len(shape) - 1, len(shape) - 3, len(shape) - 2)
    together = max(1, CACHED_NUMBERS // max(1, items[0].size))
    for start in range(0, len(items), together):
        for place, item in zip(batch[start:], items[start : start + together]):
            np.copyto(place, item.transpose(axes))
        part = batch[start : start + together]
        part *= scale
        if options.mean is not None:
            part += shift
    return batch


def fitted(pixels: np.ndarray, size: tuple[int, int], fit: str) -> np.ndarray:
    """(h, w, 3) uint8 pixels at (height, width) = `size`; see `InputOptions.fit`."""
    if pixels.shape[:2] == size:
        return pixels
    height, width = size
    if fit == "squash":
        return _resized(pixels, height, width)
    h, w = pixels.shape[:2]
    scale = (min if fit == "letterbox" else max)(height / h, width / w)
    small = _resized(pixels, max(1, round(h * scale)), max(1, round(w * scale)))
    h, w = small.shape[:2]
    if fit == "crop":
        top, left = (h - height) // 2, (w - width) // 2
        return small[top : top + height, left : left + width]
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - h) // 2, (width - w) // 2
    canvas[top : top + h, left : left + w] = small
    return canvas


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "resizing images") from None
    shrinks = height * width < pixels.shape[0] * pixels.shape[1]
    # Averaging over areas where the image shrinks: the other interpolations alias.
    return cv2.resize(
        np.ascontiguousarray(pixels), (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def common_size(before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The size of a loader's images, from those of some before and after augmentation (see `image_size`)."""
    if after and len(set(after)) == 1:
        made = list(before) != list(after)
        if made or max(after[0]) <= AUTO_PX:
            return after[0]
    return AUTO_PX, AUTO_PX
