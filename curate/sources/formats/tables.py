"""Table files: one of any format, or several that belong together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, DataError
from curate.sources.delimited.delimited import read_delimited
from curate.sources.delimited.sniffing import is_aligned, is_delimited
from curate.sources.file_kinds import (
    ARROW,
    DELIMITED,
    FIELDS,
    JSON,
    MEMORIES,
    QUESTIONS,
    SERIES,
    SPLIT_ENDINGS,
    TAGGED,
    TEXT,
    WEKA,
    TextOptions,
    ending,
)
from curate.sources.formats.arff import is_keel, read_arff
from curate.sources.formats.conll import is_conll, read_conll
from curate.sources.formats.cvat import is_cvat, read_cvat
from curate.sources.formats.fasttext import is_fasttext, read_fasttext, with_sets
from curate.sources.formats.jsonl import read_json
from curate.sources.formats.libsvm import is_libsvm, of_one_width, read_libsvm
from curate.sources.formats.npz import read_npz
from curate.sources.formats.parquet import read_arrow
from curate.sources.formats.series_files import is_ucr, read_ts, read_ucr
from curate.sources.formats.text_lines import is_tabbed, read_lines
from curate.sources.formats.tmx import read_tmx
from curate.sources.formats.trec import read_trec
from curate.sources.formats.via import from_via_csv, is_via_csv
from curate.sources.lists.numbered_labels import with_class_names
from curate.sources.raw import Raw, concatenated
from curate.sources.splits import split_name, split_of_file
from curate.table import HELD_OUT
from curate.wording import some_of

UNTOLD = ("", ".txt", ".t")
"""Endings of files that may be of several forms; LIBSVM writes ``a9a`` and ``a9a.t`` for testing."""
XML = ".xml"
LIBSVM = (".libsvm", ".svm", ".svmlight")
OTHERS = ("with other columns", "named after no split or with other columns")
ORDER = {"train": 0, "validation": 1, "test": 2}
INSTEAD = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), "save the sheet as CSV"),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zip", ".zst", ".7z", ".rar"), "unpack it first"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "write the query's result to CSV or Parquet"),
    **dict.fromkeys(
        (".pkl", ".pickle", ".rds", ".rdata", ".sav", ".dta", ".h5", ".hdf5", ".mat"), "write it to Parquet"
    ),
    **dict.fromkeys((".xml", ".rttm"), "name the folder with the images or recordings that it is about"),
    ".npy": "save it with its labels by numpy.savez",
    **dict.fromkeys((".yaml", ".yml"), "a pipeline file is carried out by `curate run`"),
}
"""What to do with files of endings that people try."""


def read_table(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    source: str = "",
    files: Collection[str] | None = None,
    bare: bool = False,
) -> Raw:
    """Read one file by its ending; `files` are the names that rows of delimited text may be about.

    With `bare`, delimited text whose first line holds no usual name of a column has no header.

    Raises:
        DataError: the ending is unknown, or the file can't be read.
    """
    kind, name = ending(path.name), source or path.name
    any_form = not delimiter and kind in (*SPLIT_ENDINGS, *UNTOLD)
    if kind in TAGGED or (any_form and is_conll(path)):
        return read_conll(path, name, encoding)
    if any_form and is_fasttext(path):
        return read_fasttext(path, name, encoding)
    if kind in LIBSVM or (any_form and is_libsvm(path)):
        return read_libsvm(path, name)
    if kind in QUESTIONS:
        return read_trec(path, name, encoding)
    if kind in SERIES:
        return read_ts(path, name, encoding)
    if kind in MEMORIES:
        return read_tmx(path, name)
    if kind in WEKA or (kind in FIELDS and is_keel(path)):
        return read_arff(path, name, encoding)
    if kind in (*DELIMITED, ".txt") and not delimiter and is_ucr(path):
        return read_ucr(path, name, encoding)
    parted = kind in (*SPLIT_ENDINGS, *FIELDS) and (delimiter or is_delimited(path))
    if kind in DELIMITED or parted or (kind == ".txt" and (delimiter or is_aligned(path))):
        raw = read_delimited(path, source=name, delimiter=delimiter, encoding=encoding, files=files, bare=bare)
        return from_via_csv(raw.columns, path, name) if is_via_csv(raw.columns) else raw
    if kind == XML and is_cvat(path):
        return read_cvat(path, name)
    if kind in JSON:
        return read_json(path, source=name, encoding=encoding)
    if kind in ARROW:
        return read_arrow(path, source=name)
    if kind == ".npz":
        return read_npz(path, source=name)
    if any_form or kind in TEXT or not kind:
        if is_tabbed(path):
            return read_delimited(path, source=name, delimiter="\t", encoding=encoding, files=files, bare=bare)
        return read_lines(path, name, encoding)
    instead = f": {INSTEAD[kind]}" if kind in INSTEAD else ""
    raise DataError(
        f"{path.name}: {kind or 'a file without an ending'} is no format that is read here{instead}; there are csv,"
        " tsv, jsonl, json, parquet, arrow, feather, npz, arff, conll, conllu, libsvm, tmx, ts, txt, and folders of"
        " images, audio, video or txt files"
    )


def is_table(path: Path) -> bool:
    """Whether a file of an ending that says nothing (``.dat``) holds rows of delimited text or of KEEL."""
    return is_keel(path) or is_delimited(path)


def read_several(
    paths: Sequence[Path],
    source: str,
    root: Path,
    *,
    files: Collection[str] | None = None,
    found: bool = False,
    **options: Unpack[TextOptions],
) -> Raw:
    """Several files as one source; names that are splits (train, test, ...) become a split column.

    `files` are the names of files that rows may be about: see `read_delimited`. `found` says that nobody named the
    files, so that beside several splits those named after none are left out with a note.

    Where the columns differ, the files that are named after splits and have the same columns go together, those of
    other splits among them that lack a few (the label of a contest's test rows), and all others are left out with a
    note.

    Raises:
        ConfigError: it is unclear which files belong together.
    """
    paths = sorted(paths, key=lambda path: ORDER.get(_split_of(path) or "", len(ORDER)))
    parts = {path: replace(read_table(path, files=files, **options), root=root) for path in paths}
    parts = _named_alike(parts, lambda path: read_table(path, files=files, bare=True, **options))
    chosen, notes = _together(parts, source, root, found)
    raws = []
    splits = _splits(chosen)
    for path, raw in zip(chosen, with_sets(of_one_width([parts[path] for path in chosen])), strict=True):
        split = splits[path]
        if split and "split" not in raw.columns.column_names and len(chosen) > 1:
            column = pa.array([split], pa.string()).take(pa.array(np.zeros(len(raw), np.int64)))
            raw = replace(raw.with_column("split", pa.chunked_array([column])), roles={**raw.roles, "split": "split"})
        raws.append(raw)
    whole = concatenated(raws, source)
    if "label" not in whole.roles and (target := _lacked(parts, chosen)):
        whole = replace(whole, roles={**whole.roles, "label": target})
    return with_class_names(replace(whole, root=root, notes=(*whole.notes, *notes)), root)


def _named_alike(parts: dict[Path, Raw], read_bare: Callable[[Path], Raw]) -> dict[Path, Raw]:
    """Files without headers with the names that the first of as many columns was given.

    So are files of as many columns whose first line, by itself, might be a header.
    """
    names: dict[int, list[str]] = {}
    widths = {raw.columns.num_columns for raw in parts.values() if raw.unnamed}
    found = {}
    for path, raw in parts.items():
        if not raw.unnamed and raw.columns.num_columns in widths and ending(path.name) in DELIMITED:
            raw = replace(read_bare(path), root=raw.root)
        if raw.unnamed:
            own = raw.columns.column_names
            called = names.setdefault(raw.columns.num_columns, own)
            told = [note.replace(", ".join(map(repr, own)), ", ".join(map(repr, called))) for note in raw.notes]
            raw = replace(raw, columns=raw.columns.rename_columns(called), notes=tuple(told))
        found[path] = raw
    return found


def _together(parts: dict[Path, Raw], source: str, root: Path, found: bool) -> tuple[list[Path], list[str]]:
    """The files that are read, and sentences about the others."""
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path, raw in parts.items():
        groups.setdefault(tuple(sorted(raw.columns.column_names)), []).append(path)
    if len(groups) == 1:
        of_splits = [path for path in parts if _split_of(path)]
        if not found or len({_split_of(path) for path in of_splits}) < 2:
            listed = some_of([_name(path, root) for path in parts], 4)
            return list(parts), [f"{listed} are read as parts of one table"] if found and len(parts) > 1 else []
        left = [path for path in parts if path not in of_splits]
        return of_splits, [_left(of_splits, left, "named after no split", root)] if left else []
    if nested := _nested(parts):
        left = [path for path in parts if path not in nested]
        lacking = [f"{_name(path, root)} has no {some_of(gone, 3, repr)}" for path, gone in nested.items() if gone]
        same = {tuple(sorted(parts[path].columns.column_names)) for path in nested}
        beside = any(tuple(sorted(parts[path].columns.column_names)) in same for path in left)
        return list(nested), [*lacking, *([_left(list(nested), left, OTHERS[beside], root)] if left else [])]
    named = []
    for group in groups.values():
        of_splits = [path for path in group if _split_of(path)]
        if len(of_splits) > 1 and (of_splits == group or len({_split_of(path) for path in of_splits}) > 1):
            named.append(of_splits)
    if len(named) != 1:
        listed = "; ".join(" + ".join(_name(p, root) for p in group) for group in groups.values())
        raise ConfigError(f"{source}: holds tables with different columns ({listed}); name the file that is meant")
    left = [path for path in parts if path not in named[0]]
    same = {path for group in groups.values() if named[0][0] in group for path in group}
    return named[0], [_left(named[0], left, OTHERS[bool(same & set(left))], root)]


def _nested(parts: dict[Path, Raw]) -> dict[Path, list[str]]:
    """Files of splits with half of the columns for training -> those that they lack; empty where there is but one."""
    columns = {path: raw.columns.column_names for path, raw in parts.items() if _split_of(path)}
    wide = [names for path, names in columns.items() if _split_of(path) == "train"]
    if len({tuple(sorted(names)) for names in wide}) != 1:
        return {}
    held = {path: names for path, names in columns.items() if 2 * len(set(names) & set(wide[0])) >= len(wide[0])}
    if len(held) < 2:
        return {}
    return {path: [name for name in wide[0] if name not in names] for path, names in held.items()}


def _lacked(parts: dict[Path, Raw], chosen: Sequence[Path]) -> str | None:
    """The one column that test rows lack, as those of contests do: the label."""
    names = {_split_of(path): parts[path].columns.column_names for path in chosen}
    gone = [name for name in names.get("train", ()) if name not in names.get("test", names.get("train", ()))]
    return gone[0] if len(gone) == 1 else None


def _left(taken: Sequence[Path], left: Sequence[Path], what: str, root: Path) -> str:
    together = ", ".join(_name(path, root) for path in taken)
    return f"{together} go together; left out, {what}: {', '.join(_name(path, root) for path in left)}"


def _split_of(path: Path) -> str | None:
    return split_of_file(path.name) or split_name(path.parent.name)


def _splits(paths: Sequence[Path]) -> dict[Path, str | None]:
    """The split of each file; what is called as a file for testing is, and no more, is for training (``a9a.t``)."""
    splits = {path: "test" if path.suffix == ".t" else _split_of(path) for path in paths}
    held = {path.stem for path, split in splits.items() if split in HELD_OUT}
    if "train" not in splits.values():
        splits |= {path: "train" for path, split in splits.items() if split is None and path.stem in held}
    return splits


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
