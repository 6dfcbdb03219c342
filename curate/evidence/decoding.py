"""Rows of a table -> decoded items in batches of bounded memory, row by row where one can't be decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.engines.attention import looking_at
from curate.errors import DataError
from curate.evidence.measure import installed
from curate.evidence.memory import Room
from curate.evidence.settings import EvidenceSettings
from curate.media import audio, image, mask, payload, series, video
from curate.media.content import input_columns
from curate.media.item import DecodeError
from curate.media.weights import decoded_bytes
from curate.randomness import digest
from curate.table import Table
from curate.task import DECODED

if TYPE_CHECKING:
    import datasets

VERSION = 2
"""Raise it when the same bytes decode to other arrays, or to other errors."""
BATCH_BYTES = 1 << 26
"""Decoded media that a worker holds at once for a model, but for the last item."""
GROUP_BYTES = 1 << 24
"""Decoded media that are measured together by all else: enough that what is done once for all of them costs little."""
LAST_ROWS = {"video": 1}
"""Rows of the last chunks, of those that get smaller; 16 of what is decoded sooner."""
LIBRARIES = {
    "image": ("simplejpeg", "pillow"),
    "mask": ("pillow",),
    "audio": ("soundfile", "av"),
    "video": ("av",),
}


READ_ROWS, PATH_ROWS = 8, 128
"""Media rows that are fetched from the table at once: where it holds their bytes, and where those before held none."""


@dataclass(frozen=True)
class ArrowRows:
    """Some columns of rows in memory, read as `datasets` would read them, without that library.

    Attributes:
        mapped: the columns, all rows.
    """

    mapped: pa.Table

    @property
    def column_names(self) -> list[str]:
        """Their names."""
        return self.mapped.column_names

    def __getitem__(self, rows: list[int]) -> pa.Table:
        """Some rows in the given order; no more of the columns is copied than stands in them."""
        wanted = np.asarray(rows, dtype=np.int64)
        if not len(wanted):
            return self.mapped.slice(0, 0)
        if (wanted[1:] == wanted[:-1] + 1).all():
            return self.mapped.slice(wanted[0], len(wanted))
        if (wanted[1:] <= wanted[:-1]).any():
            return self.mapped.take(pa.array(wanted))
        parts, begin = [], int(wanted[0])
        # Piece by piece: a column in several would be copied into one before rows are taken of it.
        for batch in self.mapped.slice(begin, int(wanted[-1]) + 1 - begin).to_batches():
            low, high = np.searchsorted(wanted, [begin, begin + len(batch)])
            if high > low:
                parts.append(batch.take(pa.array(wanted[low:high] - begin)))
            begin += len(batch)
        return pa.Table.from_batches(parts, self.mapped.schema)


@dataclass(frozen=True)
class Chunk:
    """Some rows of one modality, not read yet.

    Attributes:
        rows: (m,) int64 positions in the table.
        columns: to read them from.
        content: (m, 2) uint64 hashes of what the files hold, where it alone is the rows' content; None where it isn't.
    """

    rows: np.ndarray
    columns: datasets.Dataset | ArrowRows
    content: np.ndarray | None = None

    def some(self, which: slice) -> Chunk:
        """Some of the rows as a chunk of their own."""
        return Chunk(self.rows[which], self.columns, None if self.content is None else self.content[which])

    def alone(self) -> list[Chunk]:
        """Each row as a chunk of its own."""
        return [self.some(slice(place, place + 1)) for place in range(len(self.rows))]

    def read(self, start: int = 0, stop: int | None = None) -> pa.Table:
        """The columns of some of the rows (places within the chunk)."""
        return self.columns[self.rows[start:stop].tolist()]


@dataclass
class Broken:
    """Rows without an item: `undecodable` for good (the bytes are at fault), `unread` this time (no file, no value)."""

    undecodable: dict[int, str] = field(default_factory=dict)
    unread: dict[int, str] = field(default_factory=dict)


def fingerprint(modality: str, settings: EvidenceSettings) -> str:
    """32 hex digits over all that the outcome of decoding depends on but the bytes."""
    parts: list[object] = [modality, VERSION]
    if modality in DECODED:
        parts += [settings.max_bytes, settings.max_pixels, settings.max_seconds]
        parts += [f"{library}=={installed(library)}" for library in LIBRARIES[modality]]
    if modality == "video":
        parts += [video.VERSION, video.FRAMES, video.SIDE_PX, settings.max_video_pixels]
    return f"{digest(*parts):032x}"


def chunks(table: Table, modality: str, rows: np.ndarray, chunk_rows: int, workers: int = 0) -> Iterator[Chunk]:
    """The rows in chunks of `chunk_rows`; with `workers` of fewer towards the end, so that these end together."""
    names = list(table.task.feature_columns) if modality == "features" else [getattr(table.task, modality)]
    # Importing `datasets` takes longer than measuring a few rows.
    view = (
        table.dataset.select_columns(names).with_format("arrow")
        if table.held is None
        else ArrowRows(table.held.mapped.select(names))
    )
    content = table.content if modality in DECODED and input_columns(table.task) == tuple(names) else None
    start, least = 0, LAST_ROWS.get(modality, 16)
    while start < len(rows):
        size = min(chunk_rows, max((len(rows) - start) // (2 * workers), least)) if workers else chunk_rows
        own = rows[start : start + size]
        yield Chunk(own, view, None if content is None else content[own])
        start += size


def batches(
    chunk: Chunk,
    modality: str,
    settings: EvidenceSettings,
    root: Path | None,
    broken: Broken,
    models: bool = False,
    least_side: int | None = None,
    room: Room | None = None,
) -> Iterator[tuple[np.ndarray, Any]]:
    """Decoded items of a chunk with their positions, in batches of bounded memory; what fails goes to `broken`.

    Args:
        chunk: the rows.
        modality: what is decoded.
        settings: its limits.
        root: folder of the media files.
        broken: filled in.
        models: whether the batches are for a model, which works on many items at once.
        least_side: of images, see `curate.evidence.measure.Measure`.
        room: memory for what is decoded, shared with other threads; None for as much as a batch takes.
    """
    if modality == "features":
        yield chunk.rows, chunk.read()
    elif modality == "text":
        column = chunk.read().column(0).combine_chunks()
        yield chunk.rows, column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    elif modality == "series":
        yield from _series(chunk, broken)
    else:
        most = BATCH_BYTES if models else GROUP_BYTES
        reader = _Reader(modality, settings, least_side, root)
        yield from _media(chunk, reader, broken, most, room)


def _decoder(modality: str, settings: EvidenceSettings, least_side: int | None) -> Callable[[bytes], Any]:
    if modality == "image":
        return lambda data: image.decode(data, settings.max_pixels, least_side)
    if modality == "mask":
        return lambda data: mask.decode(data, settings.max_pixels)
    if modality == "audio":
        return lambda data: audio.decode(data, settings.max_seconds)
    return lambda data: video.decode(
        data,
        max_pixels=settings.max_pixels,
        max_seconds=settings.max_seconds,
        straight_pixels=settings.max_video_pixels,
        skim=True,
    )


def _series(chunk: Chunk, broken: Broken) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    decoded = series.decode(chunk.read().column(0))
    items, rows = [], []
    for row, item in zip(chunk.rows.tolist(), decoded):
        if isinstance(item, DecodeError):
            broken.undecodable[row] = str(item)
        else:
            items.append(item)
            rows.append(row)
    if items:
        yield np.array(rows), items


def _values(chunk: Chunk) -> Iterator[tuple[int, Any, bytes | None]]:
    """Position, media value and hash of each row, with few of them in memory: many at once where they are but paths."""
    start, step = 0, READ_ROWS
    while start < len(chunk.rows):
        some = chunk.some(slice(start, start + step))
        values = some.read().column(0).to_pylist()
        start += step
        named = all(value is None or value.get("bytes") is None for value in values)
        step = PATH_ROWS if named else READ_ROWS
        hashes = [None] * len(values) if some.content is None else [own.tobytes() for own in some.content]
        yield from zip(some.rows.tolist(), values, hashes)


class _Reader:
    """Reads and decodes media, within limits."""

    def __init__(self, modality: str, settings: EvidenceSettings, least_side: int | None, root: Path | None) -> None:
        self._modality, self._root, self._max_bytes = modality, root, settings.max_bytes
        self.decode = _decoder(modality, settings, least_side)

    def read(self, value: Any, content: bytes | None) -> bytes:
        """The encoded bytes, if they have the hash. Raises UnreadablePayload, DecodeError."""
        data = payload.read_bytes(value, self._root, self._max_bytes)
        payload.must_have(content, data, value)
        return data

    def weigh(self, data: bytes, room: Room) -> int:
        """Memory that decoding takes. Raises UnreadablePayload where there is not as much at any time."""
        size = decoded_bytes(data, self._modality)
        if size > room.size:
            raise payload.UnreadablePayload(
                f"decoding it takes about {size / 1e6:,.0f} MB, more than half of the memory that may be taken"
                f" ({2 * room.size / 1e6:,.0f} MB; memory)"
            )
        return size


def _media(
    chunk: Chunk, reader: _Reader, broken: Broken, batch_bytes: int, room: Room | None
) -> Iterator[tuple[np.ndarray, list[Any]]]:
    rows: list[int] = []
    items: list[Any] = []
    held = taken = 0
    try:
        for row, value, content in _values(chunk):
            looking_at(row)
            item = None
            try:
                data = reader.read(value, content)
                size = 0 if room is None else reader.weigh(data, room)
                if room is not None and not room.take(size, wait=not items):
                    looking_at()
                    yield np.array(rows), items  # who waits holds nothing
                    rows, items, held = [], [], 0
                    room.give_back(taken)
                    taken = 0
                    room.take(size, wait=True)
                looking_at(row)
                taken += size
                item = reader.decode(data)
            except DecodeError as error:
                broken.undecodable[row] = str(error)
            except DataError as error:
                broken.unread[row] = str(error)
            except MemoryError:
                broken.unread[row] = "there is not enough memory to decode it"
            if item is not None:
                rows.append(row)
                items.append(item)
                held += item.nbytes
            if held >= batch_bytes:
                item = None  # nothing but the batch keeps it
                looking_at()
                yield np.array(rows), items
                rows, items, held = [], [], 0
            if room is not None and not items:
                room.give_back(taken)
                taken = 0
        looking_at()
        if items:
            yield np.array(rows), items
    finally:
        if room is not None:
            room.give_back(taken)
