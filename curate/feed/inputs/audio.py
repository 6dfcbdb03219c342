"""Recordings of a batch: one channel at one rate, padded, as `input_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.feed.inputs.image import MediaValue, media_values
from curate.feed.inputs.options import InputOptions
from curate.feed.memory import room
from curate.media import audio
from curate.media.payload import read_bytes

AUTO_HZ = 16_000
"""Rate where recordings differ and none is asked for: what most speech models take."""


@dataclass(frozen=True)
class Recordings:
    """The audio column of a task.

    Attributes:
        column: its name.
        root: folder that paths are relative to.
        options: longest part that is fed.
        rate: samples per second of the batch.
        mask: name of the entry that says which samples are no padding.
    """

    column: str
    root: Path | None
    options: InputOptions
    rate: int
    mask: str = "attention_mask"

    modality = "audio"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[MediaValue]:
        """Bytes and path of each row."""
        return media_values(rows[self.column])

    def read(self, value: MediaValue) -> tuple[np.ndarray, int]:
        """(channels, n) float32 at the rate of the batch, cut to the longest part, and the rate."""
        decoded = audio.decode(read_bytes(value, self.root, self.options.max_bytes), rate=self.rate)
        return decoded.samples[:, : self._limit], self.rate

    def augment(self, item: tuple[np.ndarray, int], change: Callable[[Any], Any]) -> tuple[np.ndarray, int]:
        """The recording after a recipe."""
        return change(item)

    def finish(self, item: tuple[np.ndarray, int]) -> np.ndarray:
        """(n,) float32, the mean of the channels."""
        samples, rate = item
        if rate != self.rate:
            samples = audio.resample(samples, rate, self.rate)
        return samples.mean(0, dtype=np.float32)[: self._limit]

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """`input_values` (B, T) float32, 0 behind the end, and the mask (B, T) int64, 1 up to the end."""
        lengths = np.array([len(item) for item in items])
        values = room((len(items), int(lengths.max())), np.float32)
        for place, item in zip(values, items):
            place[: len(item)], place[len(item) :] = item, 0
        mask = np.arange(values.shape[1]) < lengths[:, None]
        return {"input_values": values, self.mask: mask.astype(np.int64)}

    @property
    def _limit(self) -> int | None:
        seconds = self.options.max_seconds
        return None if seconds is None else max(1, int(seconds * self.rate))
