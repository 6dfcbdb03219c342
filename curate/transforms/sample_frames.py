"""The step that makes images of videos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
from pydantic import Field

from curate.ledger import Decisions
from curate.media import image, video
from curate.step import Transform
from curate.transforms import _made_rows as made
from curate.transforms.media.cutting import cut_rows, refuse_taken
from curate.transforms.media.rewriting import MEDIA, rewrite, with_failures

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task


class SampleFrames(Transform):
    """Makes images of evenly spaced frames of each video, which take its place as input: 1 to n rows.

    Frame i of k is the one at (i + 1/2) / k of the video. The column ``<video>_seconds`` says when it is seen. Images
    of one video stay together: a task without groups gets the column ``<video>_parent`` as its group.
    Cost: the decoding up to the last wanted frame of each video, on all cores.
    Source: temporal segments as in Wang and others, Temporal segment networks, 2016.
    """

    modalities = ("video",)

    frames: int = Field(8, ge=1, le=10_000, description="images of each video; fewer of one that has fewer frames")
    every_seconds: float | None = Field(
        None, gt=0, description="one image per so many seconds instead, `frames` at most; left out for `frames` of each"
    )
    longest_px: int | None = Field(
        None,
        ge=8,
        le=16_384,
        description="longest side that larger images are shrunk to, in pixels; their own if left out",
    )
    column: str = Field("image", min_length=1, description="name of the new column, which becomes the task's image")
    format: Literal["png", "jpeg", "webp"] = Field("jpeg", description="of the images")
    quality: int = Field(95, ge=1, le=100, description="of JPEG and WebP")
    label: Literal["copy", "none"] = Field("copy", description="whether images have the video's label")
    weight: Literal["share", "same"] = Field(
        "share", description="training images of one video weigh 1/n each (share), or each as much as a video (same)"
    )

    def refuses(self, task: Task) -> str | None:
        """There is one image per row."""
        if task.image:
            return f"sample_frames makes the task's image, and there is one already ({task.image!r})"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With an image in place of the video, a group, and without an embedding of videos."""
        group = task.group or f"{task.video}_parent"
        return task.model_copy(update={"image": self.column, "video": None, "group": group, "embedding": None})

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with images in place of videos.

        Raises:
            DataError: a column that would be made is there already, or there is no room for what is written.
            MissingPackage: the extra ``video`` is not installed.
        """
        name = str(table.task.video)
        seconds = f"{name}_seconds"
        refuse_taken(table, self.name, (self.column, seconds))

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]]:
            count = self.frames
            if self.every_seconds is not None:
                length = video.decode(data[name], frames=1, size=16, straight_pixels=0).seconds
                count = min(count, max(1, round(length / self.every_seconds)))
            given = video.decode(data[name], frames=count, size=self.longest_px)
            return [
                {self.column: image.encode(pixels, self.format.upper(), self.quality), seconds: float(at)}
                for pixels, at in zip(given.frames, given.times)
            ]

        result = rewrite(table, [name], pa.schema([(self.column, MEDIA), (seconds, pa.float64())]), change)
        made_table = cut_rows(table, result, self.becomes(table.task), f"{name}_parent", self.label == "copy")
        return with_failures(*made_table)

    def weigh(self, made_table: Table) -> Decisions:
        """1/n for each of n training images of one video, if asked."""
        return made.shared_weights(made_table, self.name, "images of") if self.weight == "share" else Decisions()
