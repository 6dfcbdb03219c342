"""WebDataset: tar shards in which the files of one row stand together under one key."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import plain_values
from curate.engines.engine import current
from curate.pipeline.exporting.elsewhere import written_elsewhere
from curate.pipeline.exporting.files import as_json, ending, safe
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.reading import Reading
from curate.pipeline.exporting.weighing import weighed
from curate.pipeline.exporting.written import Account, Written, writing, written
from curate.storage import storing

MAX_ROWS = 10_000
MAX_BYTES = 1_000_000_000


def to_webdataset(lines: Lines, out: Path, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> Written:
    """Write `out`/train-000000.tar and so on.

    A row is: its media as they are encoded (``jpg``, ``wav``, ``mp4``, ...; a second column of media as
    ``COLUMN.png``), ``txt``, ``transcript.txt``, ``npy`` (features, or series), ``cls`` (place among the classes) and
    ``json`` (everything else, with row_id, label, soft_label and weight). The files say nothing of when or by whom
    they were written: the same result gives the same bytes. Training rows stand in an order drawn from the seed,
    since readers go through shards from front to back.

    Raises:
        DataError: a row's file can't be read any more, and such rows are not skipped.
        StorageError: the folder can't be written, or a machine of the engine does not see it.
    """
    with writing(out, "webdataset", lines) as (folder, account):
        shards: dict[str, list[int]] = {}
        write = _elsewhere if current().remote else _split
        for split in lines.splits:
            shards[split] = write(lines, split, folder, account, max_rows, max_bytes)
            account.rows[split] = sum(shards[split])
        account.extra["shards"] = {
            _name(lines, split, number): count
            for split, counts in shards.items()
            for number, count in enumerate(counts)
        }
    return written(out, "webdataset", lines, account.rows)


def _name(lines: Lines, split: str, number: int) -> str:
    return f"{lines.names[split]}-{number:06d}.tar"


def _split(lines: Lines, split: str, folder: Path, account: Account, max_rows: int, max_bytes: int) -> list[int]:
    """Rows in each shard of a split."""
    counts: list[int] = []
    tar: tarfile.TarFile | None = None
    reading = lines.reading()
    size = number = 0
    try:
        for block in reading.blocks(lines.planned(split), lines.table.rows, lines.skipped):
            for row in _rows(block):
                if tar is None or counts[-1] >= max_rows or size >= max_bytes:
                    if tar is not None:
                        tar.close()
                    tar = _opened(folder / _name(lines, split, len(counts)))
                    counts.append(0)
                    size = 0
                size += _add(tar, reading, row, number)
                counts[-1] += 1
                number += 1
    finally:
        if tar is not None:
            tar.close()
    return counts


def _elsewhere(lines: Lines, split: str, folder: Path, account: Account, max_rows: int, max_bytes: int) -> list[int]:
    """The same, each shard by a machine of the engine."""
    reading, planned = lines.reading(), lines.planned(split)
    sizes, kept = weighed(lines, planned, reading, _size)
    planned, sizes = planned.filter(pa.array(kept)), sizes[kept]
    ends, rows, size = [], 0, 0
    for place, own in enumerate(sizes.tolist(), start=1):
        rows, size = rows + 1, size + own
        if rows >= max_rows or size >= max_bytes or place == len(sizes):
            ends.append(place)
            rows = size = 0
    begins = [0, *ends[:-1]]
    names = [_name(lines, split, number) for number in range(len(ends))]
    shards = [(name, [planned.slice(begin, end - begin)], begin) for name, begin, end in zip(names, begins, ends)]
    account.digests |= written_elsewhere(lines, reading, folder, shards, _write)
    return [end - begin for begin, end in zip(begins, ends)]


def _size(reading: Reading, row: dict[str, Any]) -> int:
    """Bytes of a row's files."""
    return sum(len(data) for _, data in files(reading, row))


def _write(reading: Reading, blocks: Iterator[pa.Table], path: Path, first: int) -> None:
    """A shard whose first row has that number."""
    with _opened(path) as tar:
        for number, row in enumerate((row for block in blocks for row in block.to_pylist()), start=first):
            _add(tar, reading, row, number)


def _opened(path: Path) -> tarfile.TarFile:
    with storing(path):
        return tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)


def _add(tar: tarfile.TarFile, reading: Reading, row: dict[str, Any], number: int) -> int:
    """Add the files of a row; their bytes."""
    size = 0
    for name, data in files(reading, row):
        info = tarfile.TarInfo(f"{number:09d}.{name}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        size += len(data)
    return size


def files(reading: Reading, row: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Endings and contents of a row's files, its ``json`` last."""
    task = reading.task
    rest = dict(row)
    for place, column in enumerate(reading.media):
        media = rest.pop(column)
        if media is not None:
            name = ending(media["bytes"], media["path"])
            yield name if not place else f"{_part(column)}.{name}", media["bytes"]
    for column, name in ((task.text, "txt"), (task.transcript, "transcript.txt")):
        if column is not None and rest.get(column) is not None:
            yield name, rest.pop(column).encode("utf-8", "surrogatepass")
    for column in (task.series, task.features):
        if isinstance(column, str) and rest.get(column) is not None:
            name = "npy" if column == task.features or task.features is None else "series.npy"
            yield name, _npy(rest.pop(column), _number(reading, column))
    if task.kind == "classification" and task.label and rest[task.label] is not None:
        yield "cls", str(list(task.label_names).index(rest[task.label])).encode()
    yield "json", json.dumps(as_json(rest), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _rows(block: pa.Table) -> Iterator[dict[str, Any]]:
    columns = [plain_values(column) for column in block.columns]
    return (dict(zip(block.column_names, row)) for row in zip(*columns))


def _part(column: str) -> str:
    """A column's name within a key, which ends at the first dot."""
    return safe(column).replace(".", "_").lower()


def _number(reading: Reading, column: str) -> Any:
    """The type of the numbers in a column of lists."""
    kind: Any = reading.schema.field(column).type
    while pa.types.is_nested(kind):
        kind = kind.value_type
    return np.dtype(kind.to_pandas_dtype())


def _npy(values: Any, number: np.dtype) -> bytes:
    """Numbers as NumPy's file, of their own type. Ragged channels are padded with NaN, nulls are NaN."""
    flat = [one for value in values for one in (value if isinstance(value, list) else (value,))]
    if number.kind != "f" and any(one is None for one in flat):
        number = np.dtype(np.float64)
    try:
        array = np.asarray(values, number)
    except ValueError:
        longest = max(len(channel) for channel in values)
        array = np.full((len(values), longest), np.nan, number if number.kind == "f" else np.float64)
        for place, channel in zip(array, values):
            place[: len(channel)] = channel
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
