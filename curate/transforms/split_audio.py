"""The step that cuts long recordings into clips."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field

from curate.media import audio
from curate.transforms.media.cutting import ClipCutter, windows
from curate.transforms.media.sounds import AudioFormat, loud_spans


class SplitAudio(ClipCutter):
    """Cuts long recordings into clips of equal length, or at their pauses: 1 to n rows, each with its parent's id.

    Recordings of all splits are cut alike; a short one stays a row with its own id, byte for byte. The columns
    ``<audio>_start`` and ``<audio>_end`` say where in the parent a clip stands, in seconds. Clips of one recording stay
    together: a task without groups gets the column ``<audio>_parent`` as its group.
    Cost: one decoding of each file, and one encoding of each clip, on all cores.
    Source: windows with overlap; pauses as librosa's `effects.split` finds them.
    """

    modalities = ("audio",)
    role = "audio"
    what = "recording"

    by: Literal["windows", "pauses"] = Field(
        "windows", description="windows of equal length, or stretches between pauses (cut in windows where too long)"
    )
    below_peak_db: float = Field(
        40.0, gt=0, le=120, description="by pauses: frames so many dB softer than the loudest one are silent"
    )
    min_pause_seconds: float = Field(0.3, gt=0, description="by pauses: shorter silences don't part, in seconds")
    format: AudioFormat = Field("wav", description="of the files that are written")
    bits: Literal[16, 24] = Field(16, description="per sample of these")

    def clips(self, data: bytes) -> tuple[float, list[tuple[bytes, float, float]]]:
        """Length of a recording, and its clips with their start and end, in seconds."""
        given = audio.decode(data)
        places, rate = self.places(given.samples, given.rate), given.rate
        if len(places) == 1:
            return given.seconds, []
        form = self.format.upper()
        encoded = (audio.encode(given.samples[:, a:b], rate, form, self.bits) for a, b in places)
        return given.seconds, [(clip, a / rate, b / rate) for clip, (a, b) in zip(encoded, places)]

    def places(self, samples: np.ndarray, rate: int) -> list[tuple[int, int]]:
        """Start and end of the clips of (channels, n) samples, in samples; one pair for what stays whole."""
        n = samples.shape[1]
        length, overlap = max(1, round(self.seconds * rate)), round(self.overlap_seconds * rate)
        least = min(length, round(self.min_seconds * rate))
        if n <= length:
            return [(0, n)]
        if self.by == "windows":
            return windows(0, n, length, overlap, least)
        spans = loud_spans(samples, rate, self.below_peak_db, self.min_pause_seconds)
        if not spans:
            return windows(0, n, length, overlap, least)
        edges = [0, *((a + b) // 2 for (_, a), (b, _) in pairwise(spans)), n]
        stretches: list[tuple[int, int]] = []
        for a, b in pairwise(edges):
            whole = stretches and b - stretches[-1][0] <= length
            if whole and (b - a < least or stretches[-1][1] - stretches[-1][0] < least):
                stretches[-1] = (stretches[-1][0], b)
            else:
                stretches.append((a, b))
        return [clip for a, b in stretches for clip in windows(a, b, length, overlap, least)]
