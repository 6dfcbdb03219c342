"""Shards of an export written by other machines.

A shard is written beside its place and renamed, so one whose machine is lost is written again by another, with the same
bytes. What is written must lie on a file system that all machines share; so must media that stand in files.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.engines.engine import current
from curate.errors import DataError, StorageError
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.reading import Reading
from curate.pipeline.exporting.stretch import Stretch, unseen
from curate.pipeline.files import sha256
from curate.storage import storing
from curate.table import Table

PARTS = ".parts"
TRAVELLING_BYTES = 4 << 30
"""Rows from memory that are on their way at once, but for one shard's; of a result that is opened again none are."""

Write = Callable[[Reading, Iterator[pa.Table], Path, int], None]
"""(reading, blocks of lines, file, number of the first line) -> nothing: writes a shard."""


@dataclass(frozen=True)
class Writing:
    """Writes shards.

    Attributes:
        reading: of the lines.
        folder: where they go.
        token: name of a file that is there, by which another machine knows the folder.
        write: writes one.
    """

    reading: Reading
    folder: Path
    token: str
    write: Write

    def __call__(self, piece: Stretch) -> str:
        """The SHA-256 of a shard once it stands in its place.

        Raises:
            Absent: the file with the rows is not here.
            StorageError: the folder or a media file is not here, or the shard can't be written.
        """
        if not (self.folder / PARTS / self.token).is_file():
            raise StorageError(
                f"{socket.gethostname()}, a node of the cluster, does not see {self.folder}: shards are written by the"
                " nodes, so name a folder on a file system that all of them share under one path, or take --engine"
                " local"
            )
        reading = replace(self.reading, skips=False)
        made = self.folder / PARTS / f"{piece.name}.{uuid.uuid4().hex}"
        with storing(self.folder / piece.name):
            try:
                blocks = chain.from_iterable(reading.blocks(part, piece.fetch, {}) for part in piece.parts)
                self.write(reading, blocks, made, piece.first)
            except DataError as error:
                raise unseen(reading, error) from error
            with made.open("rb") as file:
                os.fsync(file.fileno())
            digest = sha256(made)
            made.replace(self.folder / piece.name)
        return digest


def written_elsewhere(
    lines: Lines, reading: Reading, folder: Path, shards: Sequence[tuple[str, Sequence[pa.Table], int]], write: Write
) -> dict[str, str]:
    """Have shards written by the machines of the engine.

    Args:
        lines: of the result.
        reading: of the lines.
        folder: where they go.
        shards: name, blocks of lines, and number of the first line, of each.
        write: writes one.

    Returns:
        Name of each -> its SHA-256.

    Raises:
        StorageError: a machine does not see the folder or the data, or a shard can't be written.
    """
    given = (Stretch.of(name, lines.table, parts, first=first, gone={}) for name, parts, first in shards)
    with _shared(folder) as token:
        longest = max((sum(len(part) for part in parts) for _, parts, _ in shards), default=0)
        workers = workers_for(lines.table, longest)
        digests = current().ordered_map(Writing(reading, folder, token, write), given, workers)
        return dict(zip([name for name, *_ in shards], digests))


def workers_for(table: Table, rows: int) -> int:
    """Machines that may be at work at once, so that not too many rows travel; 0 for all, as rows of a file do not."""
    if table.stored is not None or not rows:
        return 0
    data: Any = table.dataset.data if table.held is None else table.held.mapped
    travelling = 2 * rows * (data.nbytes / max(len(table), 1))  # of each machine a piece waits
    return 0 if travelling * current().slots() <= TRAVELLING_BYTES else max(1, int(TRAVELLING_BYTES / travelling))


@contextmanager
def _shared(folder: Path) -> Iterator[str]:
    """A folder for shards that are not complete, and the name of a file in it."""
    token = f"token.{uuid.uuid4().hex}"
    with storing(folder):
        (folder / PARTS).mkdir()
        (folder / PARTS / token).touch()
    try:
        yield token
    finally:
        # With what a lost machine has left; should it come back, its unfinished shard is no more.
        shutil.rmtree(folder / PARTS, ignore_errors=True)
