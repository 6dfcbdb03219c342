"""Images of a batch: decoded, brought to one size, as `pixel_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.feed.inputs.filling import Filling
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.placement import Fit, Placement
from curate.feed.inputs.planes import Planes
from curate.feed.memory import Memory, Room, room
from curate.feed.spilled import CONTENT
from curate.media import image
from curate.media.payload import must_have, read_bytes

AUTO_PX = 224
"""Side where images differ in size and none is asked for: what most pretrained models take."""
PROBED = 16

MediaValue = tuple[bytes | None, str | None] | tuple[None, str, bytes]
"""Bytes and path; of a file that is all of its row's content the hash of that, too."""
Normalization = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation of pixels in [0, 1], (3,) float32 each."""


def normalization(options: InputOptions) -> Normalization | None:
    """What whoever uses pixels of [0, 255] makes of them, ``(pixels / 255 - mean) / std``; None for float32 pixels."""
    if options.pixels != "uint8":
        return None
    mean, std = (np.asarray(v, np.float32) for v in (options.mean or (0.0,), options.std or (1.0,)))
    return np.broadcast_to(mean, 3).copy(), np.broadcast_to(std, 3).copy()


def media_values(column: pa.ChunkedArray, content: pa.ChunkedArray | None = None) -> list[MediaValue]:
    """(bytes, path) of each row of a media column; (None, path, hash) of files where the rows' content is given."""
    data, path = (pc.struct_field(column, name).to_pylist() for name in ("bytes", "path"))
    if content is None:
        return list(zip(data, path, strict=True))
    return [
        (own, name) if own is not None or name is None else (None, name, hashed)
        for own, name, hashed in zip(data, path, content.to_pylist(), strict=True)
    ]


def media_rows(rows: pa.Table, column: str) -> list[MediaValue]:
    """`media_values` of rows, whose content stands in the column `CONTENT` where it is that of their files alone."""
    return media_values(rows[column], rows[CONTENT] if CONTENT in rows.column_names else None)


def encoded(value: MediaValue, root: Path | None, max_bytes: int) -> bytes:
    """The bytes of a media value. Raises UnreadablePayload, also of a file that changed since the data were read."""
    data = read_bytes(value, root, max_bytes)
    if len(value) == 3:
        must_have(value[2], data, value)
    return data


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
        return media_rows(rows, self.column)

    def read(self, value: MediaValue) -> np.ndarray:
        """(h, w, 3) uint8."""
        data = encoded(value, self.root, self.options.max_bytes)
        return image.decode(data, self.options.max_pixels).pixels

    def augment(self, item: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
        """The image after a recipe."""
        return change(item)

    def finish(self, item: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 of the batch's size."""
        return fitted(item, self.size, self.options.fit)

    def begun(self, rows: int, memory: Memory, at_once: bool) -> Filling | None:
        """See `pixel_filling`."""
        return pixel_filling(self.name, rows, self.options, memory, at_once)

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, Any]:
        """`pixel_values`: (B, 3, height, width), float32 in [0, 1] or normalised, or uint8 (see `pixels`).

        Of images that may differ in size a list of B of (3, h, w); or padded, with what is 0 after normalisation, and
        beside them `pixel_mask` (B, height, width) int64, 1 where there is an image.
        """
        return pixel_entries(self.name, items, names, self.options)


def pixel_entries(
    name: str, items: Sequence[np.ndarray], names: Sequence[str], options: InputOptions
) -> dict[str, Any]:
    """The entries of a batch for (..., h, w, 3) pixels in [0, 255]; see `Images.collate`.

    Raises:
        ConfigError: they differ in size, and may not.
    """
    if options.different_sizes == "refuse":
        return Filling(name, len(items), options, Room()).entries(items, names)
    planes, each = Planes(options), []
    for item in items:
        each.append(np.empty((*item.shape[:-3], 3, *item.shape[-3:-1]), _type(options)))
        planes.write(item, each[-1])
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


def pixel_filling(name: str, rows: int, options: InputOptions, memory: Memory, at_once: bool) -> Filling | None:
    """What writes pixels of one size into a batch as they come; None where rows may differ in size."""
    return Filling(name, rows, options, memory, at_once) if options.different_sizes == "refuse" else None


def _type(options: InputOptions) -> type:
    return np.uint8 if options.pixels == "uint8" else np.float32


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
