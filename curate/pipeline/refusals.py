"""What of a pipeline can't be used for the rows at hand, said before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator

from curate import registry
from curate.errors import ConfigError
from curate.evidence.target import refuse_missing
from curate.pipeline.cautions import nested_features
from curate.pipeline.document import Place
from curate.pipeline.feeding import feed_faults
from curate.pipeline.pipeline import Pipeline
from curate.step import Augment, Check, Step, Transform
from curate.table import Table
from curate.task import Task


def refuse(pipeline: Pipeline, table: Table) -> None:
    """Raise ConfigError if steps or the feed can't be used for this task: all of it, by line where there is a file."""
    found = list(_refusals(pipeline, table))
    if pipeline.document is not None:
        where, places = pipeline.document.where, pipeline.document.places
        found.sort(key=lambda one: places.get(one[0], (0, 0)))
        found = [(place, f"{where(place)}: {why}") for place, why in found]
    if found:
        raise ConfigError("\n".join(why for _, why in found))


def _refusals(pipeline: Pipeline, table: Table) -> Iterator[tuple[Place, str]]:
    """Places in the pipeline, and why what stands there can't be used."""
    try:
        refuse_missing(table)
    except ConfigError as error:
        yield ("task", "target"), str(error)
    task = table.task
    for i, (step, name) in enumerate(zip(pipeline.located(), pipeline.step_names)):
        try:
            why = _refused(step, task)
            if why is None and isinstance(step, Transform):
                task = step.becomes(task)
        except ConfigError as error:
            why = str(error)
        if why is not None:
            yield ("steps", i, step.name), why if why.startswith(step.name) else f"{name}: {why}"
    if (why := nested_features(table)) and not any(step.name == "fuse" for step in pipeline.steps):
        yield ("task", "features"), why
    transforms = any(isinstance(step, Transform) for step in pipeline.steps)
    for name, why in feed_faults(pipeline.feed, task, None if transforms else table.column_names):
        yield ("feed", name), f"feed.{name}: {why}"


def _refused(step: Step, task: Task) -> str | None:
    """Why a step, or a fix of it, can't be used for a task, None if it can. Raises ConfigError for operations."""
    why = step.refuses(task)
    if why is None and isinstance(step, Augment):
        step.recipe(task)
    if why is None and isinstance(step, Check) and step.fix is not None:
        return "; ".join(no for fix in registry.fixes(step.fix) if (no := fix.refuses(task))) or None
    return why
