"""Files whose content is known from an earlier time: recognised by path, size and times, not by reading them again."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import numpy as np
import xxhash

SETTLED_NS = 2_000_000_000
"""A file that was changed this short a time ago is not remembered: it could change again within one tick of the clock
of its file system, and keep its size and times."""


class Remembered(Protocol):
    """What was known of files earlier."""

    def lookup(self, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m, 2) uint64 stamps -> (m,) bool whether known, and (m, 2) uint64 content hashes."""
        ...

    def add(self, stamps: np.ndarray, content: np.ndarray) -> None:
        """Remember the content hashes of files by their stamps."""
        ...


_REMEMBERED: ContextVar[Remembered | None] = ContextVar("remembered_files", default=None)


@contextmanager
def remembering(files: Remembered | None) -> Iterator[None]:
    """Within the block, files that are known are not read again to be hashed."""
    token = _REMEMBERED.set(files)
    try:
        yield
    finally:
        _REMEMBERED.reset(token)


def remembered() -> Remembered | None:
    """What is known of files in this context, None where nothing is to be taken from an earlier time."""
    return _REMEMBERED.get()


def stamps(names: Sequence[str], root: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Who files are without reading them: the hash of their place, size, and times of the last change.

    The change of state (ctime) counts beside that of content (mtime), which tools that copy or unpack files set back.

    Args:
        names: paths, relative to `root` or absolute.
        root: the folder that they are relative to.

    Returns:
        (n, 2) uint64 stamps, and (n,) bool: regular files that are there.
    """
    base, now = os.path.realpath(root), time.time_ns()
    found = np.zeros((len(names), 2), dtype=np.uint64)
    usable = np.zeros(len(names), dtype=bool)
    for i, name in enumerate(names):
        path = os.path.join(base, name)  # noqa: PTH118 (a Path per row is many times slower)
        try:
            about = os.stat(path)  # noqa: PTH116 (as above)
        except (OSError, ValueError):
            continue
        times = about.st_mtime_ns, about.st_ctime_ns
        if not stat.S_ISREG(about.st_mode) or not about.st_size or max(times) > now - SETTLED_NS:
            continue
        text = f"{base}\0{path}\0{about.st_size}\0{times[0]}\0{times[1]}".encode("utf-8", "surrogateescape")
        found[i] = np.frombuffer(xxhash.xxh3_128_digest(text), np.uint64)
        usable[i] = True
    return found, usable
