"""Where things are kept unless the user says otherwise, files written in one piece, and sizes as people write them."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ByteSize, TypeAdapter, ValidationError

from curate.errors import ConfigError, StorageError


def default_cache() -> Path:
    """``$CURATE_CACHE``, else ``$XDG_CACHE_HOME/curate``, else ``~/.cache/curate``."""
    if named := os.environ.get("CURATE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "curate"


def parse_bytes(text: str) -> int:
    """Bytes in ``500MB``, ``2 GB``, ``2g``, ``1.5GiB``, ``1.5Gi`` or a number. Raises ValueError for anything else."""
    written = text.strip()
    if "bit" in written.lower() or written.startswith("-"):
        raise ValueError(f"{text!r} is no number of bytes")
    try:
        return int(TypeAdapter(ByteSize).validate_python(written + "B" if written.lower().endswith("i") else written))
    except ValidationError:
        raise ValueError(f"{text!r} is no number of bytes") from None


@contextmanager
def storing(path: Path, temporary: bool = False) -> Iterator[None]:
    """Turn what the disk says into a StorageError with the path and what to do.

    Args:
        path: of what is written.
        temporary: it lies in the folder for temporary files, which can be another one.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "the disk is full: free some space and run again; finished measurements are kept in the cache"
        else:
            hint = error.strerror or str(error)
        elsewhere = "; TMPDIR names another folder" if temporary else ""
        raise StorageError(f"{path}: can't be written: {hint}{elsewhere}") from error


@contextmanager
def file_aside(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block ends well, flushed to the disk, and vanishes when it
    doesn't. Folders that are missing are made. Raises StorageError."""
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = _aside(path.parent, path.name)
        try:
            with aside.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file aside and rename it into place. Raises StorageError."""
    with file_aside(path) as file:
        file.write(text.encode())


def refuse_file(path: Path) -> None:
    """Say, before the work whose result goes to `path`, that no file can be written there. Nothing is left behind.

    Raises:
        ConfigError: it is a folder, a device or a pipe, or its name is not UTF-8 text.
        StorageError: its folder is none, or may not be written.
    """
    with storing(path):
        if path.is_dir():
            raise ConfigError(f"{path} is a folder; name a file")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is no regular file, which would be replaced; name another")
    refuse_place(path)


def refuse_place(path: Path) -> None:
    """Say that nothing can be written aside and renamed to `path`, by making a file beside it that is removed at once.

    Raises:
        ConfigError: its name is not UTF-8 text.
        StorageError: its folder, or the nearest one that there is, may not be written.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise ConfigError(f"{shown}: the name is not UTF-8 text; name another") from None
    with storing(path):
        there = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        aside = _aside(there, path.name)
        try:
            aside.touch()
        finally:
            aside.unlink(missing_ok=True)


def _aside(folder: Path, name: str) -> Path:
    return folder / f".{name}.{secrets.token_hex(6)}.tmp"
