"""Recordings written again, loudness measured, silence found: what the transforms of sound share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.errors import MissingPackage
from curate.media import audio
from curate.media.item import Audio
from curate.step import Transform
from curate.table import Table
from curate.transforms._columns import replaced
from curate.transforms.media.rewriting import MEDIA, rewrite, with_failures

AudioFormat = Literal["wav", "flac"]
FRAME_SECONDS = 0.02
"""Frames by whose level silence is found."""


class SoundTransform(Transform):
    """Changes recordings and writes them anew; one that can't be read stays, and is reported."""

    modalities = ("audio",)

    format: AudioFormat = Field("wav", description="of the files that are written")
    bits: Literal[16, 24] = Field(16, description="per sample of these")

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with changed recordings.

        Raises:
            DataError: there is no room for what is written.
            MissingPackage: the extra ``audio`` is not installed.
        """
        name = str(table.task.audio)

        def one(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]] | None:
            made = self.treated(audio.decode(data[name]))
            return None if made is None else [{name: audio.encode(*made, self.format.upper(), self.bits)}]

        result = rewrite(table, [name], pa.schema([(name, MEDIA)]), one)
        return with_failures(replaced(table, result.columns), result.failures)

    def treated(self, given: Audio) -> tuple[np.ndarray, int] | None:
        """Samples and rate of a decoded recording after the step, None to leave its file byte for byte."""
        raise NotImplementedError


def levels_db(samples: np.ndarray, rate: int) -> np.ndarray:
    """(channels, n) -> (frames,) level of each 20 ms in dB, full scale 0, silence -inf; of the loudest channel."""
    length = max(1, round(FRAME_SECONDS * rate))
    count = -(-samples.shape[1] // length)
    padded = np.pad(samples, np.array([[0, 0], [0, int(count * length - samples.shape[1])]]))
    power = np.square(padded.reshape(len(samples), count, length)).mean(2).max(0)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power)


def loud_spans(samples: np.ndarray, rate: int, below_peak_db: float, min_pause_seconds: float) -> list[tuple[int, int]]:
    """Stretches between pauses, in samples; none in a recording that is silent throughout.

    Args:
        samples: (channels, n).
        rate: samples per second.
        below_peak_db: frames that are so much softer than the loudest one are silent.
        min_pause_seconds: shorter silences don't part.
    """
    level = levels_db(samples, rate)
    peak = level.max(initial=-np.inf)
    if not np.isfinite(peak):
        return []
    loud = np.flatnonzero(level > peak - below_peak_db)
    length = max(1, round(FRAME_SECONDS * rate))
    breaks = np.flatnonzero((np.diff(loud) - 1) * FRAME_SECONDS >= min_pause_seconds)
    first, last = np.append(loud[0], loud[breaks + 1]), np.append(loud[breaks], loud[-1])
    return [(int(a) * length, min(samples.shape[1], (int(b) + 1) * length)) for a, b in zip(first, last)]


def loudness_lufs(samples: np.ndarray, rate: int) -> float:
    """Integrated loudness by ITU-R BS.1770-4 in LUFS, -inf of silence; a recording under 0.4 s is one block.

    Raises:
        MissingPackage: without pyloudnorm.
    """
    try:
        import pyloudnorm
    except ImportError as error:
        raise MissingPackage("pyloudnorm", "audio", "measuring loudness") from error
    # The standard knows five channels; more are taken as pairs of them would be: the loudest five.
    values = samples.T[:, :5].astype(np.float64)
    block = min(0.4, (len(values) - 1) / rate)
    if block <= 0 or not values.any():
        return float("-inf")
    with np.errstate(divide="ignore", invalid="ignore"):
        found = float(pyloudnorm.Meter(rate, block_size=block).integrated_loudness(values))
    return found if np.isfinite(found) else float("-inf")
