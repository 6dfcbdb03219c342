"""The step that takes silence away from recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from curate.transforms.media.sounds import SoundTransform, loud_spans

if TYPE_CHECKING:
    from curate.media.item import Audio


class TrimSilence(SoundTransform):
    """Takes silence away from the ends of recordings, and long pauses if asked.

    Silent is a stretch whose level in 20 ms is much below the loudest of the recording. A recording that is silent
    throughout stays as it is, and so does, byte for byte, one with nothing to take away.
    Cost: one decoding and one encoding of each file that changes, on all cores.
    Source: the rule of librosa's `effects.trim`.
    """

    below_peak_db: float = Field(
        40.0, gt=0, le=120, description="frames so many dB softer than the loudest one are silent"
    )
    where: Literal["ends", "start", "end"] = Field("ends", description="where silence is taken away")
    margin_seconds: float = Field(
        0.05, ge=0, le=60, description="silence that is left beside what is heard, in seconds"
    )
    max_pause_seconds: float | None = Field(
        None, gt=0, description="pauses inside are shortened to this, in seconds; left alone if left out"
    )

    def treated(self, given: Audio) -> tuple[np.ndarray, int] | None:
        """Samples and rate after the step, None where nothing changes."""
        kept = self.kept(given.samples, given.rate)
        if kept.all():
            return None
        return given.samples[:, kept], given.rate

    def kept(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """(n,) bool: the samples that stay, of (channels, n)."""
        n = samples.shape[1]
        pause = np.inf if self.max_pause_seconds is None else self.max_pause_seconds
        spans = loud_spans(samples, rate, self.below_peak_db, pause)
        if not spans:
            return np.ones(n, dtype=bool)
        margin = round(self.margin_seconds * rate)
        inner = margin if self.max_pause_seconds is None else round(self.max_pause_seconds * rate / 2)
        kept = np.zeros(n, dtype=bool)
        for place, (start, end) in enumerate(spans):
            before, after = (margin if place == 0 else inner), (margin if place == len(spans) - 1 else inner)
            kept[max(0, start - before) : end + after] = True
        if self.where == "end":
            kept[: spans[0][0]] = True
        if self.where == "start":
            kept[spans[-1][1] :] = True
        return kept
