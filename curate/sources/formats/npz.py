"""NumPy archives: ``X`` and ``y``, ``features`` and ``labels``, or ``X_train`` and ``X_test``. No pickle is read."""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.formats.memory import from_columns
from curate.sources.raw import Raw, concatenated
from curate.sources.splits import CANONICAL

INPUTS = ("x", "features", "data", "images", "image", "series", "text", "texts", "arr_0", "vectors")
TARGETS = ("y", "label", "labels", "target", "targets", "arr_1", "class", "classes")
MAX_BYTES = 16 << 30
SUSPICIOUS_BYTES, MAX_RATIO = 1 << 30, 500
"""Unpacked bytes from which on an archive may hold no more than so many times its own size."""
_SPLIT = re.compile(r"^(?P<base>.+?)_(?P<split>[A-Za-z]+)$|^(?P<split2>[A-Za-z]+)_(?P<base2>.+)$")


def read_npz(path: Path, *, source: str | None = None) -> Raw:
    """Read an archive whose arrays have one row per item.

    Raises:
        DataError: not an archive, holds objects (pickle), or its arrays do not go together.
    """
    name = source or path.name
    try:
        _refuse_bombs(path, name)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except ValueError as error:
        if "pickle" in str(error):
            raise DataError(f"{name}: an array holds Python objects (pickle), which are never read") from error
        raise DataError(f"{name}: can't be read as npz: {error}") from error
    except (OSError, zipfile.BadZipFile, EOFError, AttributeError, zlib.error, MemoryError) as error:
        raise DataError(f"{name}: can't be read as npz: {error}") from error
    if not arrays:
        raise DataError(f"{name}: the archive is empty")
    by_split, bare = _splits(arrays)
    if not by_split:
        return replace(_part(arrays, name), root=path.parent, bases=(path.parent,))
    if "train" not in by_split and any(key.lower() in INPUTS for key in bare):
        by_split, bare = {"train": bare, **by_split}, {}  # X beside X_test is what there is to train on
    parts = []
    for split, members in by_split.items():
        part = _part(members, f"{name} ({split})")
        column = pa.array([split], pa.string()).take(pa.array(np.zeros(len(part), np.int64)))
        parts.append(replace(part.with_column("split", column), roles={**part.roles, "split": "split"}))
    whole = concatenated(parts, name)
    left = (f"{name}: {', '.join(bare)} left out: the name says no split",) if bare else ()
    return replace(whole, root=path.parent, bases=(path.parent,), notes=(*whole.notes, *left))


def _refuse_bombs(path: Path, name: str) -> None:
    """Refuse archives that unpack to more than they may, and arrays that promise more than the archive has.

    Raises:
        DataError: with the sizes.
    """
    with zipfile.ZipFile(path) as packed:
        members = packed.infolist()
        size, held = sum(member.file_size for member in members), max(1, path.stat().st_size)
        if size > MAX_BYTES:
            raise DataError(f"{name}: {size:,} bytes once unpacked, more than the limit of {MAX_BYTES:,}")
        if size > SUSPICIOUS_BYTES and size > MAX_RATIO * held:
            raise DataError(f"{name}: {held:,} bytes that unpack to {size:,}, more than {MAX_RATIO} times as many")
        for member in members:
            with packed.open(member) as file:
                shape, kind = _declared(file)
            promised = math.prod(shape) * kind.itemsize
            if not kind.hasobject and promised > member.file_size:
                raise DataError(
                    f"{name}: {member.filename} promises an array {'x'.join(map(str, shape))} of {promised:,} bytes and"
                    f" holds {member.file_size:,}"
                )


def _declared(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type by the header of an array; nothing where it is no array, which the reader will say."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
    except (ValueError, SyntaxError, TypeError, EOFError):
        return (), np.dtype("u1")
    return shape, kind


def _splits(arrays: dict[str, np.ndarray]) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """split -> base name -> array, where the names say so (``X_train``, ``train_images``), and the other arrays."""
    found: dict[str, dict[str, np.ndarray]] = {}
    bare: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        match = _SPLIT.match(key)
        pairs = [] if match is None else [(match["base"], match["split"]), (match["base2"], match["split2"])]
        named = [(base, CANONICAL[word.lower()]) for base, word in pairs if word and word.lower() in CANONICAL]
        for base, split in named:
            found.setdefault(split, {})[base] = array
        if not named:
            bare[key] = array
    return dict(sorted(found.items(), key=lambda item: ("train", "validation", "test").index(item[0]))), bare


def _part(arrays: dict[str, np.ndarray], name: str) -> Raw:
    inputs = [key for key in arrays if key.lower() in INPUTS]
    targets = [key for key in arrays if key.lower() in TARGETS]
    if len(inputs) != 1:
        listed = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        what = "more than one array could be" if inputs else "none of the arrays is"
        raise DataError(f"{name}: {what} the input; call it X or features, and the labels y; found {listed}")
    if not arrays[inputs[0]].ndim:
        raise DataError(f"{name}: {inputs[0]} is a single number, not an array with a row per item")
    length = len(arrays[inputs[0]])
    columns = {key: array for key, array in arrays.items() if array.ndim and len(array) == length}
    for key in targets:
        if key not in columns:
            raise DataError(f"{name}: {inputs[0]} has {length} rows, but {key} has the shape {arrays[key].shape}")
        if columns[key].ndim == 2 and columns[key].shape[1] == 1:
            columns[key] = columns[key][:, 0]
    renamed = {}
    for key, array in columns.items():
        role = "features" if key in inputs and array.ndim == 2 else "label" if key in targets[:1] else key
        if key in inputs and array.ndim > 2:
            role = "image" if array.dtype == np.uint8 else "series"
        if key in inputs and array.ndim == 1:
            role = "text"
        renamed[role] = array
    left = [key for key in arrays if key not in columns]
    notes = (f"{name}: {', '.join(left)} left out: not one row per item",) if left else ()
    raw = from_columns(renamed, name)
    return replace(raw, notes=notes, roles={"label": "label"} if targets else {})
