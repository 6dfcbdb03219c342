"""Several tables of one folder that say different things of the same files, as one (CelebA's as Kaggle has them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

import pyarrow as pa

from curate.sources.folders.celeba import SPLITS
from curate.sources.raw import Raw
from curate.wording import counted, some_of

PARTITION = "partition"


def joined(tables: Mapping[str, Raw]) -> Raw | None:
    """One row per file with the columns of all tables; None where they share no column, or hardly any files.

    The first table with the most rows gives the rows; each file may stand once in each of them.

    Args:
        tables: path -> rows of which one column names files.
    """
    shared = set.intersection(*(set(raw.columns.column_names) for raw in tables.values()))
    keys = [name for name in next(iter(tables.values())).columns.column_names if name in shared]
    if len(keys) != 1 or any(raw.unreadable for raw in tables.values()):
        return None
    named = {path: raw.columns[keys[0]].to_pylist() for path, raw in tables.items()}
    if any(len(set(files)) != len(files) for files in named.values()):
        return None
    base = max(tables, key=lambda path: len(tables[path]))
    if any(2 * len(set(files) & set(named[base])) < len(files) for files in named.values()):
        return None
    whole, roles, known, left = tables[base], dict(tables[base].roles), set(named[base]), []
    for path, raw in tables.items():
        if path == base:
            continue
        if beyond := [str(file) for file in named[path] if file not in known]:
            rows_left = f"{counted(len(beyond), 'row')} of {path}"
            left.append(f"{rows_left} left out, as {base} does not name their files: {some_of(beyond, 3)}")
        place = {file: row for row, file in enumerate(named[path])}
        rows = pa.array([place.get(file) for file in named[base]], pa.int64())
        for name in raw.columns.column_names:
            if name != keys[0]:
                whole = whole.with_column(name, raw.columns[name].take(rows))
        if PurePath(path).stem == "list_eval_partition" and PARTITION in raw.columns.column_names:
            codes = whole.columns[PARTITION].to_pylist()
            whole = replace(whole, columns=whole.columns.drop_columns([PARTITION]))
            whole = whole.with_column("split", pa.array([SPLITS.get(code) for code in codes], pa.string()))
            roles["split"] = "split"
    note = f"{some_of(tables, 4)} are joined by {keys[0]!r}"
    return replace(whole, roles=roles, notes=(*(one for raw in tables.values() for one in raw.notes), note, *left))
