"""Videos of a batch: evenly spaced frames, brought to one size, as `pixel_values`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.feed.inputs.filling import Filling
from curate.feed.inputs.image import (
    MediaValue,
    Normalization,
    encoded,
    fitted,
    media_rows,
    normalization,
    pixel_entries,
    pixel_filling,
)
from curate.feed.inputs.options import InputOptions
from curate.feed.memory import Memory
from curate.media import video


@dataclass(frozen=True)
class Videos:
    """The video column of a task.

    Attributes:
        column: its name.
        root: folder that paths are relative to.
        options: number of frames, longest part that is looked at, size, mean and deviation.
        size: (height, width) of the batch, None for the frames' own.
        name: of the batch's entry.
        longest: side in pixels beyond which frames are shrunk when they are decoded, where `size` does not say it.
    """

    column: str
    root: Path | None
    options: InputOptions
    size: tuple[int, int] | None
    name: str = "pixel_values"
    longest: int | None = None

    modality = "video"

    @property
    def normalization(self) -> Normalization | None:
        """What the frames still have to be scaled by, None where they are already; see `image.normalization`."""
        return normalization(self.options)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[MediaValue]:
        """Bytes and path of each row."""
        return media_rows(rows, self.column)

    def read(self, value: MediaValue) -> np.ndarray:
        """(frames, h, w, 3) uint8."""
        return self.decoded(encoded(value, self.root, self.options.max_bytes))[0]

    def decoded(self, data: bytes) -> tuple[np.ndarray, float, float | None]:
        """(frames, h, w, 3) uint8, the seconds that they are taken from, and when the sound begins, None without."""
        wanted, longest = self.options.frames_decoded or self.options.frames, self.longest
        if self.size is not None:
            # Twice the size leaves crops something to choose from, and keeps 4K films out of memory.
            longest = 2 * max(self.size)
        decoded = video.decode(data, wanted, longest, self.options.max_pixels, between=False)
        frames, seconds, limit = decoded.frames, decoded.seconds, self.options.max_seconds
        if limit is not None and seconds > limit:
            many = math.ceil(wanted * seconds / limit)
            decoded = video.decode(data, many, longest, self.options.max_pixels, between=False)
            frames, seconds = decoded.frames[: max(1, int((decoded.times < limit).sum()))], limit
        return evenly(frames, wanted), seconds, decoded.sound_start if decoded.has_audio else None

    def augment(self, item: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
        """The frames after a recipe."""
        return change(item)

    def finish(self, item: np.ndarray) -> np.ndarray:
        """(frames, height, width, 3) uint8 of the batch's size."""
        item, size = evenly(item, self.options.frames), self.size
        if size is None or item.shape[1:3] == size:
            return item
        return np.stack([fitted(frame, size, self.options.fit) for frame in item])

    def begun(self, rows: int, memory: Memory, at_once: bool) -> Filling | None:
        """See `pixel_filling`."""
        return pixel_filling(self.name, rows, self.options, memory, at_once)

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, Any]:
        """(B, frames, 3, height, width), float32 in [0, 1] or normalised, or uint8 (see `pixels`)."""
        return pixel_entries(self.name, items, names, self.options)


def evenly(frames: np.ndarray, wanted: int) -> np.ndarray:
    """So many of (t, h, w, 3) frames: frame i of k is the one at (i + 1/2) / k of them."""
    if len(frames) == wanted:
        return frames
    return frames[((np.arange(wanted) + 0.5) * len(frames) / wanted).astype(np.int64)]
