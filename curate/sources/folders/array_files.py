"""Pictures and labels as arrays: the idx files of MNIST, the binary batches of CIFAR, the cropped digits of SVHN."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.formats.memory import from_columns
from curate.sources.raw import Raw, concatenated

MOST_BYTES = 16 << 30
_IDX = re.compile(r"^(?P<about>.+?)[-.](?P<what>images|labels)[-.]idx[13][-.]ubyte(\.gz)?$", re.IGNORECASE)
_CIFAR = re.compile(r"^(data_batch_\d+|test_batch|train|test)\.bin$")
_SVHN = re.compile(r"^(train|test|extra)_32x32\.mat$")
SPLITS = {"t10k": "test", "test_batch": "test", "test": "test"}
SIDE, COLORS = 32, 3
PIXELS = SIDE * SIDE * COLORS
CIFAR_NAMES = (("batches.meta.txt",), ("fine_label_names.txt",))
"""Lists of the classes of CIFAR-10 and CIFAR-100."""


def arrays_of_pictures(folder: Path, files: Sequence[str], source: str) -> tuple[Raw, list[str]] | None:
    """The rows of all files of one of these forms, and the files; None where there are none.

    Raises:
        DataError: a file is damaged, or images and labels are not as many.
    """
    for pattern, read in ((_IDX, _idx), (_CIFAR, _cifar), (_SVHN, _svhn)):
        found = [path for path in files if pattern.match(PurePath(path).name)]
        if found and (parts := read(folder, found)):
            whole = concatenated([_with_split(part, split) for split, part in parts], source)
            return replace(whole, root=folder, bases=(folder,)), found
    return None


def _with_split(part: Raw, split: str) -> Raw:
    column = pa.array([split], pa.string()).take(pa.array(np.zeros(len(part), np.int64)))
    return replace(part.with_column("split", column), roles={**part.roles, "split": "split"})


def _part(images: np.ndarray, labels: np.ndarray, names: Sequence[str], file: str, split: str) -> tuple[str, Raw]:
    """(n, height, width[, 3]) uint8 images and (n,) labels as rows; names are those of labels from 0."""
    if len(images) != len(labels):
        raise DataError(f"{file}: {len(images):,} images and {len(labels):,} labels")
    known = len(names) > int(labels.astype(np.int64).max(initial=-1))
    column = np.array([names[label] for label in labels]) if known and names else labels.astype(np.int64)
    raw = replace(from_columns({"image": images, "label": column}, file), roles={"label": "label"})
    return split, replace(raw, class_names={"label": tuple(names)}) if known and names else raw


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        if path.suffix.lower() != ".gz":
            return data
        unpacked = zlib.decompressobj(wbits=31)
        data = unpacked.decompress(data, MOST_BYTES)
    except (OSError, zlib.error, MemoryError) as error:
        raise DataError(f"{path.name}: can't be read: {error}") from error
    if unpacked.unconsumed_tail or not unpacked.eof:
        raise DataError(f"{path.name}: cut off, or more than {MOST_BYTES:,} bytes")
    return data


def _idx(folder: Path, files: Sequence[str]) -> list[tuple[str, Raw]]:
    """MNIST and its kin. A file that lies there unpacked as well counts once."""
    named: dict[tuple[str, str], str] = {}
    for path in sorted(files, key=lambda path: path.endswith(".gz")):
        if match := _IDX.match(PurePath(path).name):
            named.setdefault((match["about"].lower(), match["what"].lower()), path)
    parts = []
    for about in dict.fromkeys(about for about, _ in named):
        images, labels = named.get((about, "images")), named.get((about, "labels"))
        if images and labels:
            last = re.split(r"[-_.]", about)[-1]
            split = SPLITS.get(last, last)
            parts.append(_part(_idx_array(folder / images), _idx_array(folder / labels), (), images, split))
    return sorted(parts, key=lambda part: part[0] != "train")


def _idx_array(path: Path) -> np.ndarray:
    data = _content(path)
    dimensions = data[3] if len(data) > 4 else 0
    shape = [int(size) for size in np.frombuffer(data[4 : 4 + 4 * dimensions], ">u4")]
    if data[:3] != b"\0\0\x08" or len(shape) != dimensions or math.prod(shape) != len(data) - 4 - 4 * dimensions:
        raise DataError(f"{path.name}: no idx file of bytes, or cut off")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _cifar(folder: Path, files: Sequence[str]) -> list[tuple[str, Raw]]:
    """CIFAR-10 has one label before the pixels, CIFAR-100 a coarse and a fine one, of which the fine counts."""
    fine = any(PurePath(path).name in ("train.bin", "test.bin") for path in files)
    names = next((_names(one) for one in sorted(folder.rglob("*.txt")) if one.name in CIFAR_NAMES[fine]), [])
    parts = []
    for path in files:
        data = np.frombuffer(_content(folder / path), np.uint8)
        width = PIXELS + 1 + fine
        if not len(data) or len(data) % width:
            raise DataError(f"{path}: {len(data):,} bytes are no whole pictures of {width:,}")
        rows = data.reshape(-1, width)
        images = rows[:, 1 + fine :].reshape(-1, COLORS, SIDE, SIDE).transpose(0, 2, 3, 1)
        split = SPLITS.get(PurePath(path).stem, "train")
        parts.append(_part(np.ascontiguousarray(images), rows[:, int(fine)], names, path, split))
    return parts


def _names(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]


def _svhn(folder: Path, files: Sequence[str]) -> list[tuple[str, Raw]]:
    """SVHN writes the digit 0 as 10."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    parts = []
    for path in files:
        try:
            arrays = loadmat(folder / path, variable_names=["X", "y"])
            images, labels = arrays["X"].transpose(3, 0, 1, 2), arrays["y"].ravel() % 10
        except (MatReadError, ValueError, KeyError, TypeError, NotImplementedError, OSError) as error:
            raise DataError(f"{path}: no pictures and labels as SVHN has them: {error}") from error
        parts.append(_part(np.ascontiguousarray(images), labels, (), path, PurePath(path).stem.split("_")[0]))
    return sorted(parts, key=lambda part: part[0] != "train")
