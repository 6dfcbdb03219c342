"""`curate schema`: the JSON Schemas."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from curate.cli import shared


class Which(StrEnum):
    """The files that have a schema."""

    pipeline = "pipeline"
    report = "report"


def schema(
    which: Annotated[Which, typer.Argument(help="Schema of a pipeline file or of a JSON report.")] = Which.pipeline,
) -> int:
    """Print the JSON Schema of pipeline files, steps of installed packages among them, or of JSON reports."""
    if which is Which.pipeline:
        from curate.pipeline.schema import pipeline_schema

        made = pipeline_schema()
    else:
        from curate import report

        made = report.schema()
    shared.echo(json.dumps(made, indent=2, ensure_ascii=False))
    return 0
