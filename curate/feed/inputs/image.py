"""Images of a batch: decoded, brought to one size, as `pixel_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.placement import Fit, Placement
from curate.feed.inputs.planes import write_planes
from curate.feed.memory import room
from curate.media import image
from curate.media.payload import read_bytes

AUTO_PX = 224
"""Side where images differ in size and none is asked for: what most pretrained models take."""
PROBED = 16
CACHED_NUMBERS = 1 << 17
"""Numbers that are scaled at once: few enough to stay in a core's cache, enough to be worth a call."""

MediaValue = tuple[bytes | None, str | None]
Normalization = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation of pixels in [0, 1], (3,) float32 each."""


def normalization(options: InputOptions) -> Normalization | None:
    """What whoever uses pixels of [0, 255] makes of them, ``(pixels / 255 - mean) / std``; None for float32 pixels."""
    if options.pixels != "uint8":
        return None
    mean, std = (np.asarray(v, np.float32) for v in (options.mean or (0.0,), options.std or (1.0,)))
    return np.broadcast_to(mean, 3).copy(), np.broadcast_to(std, 3).copy()


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
    name = "pixel_values"

    @property
    def normalization(self) -> Normalization | None:
        """What `pixel_values` still have to be scaled by, None where they are already; see `normalization`."""
        return normalization(self.options)

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
        return fitted(item, self.size, self.options.fit)

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, Any]:
        """`pixel_values`: (B, 3, height, width), float32 in [0, 1] or normalised, or uint8 (see `pixels`).

        Of images that may differ in size a list of B of (3, h, w); or padded, with what is 0 after normalisation, and
        beside them `pixel_mask` (B, height, width) int64, 1 where there is an image.
        """
        return pixel_entries(self.name, items, names, self.options)


def pixel_entries(
    name: str, items: Sequence[np.ndarray], names: Sequence[str], options: InputOptions
) -> dict[str, Any]:
    """The entries of a batch for (..., h, w, 3) pixels in [0, 255]; see `Images.collate`."""
    if options.different_sizes == "refuse":
        return {name: pixel_values(items, names, options)}
    each = [_written([item], np.empty(_shape([item]), _type(options)), options)[0] for item in items]
    if options.different_sizes == "list":
        return {name: each}
    height, width = (max(item.shape[axis] for item in each) for axis in (-2, -1))
    batch = room((len(each), *each[0].shape[:-2], height, width), each[0].dtype)
    later = normalization(options)
    # The mean becomes about 0 where it is normalised, as the padding of floats is.
    batch[...] = 0 if later is None else np.rint(255 * later[0]).clip(0, 255)[:, None, None]
    mask = np.zeros((len(each), height, width), np.int64)
    for place, item in enumerate(each):
        h, w = item.shape[-2:]
        batch[place, ..., :h, :w] = item
        mask[place, :h, :w] = 1
    return {name: batch, name.replace("values", "mask"): mask}


def pixel_values(items: Sequence[np.ndarray], names: Sequence[str], options: InputOptions) -> np.ndarray:
    """(B, ..., 3, h, w) of (..., h, w, 3) pixels in [0, 255], written straight into the batch: float32 or uint8.

    Pixels that were mixed are no whole numbers; as uint8 they are rounded.

    Raises:
        ConfigError: they differ in size.
    """
    shape = items[0].shape
    for item, name in zip(items, names):
        if item.shape != shape:
            raise ConfigError(
                f"rows {names[0]} and {name} have pixels of the shapes {shape} and {item.shape}: a batch needs one"
                " size; pass image_size, or different_sizes='pad'"
            )
    return _written(items, room(_shape(items), _type(options)), options)


def _shape(items: Sequence[np.ndarray]) -> tuple[int, ...]:
    """(B, ..., 3, h, w)."""
    *frames, height, width, channels = items[0].shape
    return (len(items), *frames, channels, height, width)


def _type(options: InputOptions) -> type:
    return np.uint8 if options.pixels == "uint8" else np.float32


def _written(items: Sequence[np.ndarray], batch: np.ndarray, options: InputOptions) -> np.ndarray:
    """The batch, with the items of one size written into it."""
    axes = (*range(batch.ndim - 4), batch.ndim - 2, batch.ndim - 4, batch.ndim - 3)
    if batch.dtype == np.uint8:
        for place, item in enumerate(items):
            whole = item if item.dtype == np.uint8 else np.rint(item).clip(0, 255)
            batch[place] = whole.transpose(axes)
        return batch
    mean = np.asarray(options.mean or 0.0, np.float32)
    std = np.asarray(options.std or 1.0, np.float32)
    scale = np.broadcast_to(np.float32(1 / 255) / std, 3)[:, None, None]
    shift = np.broadcast_to(-mean / std, 3)[:, None, None]
    if write_planes(items, batch, scale, shift if options.mean is not None else None):
        return batch
    together = max(1, CACHED_NUMBERS // max(1, items[0].size))
    for start in range(0, len(items), together):
        for place, item in zip(batch[start:], items[start : start + together]):
            np.copyto(place, item.transpose(axes))
        part = batch[start : start + together]
        part *= scale
        if options.mean is not None:
            part += shift
    return batch


def fitted(pixels: np.ndarray, size: tuple[int, int] | None, fit: Fit) -> np.ndarray:
    """(h, w, 3) uint8 pixels at (height, width) = `size`; see `InputOptions.fit`."""
    if size is None or pixels.shape[:2] == size:
        return pixels
    height, width = pixels.shape[:2]
    return Placement.of(height, width, size, fit).pixels(pixels)


def common_size(before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The size of a loader's images, from those of some before and after augmentation (see `image_size`)."""
    if after and len(set(after)) == 1:
        made = list(before) != list(after)
        if made or max(after[0]) <= AUTO_PX:
            return after[0]
    return AUTO_PX, AUTO_PX
