"""Parquet files: columns as they are, media embedded, with the features that `datasets` reads them by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.engines.engine import current
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.parquet_elsewhere import file_name, parquet_elsewhere, writer
from curate.pipeline.exporting.written import Account, Written, writing, written

MAX_BYTES = 500_000_000
"""Size at which a file is closed and the next begun, as the hub does."""


def to_parquet(lines: Lines, out: Path, max_bytes: int = MAX_BYTES) -> Written:
    """Write `out`/train-00000-of-00003.parquet and so on, one series per split.

    Raises:
        DataError: a row's file can't be read any more, and such rows are not skipped.
        StorageError: the folder can't be written, or a machine of the engine does not see it.
    """
    with writing(out, "parquet", lines) as (folder, account):
        write_splits(lines, folder, account, max_bytes)
    return written(out, "parquet", lines, account.rows)


def write_splits(
    lines: Lines, folder: Path, account: Account, max_bytes: int, codes: bool = False, below: str = ""
) -> None:
    """The files of all splits into a folder.

    Args:
        lines: of the result.
        folder: of the export.
        account: written to.
        max_bytes: size at which a file is closed.
        codes: write classes as `ClassLabel`.
        below: folder within it, with a slash behind.
    """
    own = folder / below
    own.mkdir(parents=True, exist_ok=True)
    for split in lines.splits:
        if current().remote:
            told, digests = parquet_elsewhere(lines, split, own, max_bytes, codes)
            account.digests |= {f"{below}{name}": digest for name, digest in digests.items()}
            account.rows[split] = told
            continue
        files = _split(lines, split, own, max_bytes, codes)
        for number, (path, count) in enumerate(files):
            path.rename(own / file_name(lines.names[split], number, len(files)))
            account.rows[split] = account.rows.get(split, 0) + count


def _split(lines: Lines, split: str, folder: Path, max_bytes: int, codes: bool) -> list[tuple[Path, int]]:
    """Files of one split, and how many lines each holds."""
    found: list[tuple[Path, int]] = []
    written: Any = None
    reading = lines.reading(codes)
    try:
        for block in reading.blocks(lines.planned(split), lines.table.rows, lines.skipped):
            if written is None:
                found.append((folder / f"{lines.names[split]}-{len(found)}.part", 0))
                written = writer(found[-1][0], reading)
            written.write_table(block)
            found[-1] = (found[-1][0], found[-1][1] + block.num_rows)
            if found[-1][0].stat().st_size >= max_bytes:
                written.close()
                written = None
        if not found:
            found.append((folder / f"{lines.names[split]}-0.part", 0))
            written = writer(found[-1][0], reading)
    finally:
        if written is not None:
            written.close()
    return found
