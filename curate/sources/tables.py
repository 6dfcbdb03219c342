"""Table files: one of any format, or several that belong together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, DataError
from curate.sources.conll import is_conll, read_conll
from curate.sources.delimited import read_delimited
from curate.sources.fasttext import is_fasttext, read_fasttext
from curate.sources.file_kinds import ARROW, DELIMITED, JSON, SERIES, TAGGED, ending
from curate.sources.jsonl import read_json
from curate.sources.npz import read_npz
from curate.sources.parquet import read_arrow
from curate.sources.raw import Raw, concatenated
from curate.sources.series_files import is_ucr, read_ts, read_ucr
from curate.sources.splits import about_and_split, split_name

ORDER = {"train": 0, "validation": 1, "test": 2}
INSTEAD = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "save the sheet as CSV"),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zip", ".zst", ".7z", ".rar"), "unpack it first"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "write the query's result to CSV or Parquet"),
    **dict.fromkeys(
        (".pkl", ".pickle", ".rds", ".rdata", ".sav", ".dta", ".h5", ".hdf5", ".mat"), "write it to Parquet"
    ),
    ".npy": "save it with its labels by numpy.savez",
    ".arff": "write it to CSV, or take the .ts of a series",
    **dict.fromkeys((".yaml", ".yml"), "a pipeline file is carried out by `curate run`"),
    ".txt": "rename a table to .csv or .tsv, or name its delimiter (source: {delimiter: ...}); lines that are texts"
    ' are written as JSON lines, {"text": ...}',
}
"""What to do with files of endings that people try."""


def read_table(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    source: str = "",
    files: Collection[str] | None = None,
) -> Raw:
    """Read one file by its ending; `files` are the names that rows of delimited text may be about.

    Raises:
        DataError: the ending is unknown, or the file can't be read.
    """
    kind, name = ending(path.name), source or path.name
    if kind in TAGGED or (kind == ".txt" and not delimiter and is_conll(path)):
        return read_conll(path, name, encoding)
    if kind == ".txt" and not delimiter and is_fasttext(path):
        return read_fasttext(path, name, encoding)
    if kind in SERIES:
        return read_ts(path, name, encoding)
    if kind in (*DELIMITED, ".txt") and not delimiter and is_ucr(path):
        return read_ucr(path, name, encoding)
    if kind in DELIMITED or (kind == ".txt" and delimiter):
        return read_delimited(path, source=name, delimiter=delimiter, encoding=encoding, files=files)
    if kind in JSON:
        return read_json(path, source=name, encoding=encoding)
    if kind in ARROW:
        return read_arrow(path, source=name)
    if kind == ".npz":
        return read_npz(path, source=name)
    instead = f": {INSTEAD[kind]}" if kind in INSTEAD else ""
    raise DataError(
        f"{path.name}: {kind or 'a file without an ending'} is no format that is read here{instead}; there are csv,"
        " tsv, jsonl, json, parquet, arrow, feather, npz, conll, conllu, ts, and folders of images, audio, video or txt"
        " files"
    )


def read_several(
    paths: Sequence[Path], source: str, root: Path, *, files: Collection[str] | None = None, **options: str | None
) -> Raw:
    """Several files as one source; names that are splits (train, test, ...) become a split column.

    `files` are the names of files that rows may be about: see `read_delimited`.

    Where the columns differ, the files that are named after splits and have the same columns go together, and all
    others are left out with a note.

    Raises:
        ConfigError: it is unclear which files belong together.
    """
    paths = sorted(paths, key=lambda path: ORDER.get(_split_of(path) or "", len(ORDER)))
    parts = {path: replace(read_table(path, files=files, **options), root=root) for path in paths}  # type: ignore[arg-type]
    chosen, note = _together(parts, source, root)
    raws = []
    for path in chosen:
        raw, split = parts[path], _split_of(path)
        if split and "split" not in raw.columns.column_names and len(chosen) > 1:
            column = pa.array([split], pa.string()).take(pa.array(np.zeros(len(raw), np.int64)))
            raw = replace(raw.with_column("split", pa.chunked_array([column])), roles={**raw.roles, "split": "split"})
        raws.append(raw)
    whole = concatenated(raws, source)
    return replace(whole, root=root, notes=(*whole.notes, *([note] if note else [])))


def _together(parts: dict[Path, Raw], source: str, root: Path) -> tuple[list[Path], str | None]:
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path, raw in parts.items():
        groups.setdefault(tuple(sorted(raw.columns.column_names)), []).append(path)
    if len(groups) == 1:
        return list(parts), None
    named = []
    for group in groups.values():
        of_splits = [path for path in group if _split_of(path)]
        if len(of_splits) > 1 and (of_splits == group or len({_split_of(path) for path in of_splits}) > 1):
            named.append(of_splits)
    if len(named) != 1:
        listed = "; ".join(" + ".join(_name(p, root) for p in group) for group in groups.values())
        raise ConfigError(f"{source}: holds tables with different columns ({listed}); name the file that is meant")
    left = [path for path in parts if path not in named[0]]
    taken = ", ".join(_name(path, root) for path in named[0])
    same = {path for group in groups.values() if named[0][0] in group for path in group}
    what = "named after no split or with other columns" if same & set(left) else "with other columns"
    return named[0], f"{taken} go together; left out, {what}: {', '.join(_name(p, root) for p in left)}"


def _split_of(path: Path) -> str | None:
    named = about_and_split(path.stem)
    return split_name(path.stem) or (named[1] if named else split_name(path.parent.name))


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
