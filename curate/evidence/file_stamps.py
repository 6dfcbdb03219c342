"""The content of files by their stamps, kept in the cache, so that unchanged files are not read again to be hashed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from curate.errors import StorageError
from curate.evidence.cache import Cache

KEY = "files-1"
FIELDS = {"content": ("uint64", (2,))}


class FileStamps:
    """What is known of files (`curate.media.known_files.Remembered`).

    Args:
        folder: of the cache.
        rehash: take nothing from an earlier time; what is read now is remembered again.
    """

    def __init__(self, folder: Path, rehash: bool = False) -> None:
        self._cache, self._rehash = Cache(folder), rehash
        self.notes: list[str] = []

    def lookup(self, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m, 2) uint64 stamps -> (m,) bool whether known, and (m, 2) uint64 content hashes."""
        if self._rehash or not len(stamps):
            return np.zeros(len(stamps), dtype=bool), np.zeros((len(stamps), 2), dtype=np.uint64)
        found, values, _ = self._cache.lookup(KEY, stamps, FIELDS)
        return found, values["content"]

    def add(self, stamps: np.ndarray, content: np.ndarray) -> None:
        """Remember files; where that is impossible, say so once and go on: they are read again the next time."""
        try:
            self._cache.append(KEY, stamps, {"content": content})
        except StorageError as error:
            self.notes = [f"what files hold is not remembered for the next run: {error}"]
