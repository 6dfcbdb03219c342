"""Writing results so that a reader never sees half of one: aside, flushed to the disk, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from curate.errors import ConfigError, StorageError

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"


def write_text(path: Path, text: str) -> None:
    """Write a file aside and rename it into place. Raises StorageError."""
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with aside.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as Parquet; the same table always gives the same bytes. Raises StorageError."""
    import pyarrow.parquet as pq

    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            pq.write_table(table, aside, compression="zstd")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn what the disk says into a StorageError with the path and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "the disk is full: free some space and run again; finished measurements are kept in the cache"
        else:
            hint = error.strerror or str(error)
        raise StorageError(f"{path}: can't be written: {hint}") from error


@contextmanager
def folder_aside(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place when the block ends well, and vanishes when it doesn't.

    Raises ConfigError if `out` exists, is not empty and was not made by curate.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; the result needs a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise ConfigError(f"{out} is not empty and was not made by curate; name another folder with --out")
    aside = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    with storage(out):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            yield aside
            old = out.with_name(f".{out.name}.{os.getpid()}.old")
            if out.exists():
                out.rename(old)
            aside.rename(out)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
