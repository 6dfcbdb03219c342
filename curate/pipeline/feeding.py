"""What of a `feed:` part can't be done for a task, said before a run and not when its loader is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from curate import registry
from curate.feed.inputs.options import idle
from curate.feed.sampling.rules import sampling_faults
from curate.pipeline.settings import FeedSettings
from curate.task import Task


def feed_faults(feed: FeedSettings, task: Task, columns: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """Settings that the loader would refuse, by name, each with a sentence that says why.

    Args:
        feed: the settings.
        task: of the rows as they are fed.
        columns: of the table; None where transforms may add some.
    """
    by_rows = feed.adaptive is not None and feed.adaptive.by == "rows"
    checks = registry.step_names()
    faults = sampling_faults(feed, feed.sampler, task, columns, by_rows=by_rows, scores=checks)
    yield from (*faults, *idle(feed, task))
