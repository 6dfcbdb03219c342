"""`curate run`: carry a pipeline out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared


def run(
    file: Annotated[Path, typer.Argument(help="The pipeline file.", show_default=False)],
    source: Annotated[str | None, typer.Option(help="Data to curate instead of the pipeline's own source.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the result.")] = Path("curated"),
    json: shared.Json = False,
    cache: shared.CacheFolder = None,
    no_cache: shared.NoCache = False,
) -> int:
    """Carry a pipeline out: findings, decisions, plan and report go to a folder."""
    from curate.pipeline.pipeline import Pipeline
    from curate.report.terminal import render

    pipeline = Pipeline.from_yaml(file)
    with shared.progress(quiet=json) as tell:
        curated = pipeline.run(source, out, cache=shared.cache_option(cache, no_cache), progress=tell)
    if json:
        shared.echo(curated.to_json())
    else:
        render(curated.report, shared.console())
        shared.echo(
            f"report: {out / 'report.html'}\nopen it in Python: curate.open({str(out)!r}).loader(batch_size=64)"
        )
    return 0
