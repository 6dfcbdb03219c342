"""The step that cuts long videos into clips."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.evidence.measures.video_timeline import cut_places
from curate.ledger import Decisions
from curate.media import video
from curate.media.item import DecodeError
from curate.media.video_cut import cut
from curate.step import Transform
from curate.transforms import _made_rows as made
from curate.transforms.media.cutting import cut_rows, refuse_taken, windows
from curate.transforms.media.rewriting import MEDIA, rewrite, with_failures

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

WHOLE_PIXELS = 10**12
"""Every frame is looked at for scenes, however long the video."""
TICKS = 1_000
"""Per second: the unit in which windows are counted."""


class SplitVideo(Transform):
    """Cuts long videos into clips of equal length, or at their hard cuts: 1 to n rows, each with its parent's id.

    Videos of all splits are cut alike; one that stays whole stays a row with its own id, byte for byte. Clips are
    written as MP4 (H.264, AAC), each frame at its time and the sound beside it. The columns ``<video>_start`` and
    ``<video>_end`` say where in the parent a clip stands, in seconds. Clips of one video stay together: a task without
    groups gets the column ``<video>_parent`` as its group.
    Cost: one decoding and one encoding of all frames (by scenes two decodings), on all cores.
    Source: FFmpeg (PyAV); scenes as `video_quality` finds cuts.
    """

    modalities = ("video",)

    by: Literal["windows", "scenes"] = Field(
        "windows", description="windows of equal length, or scenes between hard cuts (cut in windows where too long)"
    )
    seconds: float = Field(10.0, gt=0, le=3600, description="length of a clip, in seconds; the most of it by scenes")
    overlap_seconds: float = Field(0.0, ge=0, description="how much of a window the next one repeats, in seconds")
    min_seconds: float = Field(
        1.0, ge=0, description="a shorter last window begins earlier, a shorter scene is joined to the one before"
    )
    label: Literal["copy", "none"] = Field("copy", description="whether clips have the parent's label")
    weight: Literal["share", "same"] = Field(
        "share", description="training clips of one video weigh 1/n each (share), or each as much as a video (same)"
    )
    quality: int = Field(
        18, ge=0, le=51, description="constant rate factor of H.264: 0 loses nothing, 18 is hardly seen, 51 is worst"
    )

    @model_validator(mode="after")
    def _overlap_is_shorter(self) -> SplitVideo:
        if self.overlap_seconds >= self.seconds:
            raise ValueError(f"overlap_seconds must be smaller than seconds ({self.seconds:g})")
        if self.min_seconds > self.seconds:
            raise ValueError(f"min_seconds must be at most seconds ({self.seconds:g})")
        return self

    def refuses(self, task: Task) -> str | None:
        """A transcript speaks of the whole video."""
        if task.transcript:
            return "split_video cuts videos, and their transcripts speak of the whole"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With a group, and without an embedding of whole videos."""
        return task.model_copy(update={"group": task.group or f"{task.video}_parent", "embedding": None})

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with clips in place of long videos.

        Raises:
            DataError: columns for the places are taken, or there is no room for what is written.
            MissingPackage: the extra ``video`` is not installed.
        """
        name = str(table.task.video)
        start, end = f"{name}_start", f"{name}_end"
        refuse_taken(table, self.name, (start, end))

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]]:
            scenes = self.by == "scenes"
            given = video.decode(data[name], frames=1, straight_pixels=WHOLE_PIXELS if scenes else 0, skim=scenes)
            places = self.places(given.seconds, _scene_starts(given) if scenes else ())
            if len(places) == 1:
                return [{name: data[name], start: 0.0, end: given.seconds}]
            clips = cut(data[name], places, self.quality)
            return [{name: clip, start: a, end: b} for clip, (a, b) in zip(clips, places)]

        schema = pa.schema([(name, MEDIA), (start, pa.float64()), (end, pa.float64())])
        result = rewrite(table, [name], schema, change)
        made_table = cut_rows(table, result, self.becomes(table.task), f"{name}_parent", self.label == "copy")
        return with_failures(*made_table)

    def weigh(self, made_table: Table) -> Decisions:
        """1/n for each of n training clips of one video, if asked."""
        return made.shared_weights(made_table, self.name, "clips of") if self.weight == "share" else Decisions()

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
