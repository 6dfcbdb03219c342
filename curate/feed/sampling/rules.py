"""What of a sampler's options a task can't give: asked before a run, and once more when a loader is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from curate.errors import nearest
from curate.feed.sampling.options import SamplingOptions
from curate.task import Task

Fault = tuple[str, str]
"""Option, and what is wrong with it."""

WITHOUT_CLASSES = ("regression", "transcription", "unlabeled")


def sampling_faults(
    asked: SamplingOptions,
    mode: str,
    task: Task,
    columns: Sequence[str] | None,
    *,
    by_rows: bool = False,
    scores: Collection[str] = (),
    difficulty: bool = False,
) -> Iterator[Fault]:
    """Options that the loader refuses, whatever the rows hold.

    Args:
        asked: the options.
        mode: of the sampler.
        task: of the rows as they are fed.
        columns: of the table; None where transforms may add some.
        by_rows: whether the sampler adaptive follows rows.
        scores: names of checks, whose scores a curriculum may take.
        difficulty: whether the loader was told how hard each row is.
    """
    if (mode == "balanced" or (mode == "adaptive" and not by_rows)) and task.kind in WITHOUT_CLASSES:
        hint = " (adaptive: {by: rows} follows rows)" if mode == "adaptive" else ""
        yield "sampler", f"{mode} needs classes, and the task is {task.kind}{hint}"
    if mode == "group_balanced":
        column = asked.grouping.column if asked.grouping else None
        if column is None and task.group is None:
            yield "sampler", "group_balanced needs groups: name a column (grouping: {column: ...}), or the task's group"
        yield from _absent("grouping.column", column, columns)
    if mode == "curriculum" and not difficulty:
        by = asked.curriculum.by if asked.curriculum else None
        if by is None:
            yield (
                "sampler",
                "curriculum needs to know how hard each row is: name a column of numbers or a check"
                " (curriculum: {by: ...})",
            )
        elif by not in scores:
            yield from _absent("curriculum.by", by, columns, " and no check" if scores else "")
    yield from _of_lengths(asked, task) if asked.buckets else _without_lengths(asked)
    if asked.buckets:
        yield from _absent("length_column", asked.length_column, columns)


def _of_lengths(asked: SamplingOptions, task: Task) -> Iterator[Fault]:
    """About batches by length."""
    seconds, tokens, column = asked.batch_seconds, asked.batch_tokens, asked.length_column
    if seconds is not None and tokens is not None:
        yield "batch_seconds", "batch_tokens says how large a batch is, too: choose one"
    elif seconds is not None and (task.audio is None or task.text is not None):
        yield "batch_seconds", "it is for tasks of audio alone; batch_tokens is for texts"
    elif seconds is not None and column is not None:
        yield "length_column", "it counts what batch_tokens bounds; batch_seconds measures recordings itself"
    elif tokens is not None and task.audio is not None and not task.text and not column:
        yield "batch_tokens", "it is for texts; of recordings say batch_seconds"
    elif column is None and not (task.text or task.tokens or task.audio or task.series):
        yield (
            "batch_tokens" if tokens is not None else "bucket_by_length",
            "batches of similar lengths are for texts, recordings and series; of other inputs, name a column with"
            " lengths (length_column)",
        )
    if asked.max_batch is not None and tokens is None and seconds is None:
        yield "max_batch", "it is for batch_tokens and batch_seconds; without them batch_size says how many rows"


def _without_lengths(asked: SamplingOptions) -> Iterator[Fault]:
    """Options that say something of batches by length alone."""
    for name in ("max_batch", "length_column", "bucket_window"):
        if getattr(asked, name) != SamplingOptions.model_fields[name].default:
            yield name, "does nothing without batches by length: set bucket_by_length, batch_tokens or batch_seconds"


def _absent(option: str, column: str | None, columns: Sequence[str] | None, more: str = "") -> Iterator[Fault]:
    if column is not None and columns is not None and column not in columns:
        yield option, f"there is no column{more} {column!r}{nearest(column, columns)}; there are {', '.join(columns)}"
