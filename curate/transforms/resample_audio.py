"""The step that brings recordings to one sample rate and number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from curate.media.audio import resample
from curate.step import Transform
from curate.transforms.media.sounds import AudioFormat, changed

if TYPE_CHECKING:
    from curate.media.item import Audio
    from curate.table import Table


class ResampleAudio(Transform):
    """Brings the recordings of all splits to one sample rate, and to one channel if asked.

    A file that has the rate and channels already stays byte for byte. A recording that can't be read stays, and is
    reported. Resampling up adds no sound: `audio_quality` finds recordings of too narrow a band.
    Cost: one decoding and one encoding of each file that changes, on all cores.
    Source: soxr (high quality).
    """

    modalities = ("audio",)

    rate: int = Field(16_000, ge=1_000, le=384_000, description="samples per second, in Hz")
    channels: Literal["keep", "mix", "first"] = Field(
        "mix", description="keep them all, mix them into one (their mean), or take the first"
    )
    format: AudioFormat = Field("wav", description="of the files that are written")
    bits: Literal[16, 24] = Field(16, description="per sample of these")

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with recordings of the rate.

        Raises:
            DataError: there is no room for what is written.
            MissingPackage: the extra ``audio`` is not installed.
        """

        def change(given: Audio) -> tuple[np.ndarray, int] | None:
            samples = given.samples
            if given.rate == self.rate and (self.channels == "keep" or len(samples) == 1):
                return None
            if self.channels == "mix":
                samples = samples.mean(0, keepdims=True)
            elif self.channels == "first":
                samples = samples[:1]
            return (samples if given.rate == self.rate else resample(samples, given.rate, self.rate)), self.rate

        return changed(table, self.format, self.bits, change)
