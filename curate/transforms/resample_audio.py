"""The step that brings recordings to one sample rate and number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from curate.media.audio import resample
from curate.transforms.media.sounds import SoundTransform

if TYPE_CHECKING:
    from curate.media.item import Audio


class ResampleAudio(SoundTransform):
    """Brings the recordings of all splits to one sample rate, and to one channel if asked.

    A file that has the rate and channels already stays byte for byte. A recording that can't be read stays, and is
    reported. Resampling up adds no sound: `audio_quality` finds recordings of too narrow a band.
    Cost: one decoding and one encoding of each file that changes, on all cores.
    Source: soxr (high quality).
    """

    rate: int = Field(16_000, ge=1_000, le=384_000, description="samples per second, in Hz")
    channels: Literal["keep", "mix", "first"] = Field(
        "mix", description="keep them all, mix them into one (their mean), or take the first"
    )

    def treated(self, given: Audio) -> tuple[np.ndarray, int] | None:
        """Samples and rate after the step, None where nothing changes."""
        samples = given.samples
        if given.rate == self.rate and (self.channels == "keep" or len(samples) == 1):
            return None
        if self.channels == "mix":
            samples = samples.mean(0, keepdims=True)
        elif self.channels == "first":
            samples = samples[:1]
        return (samples if given.rate == self.rate else resample(samples, given.rate, self.rate)), self.rate
