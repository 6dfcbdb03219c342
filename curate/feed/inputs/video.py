"""Videos of a batch: evenly spaced frames, brought to one size, as `pixel_values`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.feed.inputs.image import MediaValue, fitted, media_values, pixel_values
from curate.feed.inputs.options import InputOptions
from curate.media import video
from curate.media.payload import read_bytes


@dataclass(frozen=True)
class Videos:
    """The video column of a task.

    Attributes:
        column: its name.
        root: folder that paths are relative to.
        options: number of frames, longest part that is looked at, size, mean and deviation.
        size: (height, width) of the batch, None for the frames' own.
        name: of the batch's entry.
    """

    column: str
    root: Path | None
    options: InputOptions
    size: tuple[int, int] | None
    name: str = "pixel_values"

    modality = "video"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[MediaValue]:
        """Bytes and path of each row."""
        return media_values(rows[self.column])

    def read(self, value: MediaValue) -> np.ndarray:
        """(frames, h, w, 3) uint8."""
        data, wanted, longest = read_bytes(value, self.root, self.options.max_bytes), self.options.frames, None
        if self.size is not None:
            # Twice the size leaves crops something to choose from, and keeps 4K films out of memory.
            longest = 2 * max(self.size)
        decoded = video.decode(data, wanted, longest, self.options.max_pixels)
        frames, limit = decoded.frames, self.options.max_seconds
        if limit is not None and decoded.seconds > limit:
            many = math.ceil(wanted * decoded.seconds / limit)
            decoded = video.decode(data, many, longest, self.options.max_pixels)
            frames = decoded.frames[: max(1, int((decoded.times < limit).sum()))]
        if len(frames) != wanted:
            frames = frames[((np.arange(wanted) + 0.5) * len(frames) / wanted).astype(np.int64)]
        return frames

    def augment(self, item: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
        """The frames after a recipe."""
        return change(item)

    def finish(self, item: np.ndarray) -> np.ndarray:
        """(frames, height, width, 3) uint8 of the batch's size."""
        size = self.size
        if size is None or item.shape[1:3] == size:
            return item
        return np.stack([fitted(frame, size, self.options.fit) for frame in item])

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """(B, frames, 3, height, width) float32, in [0, 1] or normalised."""
        return {self.name: pixel_values(items, names, self.options)}
