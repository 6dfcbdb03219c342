"""`curate compare`: the difference of two audits or of two results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import shared

_SIDE = "A JSON report, a Parquet file of findings, or the folder of a result."


def compare(
    first: Annotated[Path, typer.Argument(help=_SIDE, show_default=False)],
    second: Annotated[Path, typer.Argument(help="The same, to compare with the first.", show_default=False)],
    html: Annotated[Path | None, typer.Option(help="Write the comparison to this HTML file.")] = None,
    json: shared.Json = False,
) -> int:
    """Say what changed from the first to the second: rows gained, lost, relabelled and weighted anew, issues, class
    shares and measures. Reports say nothing of rows without an issue; Parquet files and folders name every row."""
    from curate.pipeline.comparing import compare as run_compare
    from curate.report.comparison import render

    found = run_compare(first, second)
    if html is not None:
        from curate.pipeline.files import write_text
        from curate.report.html import comparison_page

        write_text(html, comparison_page(found))
    if json:
        shared.echo(found.to_json(), end="")
        return 0
    render(found, shared.console())
    if html is not None:
        shared.say(f"written: {html}")
    return 0
