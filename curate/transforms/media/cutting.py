"""One row to many: where clips begin and end, and the table of the rows that they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.errors import DataError
from curate.ledger import Decisions
from curate.step import Transform
from curate.table import Table
from curate.task import Task
from curate.transforms import _made_rows as made
from curate.transforms.media.rewriting import MEDIA, Rewritten, rewrite, with_failures


class ClipCutter(Transform):
    """What steps share that cut a recording in clips of equal length or at its own borders."""

    role: ClassVar[str]
    what: ClassVar[str]
    """The recording, in words."""

    seconds: float = Field(10.0, gt=0, le=3600, description="length of a clip (the most of it by borders), in seconds")
    overlap_seconds: float = Field(0.0, ge=0, description="how much of a window the next one repeats, in seconds")
    min_seconds: float = Field(
        1.0, ge=0, description="a shorter last window begins earlier, a shorter stretch is joined to its neighbour"
    )
    label: Literal["copy", "none"] = Field("copy", description="whether clips have the parent's label")
    weight: Literal["share", "same"] = Field(
        "share", description="training clips of one parent weigh 1/n each (share), or each as much as a whole (same)"
    )

    @model_validator(mode="after")
    def _overlap_is_shorter(self) -> Self:
        if self.overlap_seconds >= self.seconds:
            raise ValueError(f"overlap_seconds must be smaller than seconds ({self.seconds:g})")
        if self.min_seconds > self.seconds:
            raise ValueError(f"min_seconds is {self.min_seconds:g}, and must be at most seconds ({self.seconds:g})")
        return self

    def refuses(self, task: Task) -> str | None:
        """A transcript speaks of the whole."""
        if task.transcript:
            return f"{self.name} cuts {self.what}s, and their transcripts speak of the whole"
        return super().refuses(task)

    def becomes(self, task: Task) -> Task:
        """With a group, and without an embedding of wholes."""
        group = task.group or f"{getattr(task, self.role)}_parent"
        return task.model_copy(update={"group": group, "embedding": None})

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with clips in place of long ones.

        Raises:
            DataError: columns for the places are taken, or there is no room for what is written.
            MissingPackage: the extra of the modality is not installed.
        """
        name = str(getattr(table.task, self.role))
        start, end = f"{name}_start", f"{name}_end"
        refuse_taken(table, self.name, (start, end))

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]]:
            seconds, clips = self.clips(data[name])
            if not clips:
                return [{name: data[name], start: 0.0, end: seconds}]
            return [{name: clip, start: a, end: b} for clip, a, b in clips]

        schema = pa.schema([(name, MEDIA), (start, pa.float64()), (end, pa.float64())])
        result = rewrite(table, [name], schema, change)
        made_table = cut_rows(table, result, self.becomes(table.task), f"{name}_parent", self.label == "copy")
        return with_failures(*made_table)

    def clips(self, data: bytes) -> tuple[float, list[tuple[bytes, float, float]]]:
        """Length of an encoded recording, and its clips with their start and end, in seconds; none if it stays whole.

        Raises:
            DecodeError: it can't be read.
        """
        raise NotImplementedError

    def weigh(self, made_table: Table) -> Decisions:
        """1/n for each of n training clips of one parent, if asked."""
        return made.shared_weights(made_table, self.name, "clips of") if self.weight == "share" else Decisions()


def windows(start: int, end: int, length: int, overlap: int, least: int) -> list[tuple[int, int]]:
    """Windows of `length` over [start, end), each beginning `length - overlap` after the one before.

    What is left at the end is a window of its own if it is at least `least` long; a shorter rest makes the last window
    begin earlier, so that nothing is lost and none is shorter.
    """
    if end - start <= length:
        return [(start, end)]
    step = length - overlap
    found = [(a, min(a + length, end)) for a in range(start, end - overlap, step)]
    a, b = found[-1]
    if b - a < least:
        found[-1] = (max(start, b - least), b)
    return found


def refuse_taken(table: Table, step: str, names: tuple[str, ...]) -> None:
    """Raises DataError where the columns in which a step writes the places of clips are there already."""
    for name in names:
        if name in table.dataset.column_names:
            raise DataError(
                f"{step}: the column {name!r} is there already, and the places of clips go there; rename it"
            )


def cut_rows(table: Table, result: Rewritten, task: Task, group: str, labelled: bool) -> tuple[Table, dict[int, str]]:
    """The table of what rows were cut into, and its own positions of rows that could not be read.

    Args:
        table: the rows there were.
        result: their parts; a row with one part stays itself.
        task: of the new table.
        group: name of the column that keeps parts together, where the task has none.
        labelled: whether parts have the label of the row.
    """
    counts = result.counts
    rows = np.repeat(np.arange(len(table)), counts)
    parts = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    parts = np.where(counts[rows] > 1, parts, -1)
    columns: dict[str, Any] = {**result.columns, **made.kept_together(table, rows, group)[0]}
    if table.task.label is not None and not labelled:
        columns[table.task.label] = table.column(table.task.label).take(pa.array(rows, mask=parts >= 0))
    first = np.cumsum(counts) - counts
    failures = {int(first[row]): reason for row, reason in result.failures.items()}
    return made.made_rows(table, rows, parts, columns, task), failures
