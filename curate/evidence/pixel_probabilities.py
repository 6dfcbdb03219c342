"""A model's class probabilities of every pixel: arrays in files or in the table itself, read one by one."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import FileIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.media.payload import UnreadablePayload, opened
from curate.wording import some_of

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
KEYS = ("probabilities", "pred_probs", "arr_0")
"""Names under which an .npz file that holds several arrays has the probabilities."""
MOST_CLASSES = 10_000
ROUNDING = 0.02
"""Probabilities of a pixel that were stored in half precision sum to 1 within this."""


class NoProbabilities(DataError):
    """The probabilities of one row can't be used; the message is the reason, without the row."""


@dataclass(frozen=True)
class ArrayLimits:
    """Up to what size an array is read.

    Attributes:
        bytes: of the array as it stands.
        pixels: height times width.
    """

    bytes: int
    pixels: int


def read_pixels(value: pa.Scalar, root: Path | None, limits: ArrayLimits) -> np.ndarray:
    """The (K, H, W) array of one row, memory-mapped where it is an .npy file; float16, float32 or float64.

    An (H, W) or (1, H, W) array is the probability of class 1 of two. Nothing but numbers is ever read: no pickle.

    Args:
        value: a path under the root to an .npy or .npz file, or lists of lists of lists of numbers.
        root: folder of the table's files.
        limits: what is refused from its header on, before any number is read.

    Raises:
        NoProbabilities: with the reason.
    """
    if not value.is_valid:
        raise NoProbabilities("there are none")
    if pa.types.is_string(value.type) or pa.types.is_large_string(value.type):
        array = _from_file(value.as_py(), root, limits)
    else:
        array = _from_lists(value)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        raise NoProbabilities(f"the array is {said(array.shape)}; classes x height x width are needed")
    return array


def said(shape: tuple[int, ...]) -> str:
    """``3 x 480 x 640``."""
    return " x ".join(map(str, shape)) if shape else "one number"


def both(values: np.ndarray) -> np.ndarray:
    """(1, ...) probabilities of class 1 -> (2, ...) of class 0 and 1; others as they are."""
    return np.concatenate([1 - values, values]) if len(values) == 1 else values


def wrong_values(values: np.ndarray) -> str | None:
    """What is wrong with the (K, ...) numbers of some pixels, None if they are probabilities."""
    if not np.isfinite(values).all():
        return f"{int((~np.isfinite(values)).sum())} of the numbers are NaN or infinite"
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if low < -ROUNDING or high > 1 + ROUNDING:
        return f"the numbers go from {low:.3g} to {high:.3g}: probabilities are needed (the softmax of scores)"
    total = values.sum(0, dtype=np.float32)
    if len(values) > 1 and (np.abs(total - 1) > ROUNDING).any():
        worst = float(total.flat[int(np.abs(total - 1).argmax())])
        return f"the probabilities of a pixel sum to {worst:.3g}, and 1 is needed"
    return None


def _from_file(path: str, root: Path | None, limits: ArrayLimits) -> np.ndarray:
    if root is None:
        raise NoProbabilities(f"{path!r} is a path, but the table has no folder to read from; pass root=")
    try:
        with opened(path, root) as (file, size):
            magic = file.read(len(NPY))
            file.seek(0)
            if magic == NPY:
                return _mapped(file, size, limits)
            if magic.startswith(ZIP):
                return _zipped(file, limits)
    except UnreadablePayload as error:
        raise NoProbabilities(str(error)) from error
    except (OSError, ValueError, EOFError, KeyError, SyntaxError, MemoryError, zipfile.BadZipFile, NotImplementedError,
            RuntimeError) as error:  # fmt: skip
        raise NoProbabilities(f"{path!r} is no array that can be read ({str(error)[:120]})") from error
    raise NoProbabilities(f"{path!r} is neither an .npy nor an .npz file")


def _header(file: IO[bytes] | FileIO, limits: ArrayLimits) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and type, once they are found to be within the limits."""
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise NoProbabilities(f"the array is of version {version[0]}.{version[1]} of .npy, which is for named columns")
    shape, fortran, kind = read(file)
    if kind.kind != "f" or kind.itemsize not in (2, 4, 8):
        raise NoProbabilities(f"the array holds {kind}, and floating-point numbers are needed")
    if min(shape, default=0) < 1:
        raise NoProbabilities(f"the array is empty ({said(shape)})")
    if len(shape) == 3 and shape[0] > MOST_CLASSES:
        raise NoProbabilities(f"the array is {said(shape)}: classes come first, and at most {MOST_CLASSES:,} are read")
    if prod(shape[-2:]) > limits.pixels or prod(shape) * kind.itemsize > limits.bytes:
        raise NoProbabilities(
            f"the array is {said(shape)} of {kind}: more than the limits of {limits.pixels:,} pixels and"
            f" {limits.bytes:,} bytes"
        )
    return shape, fortran, kind


def _mapped(file: FileIO, size: int, limits: ArrayLimits) -> np.ndarray:
    shape, fortran, kind = _header(file, limits)
    start, wanted = file.tell(), prod(shape) * kind.itemsize
    if size - start < wanted:
        raise NoProbabilities(f"the file is cut off: {size - start:,} bytes of numbers, {wanted:,} are needed")
    found: Any = file  # np.memmap takes an open file, so that what was checked is what is mapped
    return np.memmap(found, dtype=kind, mode="r", offset=start, shape=shape, order="F" if fortran else "C")


def _zipped(file: FileIO, limits: ArrayLimits) -> np.ndarray:
    with zipfile.ZipFile(file) as archive:
        names = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        name = next((key for key in KEYS if key in names), None) or (next(iter(names)) if len(names) == 1 else None)
        if name is None:
            shown = some_of(names, said=repr)
            raise NoProbabilities(f"the .npz file holds {shown or 'nothing'}; call the array {KEYS[0]!r}")
        with archive.open(names[name]) as entry:
            shape, fortran, kind = _header(entry, limits)
            wanted = prod(shape) * kind.itemsize
            data = entry.read(wanted)
    if len(data) < wanted:
        raise NoProbabilities(f"the array is cut off: {len(data):,} bytes of numbers, {wanted:,} are needed")
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")


def _from_lists(value: pa.Scalar) -> np.ndarray:
    shape: list[int] = []
    array = getattr(value, "values", None)
    if array is None:
        raise NoProbabilities(f"{value.type} is neither a path to an array nor lists of numbers")
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    shape.append(len(array))
    while pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or pa.types.is_fixed_size_list(array.type):
        lengths = np.unique(array.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False))
        if len(lengths) != 1 or lengths[0] < 0:
            raise NoProbabilities("the lists are of different lengths")
        shape.append(int(lengths[0]))
        array = array.flatten()
    if not (pa.types.is_floating(array.type) or pa.types.is_integer(array.type)):
        raise NoProbabilities(f"the lists hold {array.type}, and numbers are needed")
    numbers = array.cast(pa.float32(), safe=False).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    if not numbers.size:
        raise NoProbabilities("the lists are empty")
    return numbers.reshape(shape)
