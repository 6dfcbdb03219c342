"""`curate export`: a result in the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared


def export(
    folder: Annotated[Path, typer.Argument(help="Folder of a result.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="Folder to write; an earlier export is replaced.", show_default=False)],
    form: Annotated[
        str, typer.Option("--format", help="parquet, huggingface, webdataset, imagefolder or croissant.")
    ] = "parquet",
    split: Annotated[str | None, typer.Option(help="Write this split alone.", show_default=False)] = None,
    repeated: Annotated[bool, typer.Option("--repeated", help="A line per draw of an epoch, not one per row.")] = False,
    skip: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out rows whose files can't be read any more, and say so.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="Where files are written: local (this process), or ray (the nodes of a cluster).")
    ] = "local",
    address: shared.Address = None,
    json: shared.Json = False,
) -> int:
    """Write the kept rows with curated labels, soft labels and weights for other tools to read."""
    from curate.pipeline.exporting.written import refuse
    from curate.pipeline.store import open_folder

    refuse(out)
    where = {} if engine == "local" and address is None else {"engine": engine, "address": address}
    written = open_folder(folder).export(
        out, form, split=split, repeated=repeated, on_error="skip" if skip else "raise", **where
    )
    shared.echo(written.to_json() if json else str(written))
    return 0
