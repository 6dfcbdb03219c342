"""The step that brings recordings to one loudness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from curate.transforms.media.sounds import SoundTransform, loudness_lufs

if TYPE_CHECKING:
    from curate.media.item import Audio

NEAR_DB = 0.02
"""A recording that is so near to the target stays as it is."""


class NormalizeLoudness(SoundTransform):
    """Brings every recording to one loudness by one gain, which never drives its peak over a bound.

    Silence stays silent. A recording whose gain is under 0.02 dB stays byte for byte.
    Cost: one decoding and one encoding of each file that changes, on all cores.
    Source: ITU-R BS.1770-4 and EBU R 128 (pyloudnorm).
    """

    by: Literal["lufs", "rms", "peak"] = Field(
        "lufs",
        description="what is levelled: heard loudness (LUFS), root mean square, or the peak (both dB of full scale)",
    )
    target_db: float = Field(
        -23.0, ge=-90, le=0, description="level wanted, in LUFS or dB of full scale; -23 LUFS is EBU R 128"
    )
    max_peak_db: float = Field(
        -1.0,
        ge=-60,
        le=0,
        description="highest peak allowed, in dB of full scale; the gain is less where it would pass",
    )

    def treated(self, given: Audio) -> tuple[np.ndarray, int] | None:
        """Samples and rate after the step, None where nothing changes."""
        gain = self.gain_db(given.samples, given.rate)
        if abs(gain) < NEAR_DB:
            return None
        return given.samples * np.float32(10 ** (gain / 20)), given.rate

    def gain_db(self, samples: np.ndarray, rate: int) -> float:
        """The gain in dB that (channels, n) samples get; 0 for silence."""
        peak = float(np.abs(samples).max(initial=0.0))
        if not peak:
            return 0.0
        peak_db = 20 * float(np.log10(peak))
        level = {
            "lufs": lambda: loudness_lufs(samples, rate),
            "rms": lambda: 10 * float(np.log10(np.square(samples, dtype=np.float64).mean())),
            "peak": lambda: peak_db,
        }[self.by]()
        if not np.isfinite(level):
            return 0.0
        return min(self.target_db - level, self.max_peak_db - peak_db)
