"""The files in a tar archive, from its headers, wherever the bytes come from; nothing is unpacked to disk."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from curate.errors import DataError
from curate.sources.fetching.store import Remote, Store, read
from curate.wording import counted, noun

BLOCK = 512
READ_AHEAD = 1 << 18
LONGEST_NAME = 1 << 16


class Bytes(Protocol):
    """An archive's bytes, by place."""

    size: int

    def at(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on; fewer at the end."""
        ...


class LocalBytes:
    """The bytes of a file here."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def at(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on."""
        self._file.seek(start)
        return self._file.read(count)

    def __enter__(self) -> LocalBytes:
        """Open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._file.close()


class RemoteBytes:
    """Parts of a remote file, asked for when they are looked at, with some read ahead.

    Attributes:
        size: of the file.
        fetched: bytes that were asked for.
    """

    def __init__(self, store: Store, remote: Remote, ahead: int = READ_AHEAD) -> None:
        self._store, self._remote, self._ahead = store, remote, ahead
        self._start, self._held = 0, b""
        self.size, self.fetched = remote.size or 0, 0

    def at(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on."""
        if not self._start <= start <= start + count <= self._start + len(self._held):
            stop = min(start + max(count, self._ahead), self.size)
            self._held = b"".join(read(self._store, self._remote, start, stop)) if stop > start else b""
            self._start = start
            self.fetched += len(self._held)
        return self._held[start - self._start : start - self._start + count]


@dataclass(frozen=True)
class Member:
    """A regular file in an archive: its name, and where its content stands."""

    name: str
    start: int
    size: int


def members(archive: Bytes, name: str, note: Callable[[str], None]) -> Iterator[Member]:
    """The regular files in their order. Links, devices and folders are left out; links are told to `note`.

    Raises:
        DataError: a header is damaged, or the archive ends within a file; what came before is sound.
    """
    place, long_name, links = 0, "", 0
    while place + BLOCK <= archive.size:
        header = archive.at(place, BLOCK)
        if not header.strip(b"\0"):
            if links:
                said = counted(links, "link or special file", "links or special files")
                note(f"{name}: {said} in the archive {noun(links, 'is', 'are')} not followed")
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise DataError(f"{name}, byte {place:,}: no header of a tar archive ({error})") from None
        content = place + BLOCK
        if info.size < 0 or content + info.size > archive.size:
            raise DataError(f"{name}, byte {place:,}: cut off: a file of {info.size:,} bytes does not fit the archive")
        place = content + -(-info.size // BLOCK) * BLOCK
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            if info.size > LONGEST_NAME:
                raise DataError(f"{name}, byte {content:,}: a file name of {info.size:,} bytes")
            data = archive.at(content, info.size)
            long_name = _pax_path(data) or long_name if info.type == tarfile.XHDTYPE else _text(data)
            continue
        if info.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            continue
        if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE):
            yield Member(long_name or _text(info.name.encode("utf-8", "surrogateescape")), content, info.size)
        elif info.type != tarfile.DIRTYPE:
            links += 1
        long_name = ""
    raise DataError(f"{name}: cut off: the end mark of the archive is missing")


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "backslashreplace")


def _pax_path(data: bytes) -> str:
    """The path that a pax header gives; empty where it gives none."""
    while data:
        length, _, rest = data.partition(b" ")
        if not length.isdigit() or int(length) <= len(length):
            return ""
        record = rest[: int(length) - len(length) - 1].rstrip(b"\n")
        if record.startswith(b"path="):
            return record[5:].decode("utf-8", "backslashreplace")
        data = data[int(length) :]
    return ""
