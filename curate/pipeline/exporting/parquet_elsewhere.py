"""Parquet files of an export made by other machines: the bytes of every block are known before files are cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.engines.engine import current
from curate.errors import DataError
from curate.pipeline.exporting import reading as reads
from curate.pipeline.exporting.elsewhere import written_elsewhere
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.reading import Reading
from curate.pipeline.exporting.stretch import Stretch, unseen
from curate.pipeline.exporting.weighing import weighed

HEAD_BYTES = 4
"""Bytes of a file before its first block."""
PLAIN_BLOCKS = 16
"""Blocks without media that one machine encodes at a time; of those with media, one."""


def writer(to: Any, reading: Reading) -> Any:
    """What writes blocks as Parquet, to a file or a stream."""
    import pyarrow.parquet as pq

    return pq.ParquetWriter(to, reading.schema, compression="zstd")


def file_name(split: str, number: int, count: int) -> str:
    """The name of one of the files of a split."""
    return f"{split}-{number:05d}-of-{count:05d}.parquet"


def parquet_elsewhere(
    lines: Lines, split: str, folder: Path, max_bytes: int, codes: bool
) -> tuple[int, dict[str, str]]:
    """Lines written of a split, and the SHA-256 of its files by their names; the files are those made in one go.

    Raises:
        DataError: a file can't be read any more, and such rows are not skipped.
        StorageError: a machine lacks a file that is here, or does not see the folder.
    """
    reading, planned = lines.reading(codes), lines.planned(split)
    sizes, kept = weighed(lines, planned, reading)
    blocks = []
    for begin, end in _blocks(sizes, bool(reading.media)):
        rows = begin + np.flatnonzero(kept[begin:end])
        if len(rows):
            blocks.append(planned.take(pa.array(rows)))
    files = _files(_encoded(lines, blocks, reading), max_bytes)
    names = [file_name(lines.names[split], number, len(files)) for number in range(len(files))]
    shards = [(name, [blocks[place] for place in range(*file)], 0) for name, file in zip(names, files)]
    return int(kept.sum()), written_elsewhere(lines, reading, folder, shards, _write)


def _blocks(sizes: np.ndarray, media: bool) -> Iterator[tuple[int, int]]:
    """Begin and end of the blocks that lines of these bytes are read in (`Reading.blocks`)."""
    begin = held = 0
    for place, size in enumerate(sizes.tolist(), start=1):
        held += size
        full = place - begin >= reads.BLOCK_ROWS or (media and held >= reads.BLOCK_BYTES)
        if full or place == len(sizes):
            yield begin, place
            begin, held = place, 0


def _files(encoded: list[int], max_bytes: int) -> list[tuple[int, int]]:
    """First block of each file, and the one behind its last; one file without a block where there are none."""
    found, begin, size = [], 0, HEAD_BYTES
    for place, own in enumerate(encoded, start=1):
        size += own
        if size >= max_bytes or place == len(encoded):
            found.append((begin, place))
            begin, size = place, HEAD_BYTES
    return found or [(0, 0)]


def _encoded(lines: Lines, blocks: list[pa.Table], reading: Reading) -> list[int]:
    """Bytes of each block in a file."""
    step = 1 if reading.media else PLAIN_BLOCKS
    given = (
        Stretch.of("a block of lines", lines.table, blocks[begin : begin + step], gone={})
        for begin in range(0, len(blocks), step)
    )
    return [size for sizes in current().ordered_map(Encoding(reading), given) for size in sizes]


@dataclass(frozen=True)
class Encoding:
    """Finds how many bytes blocks take in a file.

    Attributes:
        reading: of their lines.
    """

    reading: Reading

    def __call__(self, piece: Stretch) -> list[int]:
        """Bytes of each block. Raises Absent, and StorageError where a media file is not here."""
        sink, reading = pa.MockOutputStream(), replace(self.reading, skips=False)
        ends = [HEAD_BYTES]
        with writer(sink, reading) as written:
            for lines in piece.parts:
                try:
                    for block in reading.blocks(lines, piece.fetch, {}):
                        written.write_table(block)
                except DataError as error:
                    raise unseen(reading, error) from error
                ends.append(sink.size())
        return [end - begin for begin, end in pairwise(ends)]


def _write(reading: Reading, blocks: Iterator[pa.Table], path: Path, first: int) -> None:
    """A file of these blocks."""
    with writer(path, reading) as written:
        for block in blocks:
            written.write_table(block)
