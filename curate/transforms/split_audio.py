"""The step that cuts long recordings into clips."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.ledger import Decisions
from curate.media import audio
from curate.step import Transform
from curate.transforms import _made_rows as made
from curate.transforms.media.cutting import cut_rows, refuse_taken, windows
from curate.transforms.media.rewriting import MEDIA, rewrite, with_failures
from curate.transforms.media.sounds import AudioFormat, loud_spans

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task


class SplitAudio(Transform):
    """Cuts long recordings into clips of equal length, or at their pauses: 1 to n rows, each with its parent's id.

    Recordings of all splits are cut alike; a short one stays a row with its own id, byte for byte. The columns
    ``<audio>_start`` and ``<audio>_end`` say where in the parent a clip stands, in seconds. Clips of one recording stay
    together: a task without groups gets the column ``<audio>_parent`` as its group.
    Cost: one decoding of each file, and one encoding of each clip, on all cores.
    Source: windows with overlap; pauses as librosa's `effects.split` finds them.
    """

    modalities = ("audio",)

    by: Literal["windows", "pauses"] = Field(
        "windows", description="windows of equal length, or stretches between pauses (cut in windows where too long)"
    )
    seconds: float = Field(10.0, gt=0, le=3600, description="length of a clip, in seconds; the most of it by pauses")
    overlap_seconds: float = Field(0.0, ge=0, description="how much of a window the next one repeats, in seconds")
    min_seconds: float = Field(
        1.0, ge=0, description="a shorter last window begins earlier, a shorter stretch is joined to its neighbour"
    )
    below_peak_db: float = Field(
        40.0, gt=0, le=120, description="by pauses: frames so many dB softer than the loudest one are silent"
    )
    min_pause_seconds: float = Field(0.3, gt=0, description="by pauses: shorter silences don't part, in seconds")
    label: Literal["copy", "none"] = Field("copy", description="whether clips have the parent's label")
    weight: Literal["share", "same"] = Field(
        "share",
        description="training clips of one recording weigh 1/n each (share), or each as much as a recording (same)",
    )
    format: AudioFormat = Field("wav", description="of the files that are written")
    bits: Literal[16, 24] = Field(16, description="per sample of these")

    @model_validator(mode="after")
    def _overlap_is_shorter(self) -> SplitAudio:
        if self.overlap_seconds >= self.seconds:
            raise ValueError(f"overlap_seconds must be smaller than seconds ({self.seconds:g})")
        if self.min_seconds > self.seconds:
            raise ValueError(f"min_seconds must be at most seconds ({self.seconds:g})")
        return self

    def refuses(self, task: Task) -> str | None:
        """A transcript speaks of the whole recording."""
        if task.transcript:
            return "split_audio cuts recordings, and their transcripts speak of the whole"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With a group, and without an embedding of whole recordings."""
        return task.model_copy(update={"group": task.group or f"{task.audio}_parent", "embedding": None})

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with clips in place of long recordings.

        Raises:
            DataError: columns for the places are taken, or there is no room for what is written.
            MissingPackage: the extra ``audio`` is not installed.
        """
        name = str(table.task.audio)
        start, end = f"{name}_start", f"{name}_end"
        refuse_taken(table, self.name, (start, end))

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]]:
            given = audio.decode(data[name])
            places = self.places(given.samples, given.rate)
            if len(places) == 1:
                return [{name: data[name], start: 0.0, end: given.seconds}]
            return [
                {name: audio.encode(given.samples[:, a:b], given.rate, self.format.upper(), self.bits)}
                | {start: a / given.rate, end: b / given.rate}
                for a, b in places
            ]

        schema = pa.schema([(name, MEDIA), (start, pa.float64()), (end, pa.float64())])
        result = rewrite(table, [name], schema, change)
        made_table = cut_rows(table, result, self.becomes(table.task), f"{name}_parent", self.label == "copy")
        return with_failures(*made_table)

    def weigh(self, made_table: Table) -> Decisions:
        """1/n for each of n training clips of one recording, if asked."""
        return made.shared_weights(made_table, self.name, "clips of") if self.weight == "share" else Decisions()

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
