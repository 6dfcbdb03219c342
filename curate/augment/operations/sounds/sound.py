"""What all operations on sound share: a pair of samples (channels, n) float32 in [-1, 1] and the rate in Hz."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from curate.augment.operations.operation import Drawn, Operation
from curate.errors import ConfigError, DataError
from curate.media import audio

Sound = tuple[np.ndarray, int]
ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".opus", ".m4a")
MOST_FILES = 100_000
KEPT_FILES = 64
"""Decoded files that a process keeps."""


class SoundOperation(Operation):
    """An operation on the samples; their number of channels and the rate stay."""

    modality: ClassVar[str] = "audio"
    louder: ClassVar[bool] = True
    """Whether samples may come out of it above full scale, and are to be cut there."""

    def apply(self, item: Sound, drawn: Drawn) -> Sound:
        """The sound after it, with samples kept in [-1, 1]."""
        samples, rate = item
        if not samples.size:
            return item
        heard = self._heard(samples, rate, drawn)
        if heard is samples:
            return samples.copy(), rate
        heard = heard if heard.dtype == np.float32 else heard.astype(np.float32)
        if not self.louder:
            return heard, rate
        out = heard if heard.base is None and heard.flags.writeable else None
        return np.clip(heard, -1.0, 1.0, out=out), rate

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        """A new array, or `samples` themselves where nothing is done."""
        raise NotImplementedError


def ordered(settings: Any, low: str, high: str) -> Any:
    """The settings. Raises ValueError where `low` is more than `high`."""
    if getattr(settings, low) > getattr(settings, high):
        raise ValueError(f"{low} ({getattr(settings, low):g}) is larger than {high} ({getattr(settings, high):g})")
    return settings


@lru_cache(maxsize=64)
def sound_files(folder: str, purpose: str) -> tuple[str, ...]:
    """Names of the recordings in a folder, and in folders in it, sorted, so that a draw names the same everywhere.

    Raises:
        ConfigError: there is no such folder, or no recording in it.
    """
    place = Path(folder)
    if place.is_file():
        return (str(place),)
    if not place.is_dir():
        raise ConfigError(f"{purpose}: there is no file or folder {folder!r}")
    found: list[str] = []
    for root, _, names in os.walk(place):  # links to folders are not followed
        found += [str(Path(root) / name) for name in names if name.lower().endswith(ENDINGS)]
        if len(found) > MOST_FILES:
            raise ConfigError(f"{purpose}: more than {MOST_FILES:,} recordings in {folder!r}")
    if not found:
        raise ConfigError(f"{purpose}: no recording ({', '.join(ENDINGS)}) in {folder!r}")
    return tuple(sorted(found))


@lru_cache(maxsize=KEPT_FILES)
def sound_of(file: str, rate: int) -> np.ndarray:
    """(n,) float32: a recording mixed into one channel, at a rate; not to be changed.

    Raises:
        DataError: it can't be read.
    """
    try:
        samples = audio.decode(Path(file).read_bytes(), rate=rate).samples.mean(0)
    except (OSError, DataError) as error:
        raise DataError(f"{file}: {error}") from error
    samples.setflags(write=False)
    return samples


def power(samples: np.ndarray) -> float:
    """Mean square."""
    flat = samples.reshape(-1)
    return float(np.dot(flat, flat)) / max(1, flat.size)
