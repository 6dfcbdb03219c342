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

from curate.pipeline.exporting.files import as_json, ending, safe
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.written import Written, writing, written
from curate.pipeline.files import storage

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
        StorageError: the folder can't be written.
    """
    with writing(out, "webdataset", lines) as (folder, account):
        shards: dict[str, list[int]] = {}
        for split in lines.splits:
            shards[split] = _split(lines, split, folder, max_rows, max_bytes)
            account.rows[split] = sum(shards[split])
        account.extra["shards"] = {
            f"{lines.names[split]}-{number:06d}.tar": count
            for split, counts in shards.items()
            for number, count in enumerate(counts)
        }
    return written(out, "webdataset", lines, account.rows)


def _split(lines: Lines, split: str, folder: Path, max_rows: int, max_bytes: int) -> list[int]:
    """Rows in each shard of a split."""
    counts: list[int] = []
    tar: tarfile.TarFile | None = None
    size = number = 0
    try:
        for block in lines.blocks(split):
            for row in block.to_pylist():
                if tar is None or counts[-1] >= max_rows or size >= max_bytes:
                    if tar is not None:
                        tar.close()
                    path = folder / f"{lines.names[split]}-{len(counts):06d}.tar"
                    with storage(path):
                        tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 (closed below)
                    counts.append(0)
                    size = 0
                for name, data in files(lines, row):
                    info = tarfile.TarInfo(f"{number:09d}.{name}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
                    size += len(data)
                counts[-1] += 1
                number += 1
    finally:
        if tar is not None:
            tar.close()
    return counts


def files(lines: Lines, row: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Endings and contents of a row's files, its ``json`` last."""
    task = lines.table.task
    rest = dict(row)
    for place, column in enumerate(lines.media):
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
            yield name, _npy(rest.pop(column), _number(lines, column))
    if task.kind == "classification" and task.label and rest[task.label] is not None:
        yield "cls", str(list(task.label_names).index(rest[task.label])).encode()
    yield "json", json.dumps(as_json(rest), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _part(column: str) -> str:
    """A column's name within a key, which ends at the first dot."""
    return safe(column).replace(".", "_").lower()


def _number(lines: Lines, column: str) -> Any:
    """The type of the numbers in a column of lists."""
    kind: Any = lines.schema.field(column).type
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
