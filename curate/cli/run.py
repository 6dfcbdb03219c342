"""`curate run`: carry a pipeline out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import shared

From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Carry out this step and all after it, whatever is kept of them; earlier steps are taken from the cache"
        " where it has them.",
        show_default=False,
    ),
]
Undo = Annotated[
    list[str] | None,
    typer.Option(help="Leave the entries of this step out of the ledger, and make the plan without. Repeatable."),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say what would be done, by step, told from 1,000 rows; nothing is written."),
]


def run(
    file: Annotated[Path, typer.Argument(help="The pipeline file.", show_default=False)],
    source: Annotated[str | None, typer.Option(help="Data to curate instead of the pipeline's own source.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the result.")] = Path("curated"),
    from_step: From = None,
    undo: Undo = None,
    dry_run: DryRun = False,
    json: shared.Json = False,
    cache: shared.CacheFolder = None,
    no_cache: shared.NoCache = False,
    cache_limit: shared.CacheLimit = None,
    rehash: shared.Rehash = False,
    memory: shared.Memory = None,
    engine: shared.Engine = "local",
    address: shared.Address = None,
) -> int:
    """Carry a pipeline out: findings, decisions, plan and report go to a folder.

    A run that was stopped goes on where it was when the same command is given again; after a change of the pipeline
    file it begins with the first step that differs.
    """
    from curate.evidence.memory import limit_memory
    from curate.pipeline.pipeline import Pipeline

    shared.limit_cache(cache_limit)
    limit_memory(memory)
    pipeline = Pipeline.from_yaml(file, thorough=True)
    if dry_run:
        return _foretell(pipeline, source, out, from_step, undo or [], json)
    with shared.progress(quiet=json) as tell:
        curated = pipeline.run(
            source,
            out,
            cache=shared.cache_option(cache, no_cache),
            progress=tell,
            engine=engine,
            address=address,
            from_step=from_step,
            undo=undo or [],
            rehash=rehash,
        )
    _print(curated, out, json)
    return 0


def _print(curated: Any, out: Path, json: bool) -> None:
    if json:
        shared.echo(curated.to_json())
        return
    from curate.report.terminal import render

    render(curated.report, shared.console())
    shared.echo(f"report: {out / 'report.html'}\nopen it in Python: curate.open({str(out)!r}).loader()")


def _foretell(pipeline: Any, source: str | None, out: Path, from_step: str | None, undo: list[str], json: bool) -> int:
    """Print what a run would do. Raises ConfigError where the run itself would be refused."""
    from curate.pipeline.files import refuse_folder
    from curate.pipeline.run import position

    refuse_folder(out)
    if from_step is not None:
        position(pipeline, from_step, "--from")
    with shared.progress(quiet=json) as tell:
        found = pipeline.forecast(source, undo=undo, progress=tell)
    shared.echo(found.to_json() if json else str(found))
    return 1 if found.stops else 0
