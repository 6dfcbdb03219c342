"""What the names of files say of their rows, by a pattern that the user gives: ``{label}_{speaker}_{take:d}``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError
from curate.name_patterns import HOW, compiled
from curate.sources.columns.column_types import with_numbers
from curate.sources.columns.media_columns import find_media
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import of_all

ROLES = ("label", "group", "split", "id")
"""Fields that are roles by their names."""
OPTION = "--file-names"
"""Stands in every note about what was guessed from names of files; with a pattern, neither note nor guess counts."""


def with_file_names(raw: Raw, given: Task, *, required: bool = True) -> Raw:
    """The source with a column for each field of the task's `file_names`, null where a name does not fit.

    The fields ``label``, ``group``, ``split`` and ``id`` play these roles. A pattern with slashes looks at the folders
    above a file, too; endings may be left out.

    Args:
        raw: the source.
        given: the roles that the user named.
        required: whether it is an error, or leaves the rows as they are, that they are no files or no name fits.

    Raises:
        ConfigError: the rows are no files, or no name fits.
    """
    if given.file_names is None:
        return raw
    (names, pattern), parts = compiled(given.file_names), given.file_names.count("/") + 1
    paths = _paths(raw)
    if paths is None:
        if required:
            raise ConfigError(f"{raw.source}: file_names reads names of files, and the rows name none")
        return raw
    known = _fields(pattern, sorted(set(paths)), parts)
    missing = [path for path in paths if known[path] is None]
    if len(missing) == len(paths) and not required:
        return raw
    if len(missing) == len(paths):
        raise ConfigError(f"{raw.source}: no name fits the pattern {given.file_names!r}, {paths[0]!r} first. {HOW}")
    fields = {name: [(known[path] or {}).get(name) for path in paths] for name in names}
    if taken := sorted(fields.keys() & {*find_media(raw).kinds}):
        raise ConfigError(f"file_names: the field {taken[0]!r} is the column of the files; give it another name")
    for name, column in zip(fields, with_numbers(pa.table({k: pa.array(v) for k, v in fields.items()})).columns):
        raw = raw.with_column(name, column)
    notes = []
    if missing:
        lone = of_all(len(missing), len(paths), "name", "names", ("does", "do"))
        notes.append(f"{lone} not fit the pattern {given.file_names!r} and say nothing ({missing[0]!r} first)")
    before = [note for note in raw.notes if OPTION not in note]
    guessed = ("label", "group") if len(before) < len(raw.notes) else ()
    roles = {role: name for role, name in raw.roles.items() if role not in guessed}
    return replace(raw, roles={**roles, **{name: name for name in ROLES if name in fields}}, notes=(*before, *notes))


def _paths(raw: Raw) -> list[str] | None:
    """(n,) the file of each row, ``""`` where one has none; None where rows are no files."""
    if raw.origin is not None and raw.origin["line"].null_count == len(raw):
        files = raw.origin["file"].cast(pa.string())
    elif media := find_media(raw).ranked:
        column = raw.columns[media[0]]
        files = pc.struct_field(column, "path") if pa.types.is_struct(column.type) else column
        if pa.types.is_binary(files.type) or pa.types.is_large_binary(files.type):
            return None
    else:
        return None
    return [(path or "").replace(os.sep, "/") for path in files.to_pylist()]


def _fields(pattern: str, paths: Sequence[str], parts: int) -> dict[str, dict[str, str] | None]:
    """Path -> field -> text, by the name without its ending or with it; None where neither fits.

    Arrow's expressions take time in proportion to the name, whatever pattern and name are; Python's do not.
    """
    whole = [PurePosixPath(*PurePosixPath(path).parts[-parts:]) for path in paths]
    bare = pc.extract_regex(pa.array([str(path.with_suffix("")) if path.name else "" for path in whole]), pattern)
    full = pc.extract_regex(pa.array([str(path) for path in whole]), pattern)
    return dict(zip(paths, pc.coalesce(bare, full).to_pylist(), strict=True))
