"""`curate init`: look at the data and write a pipeline that runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import shared
from curate.cli.roles import with_roles


@with_roles
def init(
    data: shared.Data,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("pipeline.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    roles: Any = None,
) -> int:
    """Look at the data and write a commented pipeline file that runs as it is."""
    from curate.errors import ConfigError
    from curate.pipeline.draft import draft
    from curate.sources import describe, load
    from curate.storage import write_text

    if out.exists() and not force:
        raise ConfigError(f"{out} exists; replace it with --force, or name another file with --out")
    shared.refuse_outputs((data,), out=out)
    table = load(data, roles)
    write_text(out, draft(table, data, out.parent))
    for line in describe(table):
        shared.echo(line)
    shared.echo(f"written: {out}\nnext: curate run {out}")
    return 0
