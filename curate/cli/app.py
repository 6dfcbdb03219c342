"""The app: its commands and the options that all of them share."""

from __future__ import annotations

from typing import Annotated

import typer

from curate.cli import audit, cache, compare, explain, export, init, run, schema, steps, validate

app = typer.Typer(
    help="Turn a raw, noisy, unbalanced dataset into batches worth training on, and say of every row why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from curate import __version__

        typer.echo(f"curate {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of every command; `--debug` (anywhere) shows tracebacks."""


app.command("init")(init.init)
app.command("audit")(audit.audit)
app.command("run")(run.run)
app.command("compare")(compare.compare)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("steps")(steps.steps)
app.command("schema")(schema.schema)
app.command("validate")(validate.validate)
app.command("cache")(cache.cache)
