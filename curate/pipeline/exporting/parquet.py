"""Parquet files: columns as they are, media embedded, with the features that `datasets` reads them by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.written import Account, Written, writing, written

MAX_BYTES = 500_000_000
"""Size at which a file is closed and the next begun, as the hub does."""


def to_parquet(lines: Lines, out: Path, max_bytes: int = MAX_BYTES) -> Written:
    """Write `out`/train-00000-of-00003.parquet and so on, one series per split.

    Raises:
        DataError: a row's file can't be read any more, and such rows are not skipped.
        StorageError: the folder can't be written.
    """
    with writing(out, "parquet", lines) as (folder, account):
        write_splits(lines, folder, account, max_bytes)
    return written(out, "parquet", lines, account.rows)


def write_splits(lines: Lines, folder: Path, account: Account, max_bytes: int, codes: bool = False) -> None:
    """The files of all splits into a folder; `codes` writes classes as `ClassLabel`."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in lines.splits:
        files = _split(lines, split, folder, max_bytes, codes)
        for number, (path, count) in enumerate(files):
            path.rename(folder / f"{lines.names[split]}-{number:05d}-of-{len(files):05d}.parquet")
            account.rows[split] = account.rows.get(split, 0) + count


def _split(lines: Lines, split: str, folder: Path, max_bytes: int, codes: bool) -> list[tuple[Path, int]]:
    """Files of one split, and how many lines each holds."""
    import pyarrow.parquet as pq

    found: list[tuple[Path, int]] = []
    writer: Any = None
    schema = lines.features(codes).arrow_schema
    try:
        for block in lines.blocks(split, codes):
            if writer is None:
                found.append((folder / f"{lines.names[split]}-{len(found)}.part", 0))
                writer = pq.ParquetWriter(found[-1][0], schema, compression="zstd")
            writer.write_table(block)
            found[-1] = (found[-1][0], found[-1][1] + block.num_rows)
            if found[-1][0].stat().st_size >= max_bytes:
                writer.close()
                writer = None
        if not found:
            found.append((folder / f"{lines.names[split]}-0.part", 0))
            writer = pq.ParquetWriter(found[-1][0], schema, compression="zstd")
    finally:
        if writer is not None:
            writer.close()
    return found
