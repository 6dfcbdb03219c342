"""Reading encoded bytes: embedded in the row, or from a file that may not lie outside the table's root."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

import xxhash

from curate.errors import DataError
from curate.media.segments import cut, split

MAX_BYTES = 2_000_000_000
FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]+://")


class UnreadablePayload(DataError):
    """The bytes of one row can't be had; the message is the reason, without the row."""


class Changed(UnreadablePayload):
    """A row's file no longer holds what it held when its content was hashed."""


@lru_cache(maxsize=256)
def _real_root(root: str) -> str:
    return os.path.realpath(root)


def confined(path: str, root: str | os.PathLike[str]) -> str:
    """The real, absolute place of `path` under `root`, symbolic links followed.

    Raises:
        UnreadablePayload: the path is a URL, holds a NUL, or leaves the root.
    """
    if URL.match(path):
        raise UnreadablePayload(f"{path!r} is a URL; only files under the data's own folder are read")
    if not path or "\0" in path:
        raise UnreadablePayload(f"{path!r} is not a file name")
    base = _real_root(os.fspath(root))
    try:
        real = os.path.realpath(os.path.join(base, path))  # noqa: PTH118 (a Path per row is many times slower)
    except (OSError, ValueError) as error:
        raise UnreadablePayload(f"{path!r} is not a file name: {error}") from error
    if real != base and not real.startswith(base.rstrip(os.sep) + os.sep):
        raise UnreadablePayload(f"{path!r} leads outside the data's folder {base}; pass root= to read from elsewhere")
    return real


@contextmanager
def opened(path: str, root: str | os.PathLike[str]) -> Iterator[tuple[FileIO, int]]:
    """A regular file under `root`, open for reading, and its size in bytes.

    The last component is opened without following links, and never blocks on a pipe, so that a file swapped after
    the check is refused and not followed.

    Raises:
        UnreadablePayload: it leaves the root, is missing, no regular file, empty, or may not be read.
    """
    descriptor = _opened_inside(path, root)
    if descriptor is None:
        try:
            descriptor = os.open(confined(path, root), FLAGS)
        except OSError as error:
            raise UnreadablePayload(_why(path, error)) from error
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise UnreadablePayload(f"{path!r} is a folder, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadablePayload(f"{path!r} is no regular file")
        if not found.st_size:
            raise UnreadablePayload(f"{path!r} is empty (0 bytes)")
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file, found.st_size
    finally:
        os.close(descriptor)


def _opened_inside(path: str, root: str | os.PathLike[str]) -> int | None:
    """A descriptor of a file that lies under `root`, None where that can't be told.

    The system is asked where the open file lies, which takes a tenth of the time of following each part of the path.
    """
    if not path or path.startswith(("/", "\\")) or ".." in path or "\0" in path or URL.match(path):
        return None
    base = _real_root(os.fspath(root)).rstrip(os.sep) + os.sep
    try:
        descriptor = os.open(base + path, FLAGS)
    except OSError:
        return None  # whatever it is, it is found again and named where the path is followed
    try:
        inside = os.readlink(f"/proc/self/fd/{descriptor}").startswith(base)  # noqa: PTH115 (as above)
    except OSError:  # not Linux
        inside = False
    if inside:
        return descriptor
    os.close(descriptor)
    return None


def _why(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path!r} does not exist"
    if isinstance(error, PermissionError):
        return f"{path!r} may not be read (permission denied)"
    return f"{path!r} can't be opened: {error.strerror}"


def parts(value: Any) -> tuple[bytes | None, str | None]:
    """``(bytes, path)`` of a media value: a mapping with these keys, a tuple that begins so, bytes, a path or None."""
    if value is None:
        return None, None
    if isinstance(value, Mapping):
        return value.get("bytes"), value.get("path")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value), None
    if isinstance(value, str | Path):
        return None, str(value)
    data, path, *_ = value
    return data, path


def read_bytes(value: Any, root: str | os.PathLike[str] | None, max_bytes: int = MAX_BYTES) -> bytes:
    """The encoded bytes of one media value; of a segment as a file of its own (`curate.media.segments.cut`).

    Args:
        value: ``{"bytes": ..., "path": ...}`` or ``(bytes, path)``; the bytes win where there are both. The path says
            which segment is meant (``talk.wav#t=3,4.5``), if not the whole.
        root: folder that the path is relative to and confined to; None where only embedded bytes may be read.
        max_bytes: largest payload that is read.

    Raises:
        UnreadablePayload: with the reason: missing, empty, too large, outside the root, no regular file.
        DecodeError: nothing of the segment is there, or the file that it is cut from is damaged.
        MissingPackage: what decodes the file of a segment is not installed.
    """
    data, path = parts(value)
    path, segment = (None, None) if path is None else split(path)
    if data is not None:
        if segment is not None and len(data):
            data = cut(bytes(data), segment)
        if not len(data):
            raise UnreadablePayload("the embedded bytes are empty")
        if len(data) > max_bytes:
            raise UnreadablePayload(f"{len(data):,} bytes, more than the limit of {max_bytes:,}")
        return data
    if path is None:
        raise UnreadablePayload("there is neither content nor a path")
    if root is None:
        raise UnreadablePayload(f"{path!r} is a path, but the table has no folder to read from; pass root=")
    with opened(path, root) as (file, size):
        if segment is not None:
            part = cut(BufferedReader(file), segment)
            if len(part) > max_bytes:
                raise UnreadablePayload(f"the segment has {len(part):,} bytes, more than the limit of {max_bytes:,}")
            return part
        if size > max_bytes:
            raise UnreadablePayload(f"{path!r} has {size:,} bytes, more than the limit of {max_bytes:,}")
        # One byte more than allowed, so that a file that grows meanwhile is noticed.
        chunks, left = [], max_bytes + 1
        # No more room than the file needs: a large piece of memory, cut to size, is never one that the cache still has.
        most = min(size + 1, 1 << 24)
        while left > 0 and (chunk := file.read(min(left, most))):
            chunks.append(chunk)
            left -= len(chunk)
    if left <= 0:
        raise UnreadablePayload(f"{path!r} has more bytes than the limit of {max_bytes:,}")
    return b"".join(chunks)


def must_have(content: bytes | None, data: bytes, value: Any) -> None:
    """Raise Changed where a row's file no longer holds what it held when its content was hashed.

    Args:
        content: the 16 bytes of its hash; None where they are not known.
        data: what was read of it now.
        value: as `read_bytes` takes it. Of a segment the hash is made of the whole file's, so that it is not compared.
    """
    if content is None:
        return
    path = parts(value)[1]
    if (path is not None and split(path)[1] is not None) or xxhash.xxh3_128_digest(data) == content:
        return
    what = "the embedded bytes have" if path is None else f"{path!r} has"
    raise Changed(f"{what} changed since the data were read; run again")
