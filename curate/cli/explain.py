"""`curate explain`: everything about one row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared


def explain(
    folder: Annotated[Path, typer.Argument(help="Folder of a result.", show_default=False)],
    row_id: Annotated[list[str], typer.Argument(help="Ids of rows, or numbers as #17.", show_default=False)],
    json: shared.Json = False,
) -> int:
    """Say of rows where they come from, what was found, what was decided and what became of them."""
    from curate.pipeline.store import open_folder

    curated = open_folder(folder)
    ids = [curated.row_named(given) for given in row_id]
    if json:
        import json as json_module

        lines = [{"row_id": i, "explanation": curated.explain(i).splitlines()} for i in ids]
        shared.echo(json_module.dumps(lines, ensure_ascii=False))
    else:
        shared.echo("\n\n".join(curated.explain(i) for i in ids))
    return 0
