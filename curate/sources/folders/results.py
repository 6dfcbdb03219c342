"""Results of runs, which are taken for data by those who mean their rows."""

from __future__ import annotations

from pathlib import Path

from curate.errors import ConfigError

FILES = ("manifest.json", "ledger.parquet", "plan.parquet")
"""By which the result of a run is known."""


def refuse_result(folder: Path, source: str) -> None:
    """Raise ConfigError where a folder is what `curate run` wrote."""
    if all((folder / name).is_file() for name in FILES):
        raise ConfigError(
            f"{source}: is a result of `curate run`, no data: `curate export {source} OUT --format parquet` writes the"
            " rows that it keeps, which can then be read; curate.open opens it in Python"
        )
