"""Rows of a table -> decoded items in batches of bounded memory, row by row where one can't be decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.evidence.measure import installed
from curate.evidence.settings import EvidenceSettings
from curate.media import audio, image, mask, payload, series, video
from curate.media.item import DecodeError
from curate.randomness import digest
from curate.table import Table
from curate.task import DECODED

if TYPE_CHECKING:
    import datasets

VERSION = 1
"""Raise it when the same bytes decode to other arrays, or to other errors."""
BATCH_BYTES = 1 << 26
"""Decoded media that a worker holds at once, but for the last item."""
LIBRARIES = {
    "image": ("simplejpeg", "pillow"),
    "mask": ("pillow",),
    "audio": ("soundfile", "av"),
    "video": ("av",),
}


READ_ROWS = 8
"""Media rows whose encoded bytes are fetched from the table at once."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of one modality, not read yet: their positions in the table, and the columns to read them from."""

    rows: np.ndarray
    columns: datasets.Dataset

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
        parts += [video.FRAMES, video.SIDE_PX, settings.max_video_pixels]
    return f"{digest(*parts):032x}"


def chunks(table: Table, modality: str, rows: np.ndarray, chunk_rows: int) -> Iterator[Chunk]:
    """The rows in chunks of `chunk_rows`."""
    names = list(table.task.feature_columns) if modality == "features" else [getattr(table.task, modality)]
    view = table.dataset.select_columns(names).with_format("arrow")
    for start in range(0, len(rows), chunk_rows):
        yield Chunk(rows[start : start + chunk_rows], view)


def batches(
    chunk: Chunk, modality: str, settings: EvidenceSettings, root: Path | None, broken: Broken
) -> Iterator[tuple[np.ndarray, Any]]:
    """Decoded items of a chunk with their positions, in batches of bounded memory; what fails goes to `broken`."""
    if modality == "features":
        yield chunk.rows, chunk.read()
    elif modality == "text":
        column = chunk.read().column(0).combine_chunks()
        yield chunk.rows, column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    elif modality == "series":
        yield from _series(chunk, broken)
    else:
        yield from _media(chunk, _decoder(modality, settings), settings.max_bytes, root, broken)


def _decoder(modality: str, settings: EvidenceSettings) -> Callable[[bytes], Any]:
    if modality == "image":
        return lambda data: image.decode(data, settings.max_pixels)
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


def _values(chunk: Chunk) -> Iterator[tuple[int, Any]]:
    """Position and media value of each row, with few of them in memory."""
    for start in range(0, len(chunk.rows), READ_ROWS):
        column = chunk.read(start, start + READ_ROWS).column(0)
        for row, value in zip(chunk.rows[start : start + READ_ROWS].tolist(), column):
            yield row, value.as_py()


def _media(
    chunk: Chunk, decode: Callable[[bytes], Any], max_bytes: int, root: Path | None, broken: Broken
) -> Iterator[tuple[np.ndarray, list[Any]]]:
    rows: list[int] = []
    items: list[Any] = []
    held = 0
    for row, value in _values(chunk):
        try:
            item = decode(payload.read_bytes(value, root, max_bytes))
        except DecodeError as error:
            broken.undecodable[row] = str(error)
            continue
        except DataError as error:
            broken.unread[row] = str(error)
            continue
        except MemoryError:
            broken.unread[row] = "there is not enough memory to decode it"
            continue
        rows.append(row)
        items.append(item)
        held += item.nbytes
        if held >= BATCH_BYTES:
            yield np.array(rows), items
            rows, items, held = [], [], 0
    if items:
        yield np.array(rows), items
