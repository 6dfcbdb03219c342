"""Recordings of a batch: one channel at one rate, padded, as `input_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.feed.inputs.image import MediaValue, encoded, media_rows
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.waves import Expected, Waves, padded
from curate.feed.memory import Memory
from curate.media import audio

VALUES = "input_values"
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
        expected: length of the next batch.
    """

    column: str
    root: Path | None
    options: InputOptions
    rate: int
    mask: str = "attention_mask"
    expected: Expected = field(default_factory=Expected, repr=False, compare=False)

    modality = "audio"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[MediaValue]:
        """Bytes and path of each row."""
        return media_rows(rows, self.column)

    def read(self, value: MediaValue) -> tuple[np.ndarray, int]:
        """(channels, n) float32 at the rate of the batch, cut to the longest part, and the rate."""
        decoded = audio.decode(encoded(value, self.root, self.options.max_bytes), rate=self.rate)
        return decoded.samples[:, : self._limit], self.rate

    def augment(self, item: tuple[np.ndarray, int], change: Callable[[Any], Any]) -> tuple[np.ndarray, int]:
        """The recording after a recipe."""
        return change(item)

    def finish(self, item: tuple[np.ndarray, int]) -> np.ndarray:
        """(n,) float32, the mean of the channels."""
        samples, rate = item
        if rate != self.rate:
            samples = audio.resample(samples, rate, self.rate)
        # Of a single channel the mean would be a copy of it.
        mono = samples[0] if len(samples) == 1 else samples.mean(0, dtype=np.float32)
        return mono[: self._limit].astype(np.float32, copy=False)

    def begun(self, rows: int, memory: Memory, at_once: bool) -> Waves:
        """What takes the recordings of a batch as they come."""
        return Waves(VALUES, self.mask, rows, memory, self.expected, at_once)

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """`input_values` (B, T) float32, 0 behind the end, and the mask (B, T) bool, True up to the end."""
        return padded(items, VALUES, self.mask)

    @property
    def _limit(self) -> int | None:
        seconds = self.options.max_seconds
        return None if seconds is None else max(1, int(seconds * self.rate))
