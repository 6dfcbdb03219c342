"""Hashes of the bytes of media files: read in threads, or known from an earlier time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import xxhash

from curate.media.known_files import remembered, stamps
from curate.media.payload import UnreadablePayload, opened
from curate.media.segments import split

BLOCK_BYTES = 1 << 20
FILES_AT_ONCE = 128

Hash = Callable[[Sequence[str], "str | os.PathLike[str]"], list[bytes | None]]
"""(paths, root) -> the hash of each file's bytes; None of those that are to be read here."""
_ELSEWHERE: ContextVar[Hash | None] = ContextVar("hashed_elsewhere", default=None)


@contextmanager
def hashed_by(others: Hash) -> Iterator[None]:
    """Within the block, files below a root are hashed by others as far as these can."""
    token = _ELSEWHERE.set(others)
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


def hashes_of_paths(names: list[str], root: str | os.PathLike[str] | None, workers: int) -> list[bytes | str]:
    """`file_hashes` of the files that paths name; one that several segments are part of is read once."""
    files = [split(name)[0] for name in names]
    different = list(dict.fromkeys(files))
    found = dict(zip(different, file_hashes(different, root, workers)))
    return [found[file] for file in files]


def hash_of_part(whole: bytes, path: str) -> bytes:
    """The hash of the segment that a path names, by that of the whole file; the same where it names none."""
    _, segment = split(path)
    return whole if segment is None else xxhash.xxh3_128_digest(whole + segment.fragment.encode())


def file_hashes(names: list[str], root: str | os.PathLike[str] | None, workers: int) -> list[bytes | str]:
    """The hash of each file's bytes, or why it can't be read; one that is known by its size and times is not read.

    Args:
        names: paths, relative to `root` or absolute.
        root: the folder that they are confined to, None where there is none.
        workers: threads that read; 0 for one per core.
    """
    known = None if root is None else remembered()
    if known is None or root is None:
        return _read_hashes(names, root, workers)
    # Before anything is read: a file that changes meanwhile has other times, and is not taken for what it was.
    keys, usable = stamps(names, root)
    hit, content = known.lookup(keys[usable])
    found: list[Any] = [None] * len(names)
    for place, value in zip(np.flatnonzero(usable)[hit].tolist(), content[hit]):
        found[place] = value.tobytes()
    left = [place for place, value in enumerate(found) if value is None]
    for place, value in zip(left, _read_hashes([names[place] for place in left], root, workers)):
        found[place] = value
    new = [place for place in left if usable[place] and isinstance(found[place], bytes)]
    if new:
        known.add(keys[new], np.frombuffer(b"".join(found[place] for place in new), np.uint64).reshape(-1, 2))
    return found


def _read_hashes(names: list[str], root: str | os.PathLike[str] | None, workers: int) -> list[bytes | str]:
    others = _ELSEWHERE.get()
    if others is None or root is None:
        return _hashed_here(names, root, workers)
    found: list[Any] = others(names, root)
    left = [place for place, value in enumerate(found) if value is None]
    for place, value in zip(left, _hashed_here([names[place] for place in left], root, workers)):
        found[place] = value
    return found


def _hashed_here(names: list[str], root: str | os.PathLike[str] | None, workers: int) -> list[bytes | str]:
    if not names:
        return []
    # Some hundred files at a time: to hand over each one alone costs as much as to hash it.
    parts = [names[start : start + FILES_AT_ONCE] for start in range(0, len(names), FILES_AT_ONCE)]
    with ThreadPoolExecutor(min(workers or os.cpu_count() or 1, len(parts))) as pool:
        return [
            found for part in pool.map(lambda part: [file_hash(name, root) for name in part], parts) for found in part
        ]


def file_hash(path: str, root: str | os.PathLike[str] | None) -> bytes | str:
    """The hash of a file's bytes, or why it can't be read."""
    if root is None:
        return f"{path!r} is a path, but the table has no folder to read from; pass root="
    state = xxhash.xxh3_128()
    try:
        with opened(path, root) as (file, _):
            while chunk := file.read(BLOCK_BYTES):
                state.update(chunk)
    except UnreadablePayload as error:
        return str(error)
    except OSError as error:
        return f"{path!r} can't be read: {error.strerror}"
    return state.digest()
