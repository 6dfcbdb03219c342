"""The rows that a pipeline runs on: what is given, or its own source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, DataError
from curate.pipeline.pipeline import Pipeline
from curate.sources import load
from curate.sources.opening import is_hub_name
from curate.table import Table
from curate.task import Task


def load_source(pipeline: Pipeline, data: Any = None) -> Table:
    """The rows that a pipeline runs on: the data that are given, or its own source. Raises ConfigError, DataError."""
    if isinstance(data, Table):
        return data
    options: dict[str, Any] = {}
    if data is None:
        if pipeline.source is None:
            raise ConfigError("there is no data: the pipeline names no source, and none was given")
        options = pipeline.source.model_dump(exclude_defaults=True, exclude={"path"})
        if "root" in options:
            options["root"] = pipeline.folder / options["root"]
        path = pipeline.source.path
        data = _beside(pipeline, path) if isinstance(path, str) else [_beside(pipeline, p) for p in path]
    return load(data, _with_target(pipeline), **options)


def _with_target(pipeline: Pipeline) -> Task | None:
    """The pipeline's task, with the path of its target relative to the file resolved; a split's name stays."""
    task = pipeline.task
    if task is None or task.target is None or not (pipeline.folder / task.target).exists():
        return task
    return task.model_copy(update={"target": os.path.normpath(pipeline.folder / task.target)})


def _beside(pipeline: Pipeline, path: str) -> str:
    """A path of the pipeline file, relative to it; hub ids and URLs stay as they are. Raises DataError."""
    local = Path(os.path.normpath(pipeline.folder / path))
    if "://" in path or (is_hub_name(path) and not local.parent.is_dir()):
        return path
    if not local.exists() and not any(c in path for c in "*?["):
        raise DataError(
            f"{local}: there is no such file or folder; it is the source that the pipeline names, relative to its"
            " file. Correct it, or name other data for this run (--source on the command line)"
        )
    return str(local)
