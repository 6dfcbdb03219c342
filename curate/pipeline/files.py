"""Writing results so that a reader never sees half of one: aside, flushed to the disk, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from curate.errors import ConfigError, StorageError
from curate.storage import file_aside, refuse_place, storing

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as Parquet; the same table always gives the same bytes. Raises StorageError."""
    import pyarrow.parquet as pq

    with file_aside(path) as file:
        pq.write_table(table, file, compression="zstd")


def is_result(folder: Path) -> bool:
    """Whether a folder holds a result of curate; other programs write files called manifest.json, too."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and {"curate", "format", "files"} <= manifest.keys()


def refuse_folder(out: Path, ours: Callable[[Path], bool] = is_result, whose: str = "curate") -> None:
    """Say, before the work, that a result can't go to `out`. Nothing is left behind.

    Raises:
        ConfigError: it is a file, a mount point (which can't be replaced), a folder with anything but what may be
            replaced, or its name is not UTF-8 text.
        StorageError: the folder that it is in can't be written.
    """
    with storing(out):
        if out.exists() and not out.is_dir():
            raise ConfigError(f"{out} is a file; a folder is needed: name another")
        if out.is_dir() and any(out.iterdir()) and not ours(out):
            raise ConfigError(f"{out} is not empty and was not made by {whose}; name another folder")
        if os.path.ismount(out):
            raise ConfigError(f"{out} is a mount point, which can't be replaced as a whole; name a folder in it")
    refuse_place(out.resolve())


@contextmanager
def folder_aside(out: Path, ours: Callable[[Path], bool] = is_result, whose: str = "curate") -> Iterator[Path]:
    """A new folder beside `out` that takes its place when the block ends well, and vanishes when it doesn't.

    What killed processes have left beside `out` is cleared away first. Raises as `refuse_folder`.
    """
    refuse_folder(out, ours, whose)
    aside, old = (out.with_name(f".{out.name}.{socket.gethostname()}-{os.getpid()}.{end}") for end in ("tmp", "old"))
    with storing(out):
        _clear_leftovers(out)
        aside.mkdir(parents=True)
        try:
            yield aside
            _put_in_place(aside, out, old)
        finally:
            if old.exists() and not out.exists():
                old.rename(out)
            shutil.rmtree(old, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, out: Path, old: Path) -> None:
    """Rename a finished folder to `out`, and what stood there away. Of several runs at once the last one's stays."""
    for _ in range(100):
        try:
            if out.exists():
                out.rename(old)
            aside.rename(out)
            return
        except OSError as error:
            another_run = (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST)
            if error.errno not in another_run or not aside.exists():
                raise
        shutil.rmtree(old, ignore_errors=True)
    raise StorageError(f"{out}: other runs write to it again and again; name a folder for each run")


def _clear_leftovers(out: Path) -> None:
    """Remove what processes of this machine that are no more have left of writing `out`; put an old result back."""
    if not out.parent.is_dir():
        return
    form = re.compile(rf"\.{re.escape(out.name)}\.{re.escape(socket.gethostname())}-(\d+)\.(tmp|old)")
    for path in sorted(out.parent.iterdir()):
        match = form.fullmatch(path.name)
        if match is None or _is_running(int(match[1])):
            continue
        if match[2] == "old" and not out.exists():
            path.rename(out)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return False
    if os.name != "posix":  # elsewhere os.kill would end the process instead of asking after it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
