"""The files of the cache: how chunks and arrays are written so that they are whole, and read so that damage shows."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import xxhash

from curate.engines.engine import Absent
from curate.evidence.measure import TEXT

Fields = Mapping[str, tuple[str, tuple[int, ...]]]
PARTIAL, DAMAGED = ".partial", ".damaged"
BLOCK_BYTES = 1 << 22
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def write(path: Path, data: bytes | pa.Buffer) -> None:
    """Write a file so that under its name it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL}")
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last (where the system can sync folders)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def set_aside(path: Path) -> None:
    """Rename a damaged file or folder so that it is not met again; where that is impossible it is skipped each time."""
    with suppress(OSError):
        path.rename(path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{DAMAGED}"))


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading. Raises OSError for all else: a pipe would wait, a device might never end."""
    file = os.fdopen(os.open(path, FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return file


def file_hash(path: Path) -> str:
    """32 hex digits over a file's bytes. Raises OSError."""
    state = xxhash.xxh3_128()
    with opened(path) as file:
        while block := file.read(BLOCK_BYTES):
            state.update(block)
    return state.hexdigest()


def is_whole(path: Path) -> bool:
    """Whether a chunk's bytes are those that its name says."""
    return _has_hash(path, path.stem)


def chunk_bytes(keys: np.ndarray, values: Mapping[str, np.ndarray]) -> pa.Buffer:
    """A chunk as an Arrow file: (n, 2) uint64 content hashes and field -> (n, *shape) values."""
    raw = pa.py_buffer(np.ascontiguousarray(keys))
    key = pa.Array.from_buffers(pa.binary(16), len(keys), [None, raw])
    table = pa.table({"key": key} | {name: _to_arrow(array) for name, array in values.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def read_chunk(path: Path, fields: Fields) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """The (n, 2) uint64 content hashes and the values of a chunk; None if damaged, gone or of another measure."""
    try:
        with opened(path) as file:
            data = file.read()
    except OSError:
        return None
    if xxhash.xxh3_128_hexdigest(data) != path.stem:
        return None
    return _columns_or_none(pa.py_buffer(data), fields)


def map_chunk(path: Path, fields: Fields) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """The same as views of the file, which is read to be checked and never held; no descriptor stays open."""
    if not is_whole(path):
        return None
    try:
        with pa.memory_map(str(path)) as file:
            return _columns_or_none(file.read_buffer(), fields)
    except OSError:  # it was removed in between
        return None


def _columns_or_none(data: pa.Buffer, fields: Fields) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """The hashes and values of a whole chunk; None where it is one of other fields, which was moved here."""
    try:
        return _columns(data, fields)
    except (KeyError, ValueError):  # Arrow's own among them
        return None


def _columns(data: pa.Buffer, fields: Fields) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    table = pa.ipc.open_file(data).read_all()
    held = _joined(table["key"])
    raw = held.buffers()[1] if len(held) else b""
    keys = np.frombuffer(raw, np.uint64)[2 * held.offset : 2 * (held.offset + len(held))].reshape(-1, 2)
    return keys, {name: _to_numpy(_joined(table[name]), *kind) for name, kind in fields.items()}


def _joined(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece, where it lies if it does so in one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class _Sink:
    """A file that NumPy does not know for one: into files it writes in a way that does not say why it fails."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        """As of a file."""
        return self._file.write(data)


@dataclass(frozen=True)
class LeftArray:
    """An array that lies in a file of its own.

    Attributes:
        path: absolute.
        digest: hash of the file's bytes.
        shape: of the array.
        dtype: as NumPy writes it.
    """

    path: Path
    digest: str
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def written(cls, path: Path, array: np.ndarray) -> LeftArray:
        """Write an array into a file that is not there yet."""
        with path.open("xb") as file:
            np.save(_Sink(file), array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        return cls(path, file_hash(path), array.shape, array.dtype.str)

    def mapped(self) -> np.ndarray:
        """The array, read where it lies. Raises `Absent`."""
        try:
            return np.asarray(np.load(self.path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise Absent(self._what()) from error

    def opened(self) -> np.ndarray:
        """The same once its bytes are checked. Raises `Absent`."""
        try:
            whole = file_hash(self.path) == self.digest
        except OSError as error:
            raise Absent(self._what()) from error
        if not whole:
            raise Absent(self._what())
        return self.mapped()

    def _what(self) -> str:
        return f"{self.path} (an array in the cache)"


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray | LeftArray]) -> None:
    """Named arrays as ``.npy`` files, and a manifest of their hashes, into a folder that nobody reads yet.

    Arrays that lie in a file are moved there.
    """
    hashes = {}
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        if isinstance(array, LeftArray):
            array.path.rename(path)
        else:
            array = LeftArray.written(path, array)
        hashes[name] = array.digest
    write(folder / "manifest.json", json.dumps(hashes, sort_keys=True).encode())


def is_wide(name: str, array: np.ndarray | LeftArray) -> bool:
    """Whether an array of an estimate holds several numbers per row."""
    return name.startswith("rows_") and len(array.shape) > 1


def read_array(name: str, path: Path, digest: str, left: bool) -> np.ndarray | LeftArray:
    """One of such arrays, whose bytes have been checked; a wide one as it lies there if `left`."""
    if left:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if is_wide(name, mapped):
            return LeftArray(path, digest, mapped.shape, mapped.dtype.str)
    return np.load(path, allow_pickle=False)


def damaged_arrays(folder: Path) -> list[Path]:
    """The files of such a folder that are not what its manifest says, or the manifest itself."""
    manifest = folder / "manifest.json"
    try:
        with opened(manifest) as file:
            hashes = json.loads(file.read())
        named = isinstance(hashes, dict) and all(re.fullmatch(r"\w[\w.\-]*", name) for name in hashes)
    except (OSError, ValueError):
        named = False
    if not named:
        return [manifest]
    paths = {folder / f"{name}.npy": digest for name, digest in hashes.items()}
    return [path for path, digest in paths.items() if not _has_hash(path, digest)]


def _has_hash(path: Path, digest: str) -> bool:
    try:
        return file_hash(path) == digest
    except OSError:  # it is gone, or can't be read
        return False


def _to_arrow(array: np.ndarray) -> pa.Array:
    if array.dtype == TEXT:
        return pa.array(array.ravel().tolist(), pa.string())
    flat = pa.array(np.ascontiguousarray(array).ravel())
    width = int(np.prod(array.shape[1:]))
    return flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, width)


def _to_numpy(array: pa.Array, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "str":
        return np.array(array.to_pylist(), dtype=TEXT).reshape(len(array), *shape)
    flat = array.flatten() if shape else array
    return flat.to_numpy(zero_copy_only=False).astype(dtype, copy=False).reshape(len(array), *shape)
