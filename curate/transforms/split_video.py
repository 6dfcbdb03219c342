"""The step that cuts long videos into clips."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from pydantic import Field

from curate.evidence.measures.video_timeline import cut_places
from curate.media import video
from curate.media.item import DecodeError
from curate.media.video_cut import cut
from curate.transforms.media.cutting import ClipCutter, windows

WHOLE_PIXELS = 10**12
"""Every frame is looked at for scenes, however long the video."""
TICKS = 1_000
"""Per second: the unit in which windows are counted."""


class SplitVideo(ClipCutter):
    """Cuts long videos into clips of equal length, or at their hard cuts: 1 to n rows, each with its parent's id.

    Videos of all splits are cut alike; one that stays whole stays a row with its own id, byte for byte. Clips are
    written as MP4 (H.264, AAC), each frame at its time and the sound beside it. The columns ``<video>_start`` and
    ``<video>_end`` say where in the parent a clip stands, in seconds. Clips of one video stay together: a task without
    groups gets the column ``<video>_parent`` as its group.
    Cost: one decoding and one encoding of all frames (by scenes two decodings), on all cores.
    Source: FFmpeg (PyAV); scenes as `video_quality` finds cuts.
    """

    modalities = ("video",)
    role = "video"
    what = "video"

    by: Literal["windows", "scenes"] = Field(
        "windows", description="windows of equal length, or scenes between hard cuts (cut in windows where too long)"
    )
    quality: int = Field(
        18, ge=0, le=51, description="constant rate factor of H.264: 0 loses nothing, 18 is hardly seen, 51 is worst"
    )

    def clips(self, data: bytes) -> tuple[float, list[tuple[bytes, float, float]]]:
        """Length of a video, and its clips with their start and end, in seconds."""
        scenes = self.by == "scenes"
        given = video.decode(data, frames=1, straight_pixels=WHOLE_PIXELS if scenes else 0, skim=scenes)
        places = self.places(given.seconds, _scene_starts(given) if scenes else ())
        if len(places) == 1:
            return given.seconds, []
        return given.seconds, [(clip, a, b) for clip, (a, b) in zip(cut(data, places, self.quality), places)]

    def places(self, seconds: float, scenes: tuple[float, ...] = ()) -> list[tuple[float, float]]:
        """Start and end of the clips of a video, in seconds; one pair for what stays whole.

        Args:
            seconds: length of the video.
            scenes: where scenes begin, the first aside.
        """
        n, length = round(seconds * TICKS), max(1, round(self.seconds * TICKS))
        overlap, least = round(self.overlap_seconds * TICKS), round(self.min_seconds * TICKS)
        edges = [0, *(round(s * TICKS) for s in scenes), n]
        stretches: list[tuple[int, int]] = []
        for a, b in pairwise(edges):
            if stretches and (b - a < least or stretches[-1][1] - stretches[-1][0] < least):
                stretches[-1] = (stretches[-1][0], b)
            elif b > a:
                stretches.append((a, b))
        clips = [clip for a, b in stretches for clip in windows(a, b, length, overlap, min(least, length))]
        return [(a / TICKS, seconds if b == n else b / TICKS) for a, b in clips]


def _scene_starts(given: Any) -> tuple[float, ...]:
    """Where scenes begin in a video that was skimmed frame by frame, the first aside, in seconds."""
    if given.skim is None or not given.skim.whole:
        raise DecodeError("the video is too long to look at every frame for scenes; split it by windows first")
    times = given.skim.times - (given.skim.times[0] if len(given.skim.times) else 0)
    return tuple(float(t) for t in np.atleast_1d(times[cut_places(given.skim.copies)]))
