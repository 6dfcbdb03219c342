"""Where things are kept unless the user says otherwise, files written in one piece, and sizes as people write them."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ByteSize, TypeAdapter, ValidationError

from curate.errors import StorageError

_SIZE = TypeAdapter(ByteSize)


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
        return int(_SIZE.validate_python(written + "B" if written.lower().endswith("i") else written))
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


def write_text(path: Path, text: str) -> None:
    """Write a file aside and rename it into place. Raises StorageError."""
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        try:
            with aside.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
