"""Vectors and their classes in text files side by side, ``X_train.txt`` and ``y_train.txt``, as UCI HAR has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.formats.memory import vector_column
from curate.sources.lists.split_lists import lines_of
from curate.sources.raw import Raw, concatenated, origins
from curate.sources.splits import CANONICAL

_INPUT = re.compile(r"^X_(?P<split>[A-Za-z]+)\.txt$")
NAMES = ("activity_labels.txt", "labels.txt", "classes.txt")
"""Lists of the classes, with their numbers."""


def vectors_and_classes(folder: Path, texts: Sequence[str], source: str) -> tuple[Raw, list[str]] | None:
    """The rows of all pairs of files, with the ``subject`` of each where a file says it; None where there is no pair.

    Raises:
        DataError: a file holds something else than numbers, or lines are not as many as in the other.
    """
    there = set(texts)
    parts, used = [], []
    names = _names(folder, texts)
    for path in texts:
        match = _INPUT.match(PurePath(path).name)
        split = CANONICAL.get(match["split"].lower()) if match else None
        labels = str(PurePath(path).with_name(f"y_{match['split']}.txt")) if match else ""
        if match is None or split is None or labels not in there:
            continue
        subjects = str(PurePath(path).with_name(f"subject_{match['split']}.txt"))
        used += [path, labels, *([subjects] if subjects in there else [])]
        part = _read(folder, path, labels, names)
        if subjects in there:
            part = _with(part, "subject", _codes(folder, subjects, len(part)))
        parts.append(replace(_with(part, "split", [split] * len(part)), roles={**part.roles, "split": "split"}))
    if not parts:
        return None
    return replace(concatenated(parts, source), root=folder, bases=(folder,)), used


def _read(folder: Path, path: str, labels: str, names: dict[str, str]) -> Raw:
    try:
        values = np.loadtxt(folder / path, dtype=np.float64, ndmin=2)
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: no lines of equally many numbers: {error}") from error
    codes = _codes(folder, labels, len(values))
    columns = {"features": vector_column(values), "label": pa.array([names.get(code, code) for code in codes])}
    return Raw(
        pa.table(columns),
        path,
        origin=origins(path, np.arange(1, len(values) + 1)),
        roles={"features": "features", "label": "label"},
    )


def _codes(folder: Path, path: str, rows: int) -> list[str]:
    found = lines_of(folder / path)
    if len(found) != rows:
        raise DataError(f"{path}: {len(found):,} lines, and {rows:,} rows to which they belong")
    return found


def _with(raw: Raw, name: str, values: Sequence[str]) -> Raw:
    return raw.with_column(name, pa.array(values, pa.string()))


def _names(folder: Path, texts: Sequence[str]) -> dict[str, str]:
    """Number -> name of the class, by lines such as ``1 WALKING``."""
    path = next((path for path in texts if PurePath(path).name in NAMES), None)
    pairs = [line.split(maxsplit=1) for line in lines_of(folder / path)] if path else []
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
