"""Hashes of files by other machines, as far as these have the files that are here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curate.engines.engine import Engine
from curate.media.file_hashes import file_hash

FEW_FILES, MOST_FILES = 64, 2048
"""Files that are not worth sending, and that one machine hashes at a time."""


@dataclass(frozen=True)
class HashingElsewhere:
    """Has files hashed by the machines of an engine (`curate.media.file_hashes.hashed_by`).

    Attributes:
        engine: where.
    """

    engine: Engine

    def __call__(self, names: Sequence[str], root: str | os.PathLike[str]) -> list[bytes | None]:
        """The hash of each file; None where another machine can't read it, or has one of another size."""
        if len(names) < FEW_FILES:
            return [None] * len(names)
        base = os.path.realpath(root)
        step = min(MOST_FILES, max(-(-len(names) // (4 * self.engine.slots())), 1))
        given = (tuple(names[begin : begin + step]) for begin in range(0, len(names), step))
        found = [one for part in self.engine.ordered_map(FileHashes(Path(base)), given) for one in part]
        return [hashed if size == _size(base, name) else None for name, (hashed, size) in zip(names, found)]


@dataclass(frozen=True)
class FileHashes:
    """Hashes files below a folder.

    Attributes:
        root: the folder, absolute.
    """

    root: Path

    def __call__(self, names: Sequence[str]) -> list[tuple[bytes | None, int]]:
        """Hash and bytes of each file; no hash of those that can't be read here."""
        base, found = str(self.root), []
        for name in names:
            hashed = file_hash(name, base)
            found.append((hashed if isinstance(hashed, bytes) else None, _size(base, name)))
        return found


def _size(base: str, name: str) -> int:
    """Bytes of a file below a folder, -1 where there is none."""
    try:
        return os.stat(os.path.join(base, name)).st_size  # noqa: PTH116, PTH118 (a Path per file is many times slower)
    except (OSError, ValueError):
        return -1
