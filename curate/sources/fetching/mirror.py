"""Copies of remote files in a folder here: fetched once, whole or not at all, and again only where they changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock

from curate.errors import CurateError, DataError, StorageError
from curate.randomness import digest
from curate.sources.fetching.store import Remote, Store, read
from curate.sources.fetching.urls import shown
from curate.storage import default_cache

THREADS = 8
STATE = ".fetched.json"
DOWNLOADS = "remote"
"""Folder of all copies, in the cache."""


class Mirror:
    """The copies of one source.

    Args:
        source: the URL (or URLs) that the user named; what it is called by, queries left out.
        store: where to fetch from.
        folder: of all copies; that of the cache if None.

    Raises:
        StorageError: the folder can't be made.
    """

    def __init__(self, source: str, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self.folder = (folder or default_cache() / DOWNLOADS) / f"{digest('remote', source):032x}"[:24]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.folder}: no folder for remote data: {error.strerror}") from None
        self._known: dict[str, list[object]] = self._read_state()
        self._got = 0
        self._counting = Lock()

    def fetch(self, wanted: Mapping[str, Remote]) -> dict[str, str]:
        """Bring files here.

        Args:
            wanted: path below the folder -> where it comes from.

        Returns:
            path -> why it could not be had.

        Raises:
            DataError: more bytes or files than the limits allow.
            StorageError: the disk failed.
        """
        self._refuse_too_much(wanted)
        due = [(path, remote) for path, remote in wanted.items() if not self._has(path, remote)]
        due_paths = {path for path, _ in due}
        self._got += sum(self._size(path) for path in wanted if path not in due_paths)
        failures: dict[str, str] = {}
        with ThreadPoolExecutor(THREADS, thread_name_prefix="curate-remote") as pool:
            try:
                for (path, remote), why in zip(due, pool.map(lambda pair: self._bring(*pair), due)):
                    if why:
                        failures[path] = why
                    else:
                        self._known[path] = [self._size(path), remote.version]
            finally:
                pool.shutdown(cancel_futures=True)
                self._write_state()
        return failures

    def fetch_each(self, urls: Mapping[str, str]) -> dict[str, str]:
        """Bring files here whose size and version are not known yet: path -> URL; gives path -> why not.

        Raises:
            DataError: more bytes or files than the limits allow.
            StorageError: the disk failed.
        """
        found: dict[str, Remote] = {}
        failures: dict[str, str] = {}

        def ask(url: str) -> Remote | str:
            try:
                return self._store.stat(url)
            except DataError as error:
                return str(error)

        with ThreadPoolExecutor(THREADS, thread_name_prefix="curate-remote") as pool:
            for path, said in zip(urls, pool.map(ask, urls.values())):
                if isinstance(said, str):
                    failures[path] = said
                else:
                    found[path] = said
        return failures | self.fetch(found)

    def forget_others(self, wanted: Mapping[str, Remote]) -> None:
        """Take away copies of files that are no longer there."""
        for path in [path for path in self._known if path not in wanted]:
            (self.folder / path).unlink(missing_ok=True)
            del self._known[path]
        self._write_state()

    def _refuse_too_much(self, wanted: Mapping[str, Remote]) -> None:
        patience, size = self._store.patience, sum(remote.size or 0 for remote in wanted.values())
        if len(wanted) > patience.max_files:
            raise DataError(f"{len(wanted):,} remote files, more than the limit of {patience.max_files:,}")
        if size > patience.max_bytes:
            first = shown(next(iter(wanted.values())).url)
            raise DataError(
                f"{first}{' and others' if len(wanted) > 1 else ''}: {size:,} bytes, more than the limit of"
                f" {patience.max_bytes:,}"
            )

    def _has(self, path: str, remote: Remote) -> bool:
        known = self._known.get(path)
        return bool(known and remote.version and known[1] == remote.version and known[0] == self._size(path))

    def _size(self, path: str) -> int:
        try:
            return (self.folder / path).stat().st_size
        except OSError:
            return -1

    def _bring(self, path: str, remote: Remote) -> str:
        """Fetch one file beside its place and rename it; why not, or the empty text."""
        target = self.folder / path
        aside, got = target.with_name(f".{target.name[:100]}.{os.getpid()}.tmp"), 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                for block in read(self._store, remote):
                    got += len(block)
                    self._count(len(block), remote)
                    file.write(block)
            aside.replace(target)
            got = 0  # of what does not stay here
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise StorageError(f"{target}: can't be written: {error.strerror}") from None
        except CurateError as error:
            aside.unlink(missing_ok=True)
            if isinstance(error, DataError):
                return str(error)
            raise
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        finally:
            self._count(-got, None)
        return ""

    def _count(self, size: int, remote: Remote | None) -> None:
        """Add to the bytes that this source takes, whichever thread brings them. Raises DataError beyond the limit."""
        limit = self._store.patience.max_bytes
        with self._counting:
            self._got += size
            if remote is not None and self._got > limit:
                raise DataError(f"{shown(remote.url)}: with it the source has more than the limit of {limit:,} bytes")

    def _read_state(self) -> dict[str, list[object]]:
        try:
            found = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none yet, or damaged: everything is fetched again
            return {}
        return (
            {p: s for p, s in found.items() if isinstance(s, list) and len(s) == 2} if isinstance(found, dict) else {}
        )

    def _write_state(self) -> None:
        aside = self.folder / f"{STATE}.{os.getpid()}.tmp"
        try:
            aside.write_text(json.dumps(self._known), encoding="utf-8")
            aside.replace(self.folder / STATE)
        except OSError as error:
            raise StorageError(f"{self.folder}: can't be written: {error.strerror}") from None


def copies(cache: Path) -> tuple[int, int]:
    """Files and bytes of the copies of all sources in a cache folder."""
    sizes = []
    for path in (cache / DOWNLOADS).rglob("*"):
        with suppress(FileNotFoundError):  # another run replaced it in between
            if path.is_file() and path.name != STATE:
                sizes.append(path.stat().st_size)
    return len(sizes), sum(sizes)


def remove_copies(cache: Path) -> None:
    """Remove the copies of all sources. Raises StorageError."""
    folder = cache / DOWNLOADS
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(f"{folder}: can't be removed: {error.strerror}") from None
