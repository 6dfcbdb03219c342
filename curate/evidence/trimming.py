"""Keeping a cache within a size: what was not used for longest goes first."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from curate.evidence.chunks import DAMAGED, PARTIAL

MARK_SECONDS = 3_600.0
"""Use is noted no more often than this, so that a run over a warm cache writes next to nothing."""
STALE_SECONDS = 86_400.0
"""Age from which what a killed process left half written, or what was set aside as damaged, is removed first."""


@dataclass(frozen=True)
class _Entry:
    """A chunk, or the folder of an estimate."""

    path: Path
    used: float
    bytes: int
    files: int


def mark_used(path: Path) -> None:
    """Note, by its time of change, that an entry was used; where the clock is wrong, only the order of removal is."""
    with suppress(OSError):
        if abs(time.time() - path.stat().st_mtime) > MARK_SECONDS:
            os.utime(path)


def trim(parts: Sequence[Path], limit: int) -> tuple[int, int]:
    """Remove entries of these folders until at most `limit` bytes are left; (files, bytes) removed.

    An entry is renamed before it is removed, so that nobody meets half of it. Other runs that lose an entry in the
    midst of their work make it again.
    """
    entries = [entry for part in parts for entry in _entries(part)]
    total, files, freed, now = sum(entry.bytes for entry in entries), 0, 0, time.time()
    for entry in sorted(entries, key=lambda entry: (not _is_stale(entry, now), entry.used, str(entry.path))):
        if total - freed <= limit and not _is_stale(entry, now):
            break
        if _removed(entry.path):
            files, freed = files + entry.files, freed + entry.bytes
    for part in parts:
        for folder in part.glob("*"):
            with suppress(OSError):
                folder.rmdir()  # where it is empty
    return files, freed


def _is_stale(entry: _Entry, now: float) -> bool:
    return entry.path.name.endswith((PARTIAL, DAMAGED)) and now - entry.used > STALE_SECONDS


def _entries(part: Path) -> list[_Entry]:
    """The chunks of ``measures`` and ``results`` one by one; of ``estimates`` whole folders."""
    found = []
    for path in part.glob("*" if part.name == "estimates" else "*/*"):
        with suppress(OSError):  # another run removed it in between
            inside = [about.stat() for about in path.iterdir()] if path.is_dir() else [path.stat()]
            found.append(_Entry(path, path.stat().st_mtime, sum(one.st_size for one in inside), len(inside)))
    return found


def _removed(path: Path) -> bool:
    """Whether an entry is gone by our doing. Raises OSError where it can't be removed."""
    if not path.is_dir():
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True
    aside = path if path.name.endswith((PARTIAL, DAMAGED)) else path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    try:
        if aside != path:
            path.rename(aside)
    except FileNotFoundError:
        return False
    shutil.rmtree(aside)
    return True
