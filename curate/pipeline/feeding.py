"""What of a `feed:` part can't be done for a task, said before a run and not when its loader is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from curate import registry
from curate.errors import nearest
from curate.feed.inputs.options import idle
from curate.pipeline.settings import FeedSettings
from curate.task import Task

WITHOUT_CLASSES = ("regression", "transcription", "unlabeled")


def feed_faults(feed: FeedSettings, task: Task, columns: Sequence[str] | None) -> Iterator[str]:
    """Sentences about settings that the loader would refuse.

    Args:
        feed: the settings.
        task: of the rows as they are fed.
        columns: of the table; None where transforms may add some.
    """
    by_rows = feed.adaptive is not None and feed.adaptive.by == "rows"
    if (feed.sampler == "balanced" or (feed.sampler == "adaptive" and not by_rows)) and task.kind in WITHOUT_CLASSES:
        hint = " (adaptive: {by: rows} follows rows)" if feed.sampler == "adaptive" else ""
        yield f"feed.sampler: {feed.sampler} needs classes, and the task is {task.kind}{hint}"
    if feed.sampler == "group_balanced":
        column = feed.grouping.column if feed.grouping else None
        if column is None and task.group is None:
            yield (
                "feed.sampler: group_balanced needs groups: name a column (grouping: {column: ...}), or the task's"
                " group"
            )
        yield from _absent("feed.grouping.column", column, columns)
    if feed.sampler == "curriculum":
        by = feed.curriculum.by if feed.curriculum else None
        if by is None:
            yield (
                "feed.sampler: curriculum needs to know how hard each row is: name a column of numbers or a check"
                " (curriculum: {by: ...})"
            )
        elif by not in registry.step_names():
            yield from _absent("feed.curriculum.by", by, columns, " and no check")
    yield from _lengths(feed, task, columns)
    yield from (f"feed.{name}: {why}" for name, why in idle(feed, task))


def _lengths(feed: FeedSettings, task: Task, columns: Sequence[str] | None) -> Iterator[str]:
    """About batches by length."""
    yield from _absent("feed.length_column", feed.length_column, columns)
    if feed.batch_tokens is not None and feed.batch_seconds is not None:
        yield "feed: batch_tokens and batch_seconds both say how large a batch is: choose one"
    elif feed.batch_seconds is not None and (task.audio is None or task.text is not None):
        yield "feed.batch_seconds: it is for tasks of audio alone; batch_tokens is for texts"
    elif feed.buckets and feed.length_column is None and not (task.text or task.tokens or task.audio or task.series):
        yield (
            "feed: batches of similar lengths are for texts, recordings and series; of other inputs, name a column with"
            " lengths (length_column)"
        )


def _absent(setting: str, column: str | None, columns: Sequence[str] | None, more: str = "") -> Iterator[str]:
    if column is not None and columns is not None and column not in columns:
        yield f"{setting}: there is no column{more} {column!r}{nearest(column, columns)}"
