"""Where a row stands in the user's files, as a path that tools can open."""

from __future__ import annotations

import os
from pathlib import Path

from curate.table import Table


def path_of(table: Table, file: str | None) -> str | None:
    """The file of a row relative to the working folder (absolute where it lies elsewhere), None where there is none.

    Args:
        table: the rows.
        file: as `table.origin` or a media path names it: relative to the table's root.
    """
    if not file:
        return None
    path = Path(file) if table.root is None else Path(table.root) / file
    try:
        if not path.exists():
            return file
    except (OSError, ValueError):  # a name that no file can have
        return file
    absolute, here = path.resolve(), Path.cwd()
    return os.path.relpath(absolute, here) if absolute.is_relative_to(here) else str(absolute)
