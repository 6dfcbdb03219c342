"""The cache: append-only files that carry the hash of their bytes, so that damage shows and nobody needs a lock.

::

    measures/<fingerprint>/<hash of the file>.arrow    key: 16-byte content hash; one column per field
    estimates/<key>/<name>.npy, manifest.json          whole arrays, with their hashes in the manifest
    results/<key>/<hash of the file>.arrow             what was found in a whole table

A file is written under a temporary name in its folder, flushed to the disk and renamed, so it is there whole or not at
all. Two runs that write the same chunk write the same bytes under the same name.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from curate.errors import StorageError
from curate.evidence.chunks import (
    DAMAGED,
    PARTIAL,
    Fields,
    LeftArray,
    chunk_bytes,
    damaged_arrays,
    is_whole,
    read_array,
    read_chunk,
    set_aside,
    sync_folder,
    write,
    write_arrays,
)
from curate.evidence.measure import blank
from curate.evidence.trimming import mark_used, trim

CLEARINGS = 100
"""How often a part of the cache is cleared again to which others write meanwhile."""
NAME = re.compile(r"\w[\w.\-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class Info:
    """What a cache holds: number of files, and their bytes."""

    files: int
    bytes: int


class Cache:
    """A folder of measures and estimates. Nothing is made on the disk before the first write.

    Args:
        folder: where the cache is, or will be.

    Raises:
        StorageError: the path is there and is no folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._measures, self._estimates = self.folder / "measures", self.folder / "estimates"
        self._results = self.folder / "results"
        if self.folder.exists() and not self.folder.is_dir():
            raise StorageError(f"the cache {str(self.folder)!r} is a file; name a folder")

    def lookup(
        self, fingerprint: str, keys: np.ndarray, fields: Fields
    ) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
        """What is known of these rows.

        Args:
            fingerprint: of the measure, and of the decoding before it.
            keys: (n, 2) uint64 content hashes, all different.
            fields: field -> (dtype, shape).

        Returns:
            (n,) bool mask of the rows found, field -> (n, *shape) values (blank in the others), and how many damaged
            chunks were met and set aside.
        """
        first = np.argsort(keys[:, 0])
        found = np.zeros(len(keys), dtype=bool)
        values = {name: blank(dtype, shape, len(keys)) for name, (dtype, shape) in fields.items()}
        damaged = 0
        for path in sorted((self._measures / _named(fingerprint)).glob("*.arrow")):
            chunk = read_chunk(path, fields)
            mark_used(path)
            if chunk is None:
                damaged += path.exists()
                set_aside(path)
                continue
            rows, hit = _match(keys, first, chunk[0])
            found[rows] = True
            for name, column in chunk[1].items():
                values[name][rows] = column[hit]
        return found, values, damaged

    def append(self, fingerprint: str, keys: np.ndarray, values: Mapping[str, np.ndarray]) -> Path:
        """Write one chunk: (n, 2) uint64 content hashes and field -> (n, *shape) values.

        Raises:
            StorageError: the disk is full, or the folder can't be written.
        """
        data = chunk_bytes(keys, values)
        path = self._measures / _named(fingerprint) / f"{xxhash.xxh3_128_hexdigest(data)}.arrow"
        with self._storing():
            if not path.exists() or not is_whole(path):
                write(path, data)
        return path

    def get(self, key: str, left: bool = False) -> dict[str, Any] | None:
        """The arrays stored under a key; None where there are none, or where they are damaged (they are set aside).

        Args:
            key: of the estimate.
            left: give arrays of several numbers per row as they lie there (`LeftArray`).
        """
        folder = self._estimates / _named(key)
        if not folder.is_dir():
            return None
        if damaged_arrays(folder):
            set_aside(folder)
            return None
        try:
            hashes = json.loads((folder / "manifest.json").read_text("utf-8"))
            mark_used(folder)
            paths = {name: folder.resolve() / f"{name}.npy" for name in hashes}
            return {name: read_array(name, path, hashes[name], left) for name, path in paths.items()}
        except FileNotFoundError:  # another run cleared the cache in between
            return None

    def put(self, key: str, arrays: Mapping[str, np.ndarray | LeftArray]) -> Path:
        """Store named arrays of numbers or booleans under a key; what is there and whole stays.

        Arrays that lie in a file of the cache are moved, not copied.

        Returns:
            The folder in which each lies as ``NAME.npy``.

        Raises:
            StorageError: the disk is full, or the folder can't be written.
            TypeError: an array of objects or texts.
        """
        folder = self._estimates / _named(key)
        for name, array in arrays.items():
            if np.dtype(array.dtype).kind not in "biuf":
                raise TypeError(f"{_named(name)} has the dtype {array.dtype}; only numbers and booleans are stored")
        with self._storing():
            if folder.is_dir() and not damaged_arrays(folder):
                return folder.resolve()
            aside = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}{PARTIAL}")
            aside.mkdir(parents=True)
            try:
                write_arrays(aside, arrays)
                _rename(aside, folder)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        return folder.resolve()

    def keep(self, key: str, data: bytes | pa.Buffer) -> None:
        """Store a result under a key.

        Raises:
            StorageError: the disk is full, or the folder can't be written.
        """
        path = self._results / _named(key) / f"{xxhash.xxh3_128_hexdigest(data)}.arrow"
        with self._storing():
            if not path.exists() or not is_whole(path):
                write(path, data)

    def kept(self, key: str) -> pa.Buffer | None:
        """The result under a key, mapped; None where there is none. A damaged one is set aside."""
        for path in sorted((self._results / _named(key)).glob("*.arrow")):
            if is_whole(path):
                mark_used(path)
                with suppress(OSError):  # another run cleared the cache in between
                    return pa.memory_map(str(path)).read_buffer()
            set_aside(path)
        return None

    def info(self) -> Info:
        """Files and bytes, temporary and damaged ones among them."""
        sizes = []
        for path in self._files():
            with suppress(FileNotFoundError):  # another run removed it in between
                sizes.append(path.stat().st_size)
        return Info(len(sizes), sum(sizes))

    def clear(self) -> Info:
        """Remove all measures and estimates, and nothing else that may lie in the folder; says what was removed.

        Raises:
            StorageError: something can't be removed.
        """
        held = self.info()
        with self._storing():
            for part in (self._measures, self._estimates, self._results):
                _clear(part)
        return held

    def trim(self, limit: int) -> Info:
        """Remove what was not used for longest until at most `limit` bytes are left; says what was removed.

        Raises:
            StorageError: something can't be removed.
        """
        with self._storing():
            files, freed = trim([self._measures, self._estimates, self._results], limit)
        return Info(files, freed)

    def verify(self) -> list[Path]:
        """Files that are not what was written, those set aside among them; reads everything and changes nothing."""
        chunks = [*sorted(self._measures.glob("*/*.arrow")), *sorted(self._results.glob("*/*.arrow"))]
        damaged = [path for path in chunks if not is_whole(path)]
        for folder in sorted(self._estimates.glob("*")):
            if folder.is_dir() and not folder.name.endswith((PARTIAL, DAMAGED)):
                damaged += damaged_arrays(folder)
        return damaged + [path for path in self._files() if DAMAGED in path.name or DAMAGED in path.parent.name]

    def _files(self) -> list[Path]:
        parts = (self._measures, self._estimates, self._results)
        return sorted(path for part in parts for path in part.rglob("*") if path.is_file())

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            why = "the disk is full" if full else f"it can't be written ({error.strerror or error})"
            raise StorageError(f"the cache {str(self.folder)!r}: {why}; free space, or name another folder") from error


def _clear(part: Path) -> None:
    """Remove a folder that other runs may write to, or remove, at the same time. Raises OSError where it stays."""
    for left in reversed(range(CLEARINGS)):
        try:
            if part.is_dir():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
            return
        except OSError as error:
            if not left or error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise


def _match(keys: np.ndarray, first: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `keys` that a chunk holds, and where it holds them.

    Both halves must be equal; `first` sorts by the first. Should two different keys share a first half, one of them may
    be missed, and is then measured again.
    """
    if not len(keys) or not len(held):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = first[np.searchsorted(keys[:, 0], held[:, 0], sorter=first).clip(max=len(keys) - 1)]
    hit = np.flatnonzero((keys[place] == held).all(1))
    return place[hit], hit


def _named(name: str) -> str:
    """A key or name that is safe as part of a path. Raises ValueError for any other."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't name an entry of the cache: letters, digits, '_', '-' and '.' only")
    return name


def _rename(aside: Path, folder: Path) -> None:
    """Put a finished folder in its place, unless another run was faster with the same arrays."""
    try:
        aside.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        if not damaged_arrays(folder):
            return
        set_aside(folder)
        aside.rename(folder)
    sync_folder(folder.parent)
