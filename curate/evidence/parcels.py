"""Chunks of rows on their way to another machine: named by their files where it has them, else with their content."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.engines.engine import Absent, Piece
from curate.errors import ConfigError, DataError
from curate.evidence.decoding import Chunk
from curate.evidence.outcome import Outcome
from curate.evidence.settings import EvidenceSettings
from curate.media import payload
from curate.media.segments import MARK, file_name
from curate.stored import Stored
from curate.table import Table
from curate.task import DECODED

if TYPE_CHECKING:
    from curate.evidence.one_pass import OnePass
    from curate.evidence.parts.writing import PartWriter

CARRIED_BYTES = 1 << 26
"""Encoded media that one parcel brings along, but for the last row."""
MOST_MEDIA = 64
"""Rows of media in a parcel: few enough that a row which ends its worker is soon found."""
BASE_SECONDS = 60.0
ROW_SECONDS = {"image": 10.0, "mask": 10.0, "audio": 60.0, "video": 300.0}
"""A worker that takes longer than the base and so much for each row is taken to hang; for others it is a second, and
never more than the settings' `row_seconds`."""


@dataclass(frozen=True)
class InFile:
    """Rows of an Arrow stream file that the other machine is to have, too.

    Attributes:
        stored: the file, and the columns that are read of it.
        size: its bytes here.
    """

    stored: Stored
    size: int

    @classmethod
    def of(cls, table: Table, names: Sequence[str]) -> InFile | None:
        """The file that a table's rows are mapped from; None where they stand in memory."""
        if table.stored is None:
            return None
        path = table.stored.path.resolve()
        return cls(Stored(path, tuple(names)), path.stat().st_size)

    def __getitem__(self, rows: list[int]) -> pa.Table:
        """The columns of some rows. Raises Absent."""
        path = self.stored.path
        if not path.is_file() or path.stat().st_size != self.size:
            raise Absent(str(path))
        return self.stored.take(np.asarray(rows))


@dataclass(frozen=True)
class Content:
    """Rows that travel with the parcel.

    Attributes:
        rows: (m,) int64 their positions in the table, ascending.
        table: their columns.
    """

    rows: np.ndarray
    table: pa.Table

    def __getitem__(self, rows: list[int]) -> pa.Table:
        """The columns of some of them."""
        return self.table.take(pa.array(np.searchsorted(self.rows, rows)))


@dataclass(frozen=True)
class Parcel(Piece):
    """A chunk on its way.

    Attributes:
        chunk: where it is read from by the worker.
        modality: what is decoded.
        wanted: places of the measures that are missing.
        whole: nothing of it is read from files.
        read_here: the chunk as it is read on this machine; stays behind.
        root: folder of the media files.
        max_bytes: largest media file that is read.
        base_seconds: with `row_seconds` for each row, the time after which its worker is taken to hang.
        row_seconds: see there.
        content: (m, 2) uint64 content hashes of the rows, under which what is measured is kept.
    """

    chunk: Chunk
    modality: str
    wanted: tuple[int, ...]
    whole: bool
    read_here: Chunk | None
    root: Path | None
    max_bytes: int
    base_seconds: float
    row_seconds: float
    content: np.ndarray

    def __getstate__(self) -> dict[str, Any]:
        """What travels."""
        return {**vars(self), "read_here": None}

    @property
    def seconds(self) -> float:
        """Time after which its worker is taken to hang."""
        return self.base_seconds + self.row_seconds * len(self.chunk.rows)

    def halves(self) -> list[Piece]:
        """Two parcels of half the rows; none of a single row."""
        half = len(self.chunk.rows) // 2
        if not half:
            return []
        return [self._part(slice(None, half)), self._part(slice(half, None))]

    def carried(self) -> list[Piece]:
        """The same rows with what is in their files; a file that can't be read here either stays named."""
        if self.whole or self.read_here is None:
            return []
        pieces: list[Piece] = []
        segments = self.chunk.content is not None and _has_segments(self.read_here)
        for rows, table in self._read(self.read_here):
            content = self.content[np.searchsorted(self.chunk.rows, rows)]
            known = None if self.chunk.content is None or segments else content
            chunk = Chunk(rows, Content(rows, table), known)  # type: ignore[arg-type]
            pieces.append(dataclasses.replace(self, chunk=chunk, whole=True, read_here=chunk, content=content))
        return pieces

    def lost(self, why: str) -> Outcome:
        """One row without an item; it is tried again in the next run."""
        outcome = Outcome(len(self.chunk.rows))
        outcome.broken.unread |= dict.fromkeys(self.chunk.rows.tolist(), f"it could not be measured: {why}")
        return outcome

    def _part(self, some: slice) -> Parcel:
        here = None if self.read_here is None else self.read_here.some(some)
        chunk = self.chunk.some(some)
        if isinstance(self.chunk.columns, Content):
            rows = Content(chunk.rows, self.chunk.read()[some])
            chunk = dataclasses.replace(chunk, columns=rows)  # type: ignore[arg-type]
        return dataclasses.replace(self, chunk=chunk, read_here=here, content=self.content[some])

    def _read(self, chunk: Chunk) -> Iterator[tuple[np.ndarray, pa.Table]]:
        table = chunk.read()
        if self.modality not in DECODED:
            yield chunk.rows, table
            return
        name, kind = table.column_names[0], table.schema.field(0).type
        values: list[Any] = []
        held = begun = 0
        for place, value in enumerate(table.column(0).to_pylist()):
            try:
                data = payload.read_bytes(value, self.root, self.max_bytes)
                values.append({"bytes": data, "path": value["path"] and file_name(value["path"])})
                held += len(values[-1]["bytes"])
            except DataError:
                values.append(value)
            if held >= CARRIED_BYTES or place + 1 == len(chunk.rows):
                yield chunk.rows[begun : place + 1], pa.table({name: pa.array(values, kind)})
                values, held, begun = [], 0, place + 1


def _has_segments(chunk: Chunk) -> bool:
    """Whether rows may be parts of files; carried, these are named as files of their own."""
    paths = pc.struct_field(chunk.read().column(0), "path")
    return bool(pc.any(pc.match_substring(paths, MARK)).as_py())


def parcels(
    given: Iterable[Chunk], table: Table, modality: str, wanted: Sequence[int], settings: EvidenceSettings
) -> Iterator[Parcel]:
    """Chunks as they are sent: rows of a file by its name, others with what stands in the table of them."""
    in_file: InFile | None = None
    patience = BASE_SECONDS, min(ROW_SECONDS.get(modality, 1.0), settings.row_seconds)
    for chunk in given:
        in_file = in_file or InFile.of(table, chunk.columns.column_names)
        rows: Any = in_file or Content(chunk.rows, chunk.read().combine_chunks())
        sent = dataclasses.replace(chunk, columns=rows)
        whole = in_file is None and not (modality in DECODED and table.root is not None)
        limits = settings.max_bytes, *patience
        yield Parcel(sent, modality, tuple(wanted), whole, chunk, table.root, *limits, table.content[chunk.rows])


class SentPass:
    """The part of a pass that workers of other machines do.

    Args:
        one: the pass; it is sent without the table.
        writer: of parts; None where all values come back.
    """

    def __init__(self, one: OnePass, writer: PartWriter | None = None) -> None:
        self._pass, self._writer = one, writer
        self._prints = one.prints()

    @cached_property
    def _differing(self) -> list[str]:
        """What has other versions on this machine than where the pass was made."""
        here = self._pass.prints()
        return [name for name, print_ in self._prints.items() if here.get(name) != print_]

    def __call__(self, parcel: Parcel) -> Outcome:
        """Decode and measure the rows of a parcel.

        Raises:
            Absent: a file is not here.
            ConfigError: a library that the values depend on has another version here.
        """
        if self._differing:
            raise ConfigError(
                f"a node of the cluster has other versions of the libraries behind {', '.join(self._differing)};"
                " install the same ones on all nodes and here"
            )
        outcome = self._pass.work(parcel.chunk, parcel.wanted)
        if outcome.broken.unread and not parcel.whole:
            raise Absent(next(iter(outcome.broken.unread.values())))
        if self._writer is not None:
            given = outcome.measured, parcel.chunk.rows, parcel.content
            outcome.measured, outcome.parted, outcome.whole = self._writer.written(*given)
        return outcome
