"""Content hashes: 128 bits of what each row holds, the key of the cache, of exact duplicates and of row ids."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from curate.errors import DataError
from curate.media.file_hashes import hash_of_part, hashes_of_paths
from curate.media.segments import MARK
from curate.wording import noun

if TYPE_CHECKING:
    import datasets

    from curate.table import Table
    from curate.task import Task

MISSING = xxhash.xxh3_128_digest(b"\x00curate: missing")
EXACT_INTEGERS = 2**53


@dataclass(frozen=True)
class Hashed:
    """Content hashes, and the rows whose media could not be read.

    Attributes:
        content: (n, 2) uint64.
        failures: row -> why its media can't be read.
    """

    content: np.ndarray
    failures: Mapping[int, str] = field(default_factory=dict)


def is_media(kind: pa.DataType) -> bool:
    """Whether a column of that type is ``struct<bytes, path>``."""
    return pa.types.is_struct(kind) and {kind.field(i).name for i in range(kind.num_fields)} == {"bytes", "path"}


def input_columns(task: Task) -> tuple[str, ...]:
    """The columns that a row's content is made of, in the order of roles and not of the file."""
    names: list[str] = []
    for role in task.modalities:
        names.extend(task.feature_columns if role == "features" else (getattr(task, role),))
    return tuple(names)


def content_hashes(
    columns: Sequence[pa.ChunkedArray | pa.Array],
    root: str | os.PathLike[str] | None = None,
    records: Mapping[int, bytes] | None = None,
    workers: int = 0,
) -> Hashed:
    """Hash the inputs of n rows; equal inputs, equal hash, wherever the row stands and however it was stored.

    Args:
        columns: the input columns of n rows; media as ``struct<bytes, path>``.
        root: folder that media paths are relative to.
        records: row -> raw record, for rows that could not be read: hashed in place of their inputs.
        workers: threads that read media files; 0 for one per core.
    """
    failures: dict[int, str] = {}
    blocks: list[np.ndarray] = []
    for column in columns:
        start, pieces = 0, []
        for array in _chunks(column):  # one by one: no copy of a memory-mapped column, no 2 GiB limit of offsets
            if is_media(array.type):
                piece, failed = _media(array, root, workers)
                for row, reason in failed.items():
                    failures.setdefault(start + row, reason)
            else:
                piece = _block(array)
            pieces.append(piece)
            start += len(array)
        blocks.append(np.vstack(pieces))
    if len(blocks) == 1 and blocks[0].shape[1] == 16:
        content = blocks[0].copy().view(np.uint64)
    else:
        content = _hash_rows(np.hstack(blocks))
    for row, record in (records or {}).items():
        content[row] = np.frombuffer(xxhash.xxh3_128_digest(b"\x00curate: unreadable\x00" + record), dtype=np.uint64)
    return Hashed(content, failures)


def rehash(table: Table, dataset: datasets.Dataset, *, same_rows: bool = True) -> np.ndarray:
    """(m, 2) uint64 content hashes of a dataset made from `table` by a transform.

    Rows that the table could not read keep their hash where the rows are still the same ones (m equals the table's n).
    `same_rows` says that they can be.
    """
    arrow = dataset.select_columns(list(input_columns(table.task))).with_format("arrow")[:]
    content = content_hashes([arrow[name] for name in input_columns(table.task)], table.root).content
    if same_rows and len(content) == len(table) and table.unreadable.any():
        content[table.unreadable] = table.content[table.unreadable]
    return content


def row_ids(
    content: np.ndarray,
    label: pa.ChunkedArray | pa.Array | None = None,
    group: pa.ChunkedArray | pa.Array | None = None,
    split: pa.ChunkedArray | pa.Array | None = None,
) -> np.ndarray:
    """(n,) `StringDType`: 20 hex characters of the hash of content, label, group and split.

    Rows that are equal in all of these get ``-1``, ``-2``, ... behind the id of the first, in the order in which they
    stand, so an id depends on no other row but its equals.
    """
    blocks = [np.ascontiguousarray(content).view(np.uint8)]
    for column in (label, group, split):
        if column is not None:
            texts = column if pa.types.is_nested(column.type) else column.cast(pa.string())
            blocks.append(np.vstack([_block(array) for array in _chunks(texts)]))
        else:
            blocks.append(np.broadcast_to(np.frombuffer(MISSING, np.uint8), (len(content), 16)))
    records = memoryview(np.hstack(blocks).tobytes())
    width, hashed = 64, xxhash.xxh3_128_hexdigest
    ids = [hashed(records[i : i + width])[:20] for i in range(0, len(content) * width, width)]
    seen: dict[str, int] = {}
    for row, name in enumerate(ids):
        count = seen.get(name)
        if count is None:
            seen[name] = 1
        else:
            ids[row], seen[name] = f"{name}-{count}", count + 1
    return np.array(ids, dtype=np.dtypes.StringDType())


def named_ids(column: pa.ChunkedArray, name: str, hashed: np.ndarray, unreadable: np.ndarray) -> np.ndarray:
    """(n,) `StringDType` ids from the user's own column; unreadable rows without one take their hash.

    Raises:
        DataError: a value is missing, or stands in two rows.
    """
    texts = column.cast(pa.string()).combine_chunks()
    null = texts.is_null().to_numpy(zero_copy_only=False)
    if (null & ~unreadable).any():
        row = int(np.flatnonzero(null & ~unreadable)[0])
        raise DataError(f"the id column {name!r} has no value in row {row} (counted from 0); ids must be complete")
    counts = pc.value_counts(texts.drop_null())
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        value, count = twice[0]["values"].as_py(), twice[0]["counts"].as_py()
        again = len(twice) - 1
        more = f" ({again} more {noun(again, 'value repeats', 'values repeat')})" if again else ""
        raise DataError(
            f"the id column {name!r} has the value {value!r} in {count} rows{more}; ids must be unique: correct them,"
            f" or leave id out of the task (say group: {name} if rows of one value belong together)"
        )
    ids = np.array(pc.fill_null(texts, "").to_pylist(), dtype=np.dtypes.StringDType())
    ids[null] = hashed[null]
    return ids


def _chunks(column: pa.ChunkedArray | pa.Array) -> list[pa.Array]:
    if isinstance(column, pa.ChunkedArray):
        return column.chunks or [pa.array([], column.type)]
    return [column]


def _digests(pieces: Sequence[bytes | memoryview]) -> np.ndarray:
    hashed = xxhash.xxh3_128_digest
    return np.frombuffer(b"".join([hashed(piece) for piece in pieces]), np.uint8).reshape(-1, 16).copy()


def _hash_rows(block: np.ndarray) -> np.ndarray:
    """(n, w) uint8 -> (n, 2) uint64: the hash of each row's bytes."""
    flat, width = memoryview(block.tobytes()), block.shape[1]
    return _digests([flat[i : i + width] for i in range(0, block.size, width)]).view(np.uint64)


def _block(array: pa.Array) -> np.ndarray:
    """(n, w) uint8: the hash of each value (w = 16), or for numbers their canonical bytes (w = 9)."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if isinstance(array, pa.ExtensionArray):
        return _block(array.storage)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _numbers(array)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        block = _lists(array)
    elif pa.types.is_nested(kind):
        block = _digests([json.dumps(v, sort_keys=True, default=str).encode() for v in array.to_pylist()])
    else:
        block = _texts(array)
    block[array.is_null().to_numpy(zero_copy_only=False)] = np.frombuffer(MISSING, np.uint8)
    return block


def _numbers(array: pa.Array) -> np.ndarray:
    """(n, 9) uint8: float64 bytes and a flag for null; equal numbers of other types give equal bytes."""
    null = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(array.type):
        whole = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
        values = whole.astype(np.float64)
        large = (whole > EXACT_INTEGERS) | (whole < -EXACT_INTEGERS)
        if large.any():  # float64 would make neighbours equal
            values[large] = whole[large].astype(np.int64).view(np.float64)
            null = null.astype(np.uint8) | (large.astype(np.uint8) << 1)
    else:
        values = pc.fill_null(array.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False).copy()
        values[np.isnan(values)] = np.nan
    values += 0.0  # -0.0 becomes 0.0
    flags = np.asarray(null, dtype=np.uint8)[:, None]
    return np.hstack([np.ascontiguousarray(values)[:, None].view(np.uint8), flags])


def _texts(array: pa.Array) -> np.ndarray:
    """(n, 16) uint8 hashes of strings or bytes, straight from the Arrow buffers."""
    kind = array.type
    if not (pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)):
        wide = pa.large_binary() if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) else None
        if pa.types.is_fixed_size_binary(kind):
            array = array.cast(pa.binary())
        array = array.cast(wide if wide is not None else pa.large_string())
    _, offsets, data = array.buffers()
    if not len(array):
        return np.empty((0, 16), np.uint8)
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1].tolist()
    whole = memoryview(data) if data is not None else memoryview(b"")
    return _digests([whole[a:b] for a, b in pairwise(bounds)])


def _bounds(array: pa.Array) -> tuple[np.ndarray, np.ndarray, pa.Array]:
    """Start and end of each list (nulls are empty), and the values they point into."""
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        starts = (np.arange(len(array), dtype=np.int64) + array.offset) * size
        return starts, starts + size, array.values
    offsets = array.offsets.to_numpy().astype(np.int64)
    return offsets[:-1], offsets[1:], array.values


def _lists(array: pa.Array) -> np.ndarray:
    """(n, 16) uint8 hashes of vectors, series (lists of lists) or lists of texts."""
    starts, ends, values = _bounds(array)
    heads = [b""] * len(array)
    nested = pa.types.is_nested(values.type) and not pa.types.is_struct(values.type)
    if nested and len(values):
        inner_starts, inner_ends, deep = _bounds(values)
        heads = [n.to_bytes(8, "little") for n in (ends - starts).tolist()]
        first = inner_starts[np.minimum(starts, len(values) - 1)]
        last = np.where(ends > starts, inner_ends[np.maximum(ends, 1) - 1], first)
        starts, ends, values = first, last, deep
    if pa.types.is_struct(values.type) or pa.types.is_nested(values.type):
        return _digests([json.dumps(v, sort_keys=True, default=str).encode() for v in array.to_pylist()])
    if pa.types.is_floating(values.type):
        # Raw bytes where they are canonical but for the sign of zero: no copy of nine bytes per number. A missing
        # number is NaN, so that the hash of a row does not depend on whether other rows lack one.
        numbers = pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False) + 0.0
        elements = numbers.view(np.uint8).reshape(len(values), numbers.itemsize)
    else:
        elements = np.ascontiguousarray(_block(values))
    width = elements.shape[1] if elements.size else 1
    flat = memoryview(elements.tobytes())
    spans = zip(heads, (starts * width).tolist(), (ends * width).tolist())
    return _digests([head + bytes(flat[a:b]) for head, a, b in spans])


def _media(array: pa.Array, root: str | os.PathLike[str] | None, workers: int) -> tuple[np.ndarray, dict[int, str]]:
    """(n, 16) uint8 hashes of the encoded bytes, and row -> why they can't be read."""
    data, paths = array.field("bytes"), array.field("path")
    embedded = data.is_valid().to_numpy(zero_copy_only=False)
    whole = array.is_valid().to_numpy(zero_copy_only=False)
    block = np.empty((len(array), 16), np.uint8)
    block[:] = np.frombuffer(MISSING, np.uint8)
    failures: dict[int, str] = {}
    rows = np.flatnonzero(embedded & whole)
    if len(rows):
        block[rows] = _texts(data)[rows]
        for row in rows[pc.binary_length(data).to_numpy(zero_copy_only=False)[rows] == 0].tolist():
            failures[row] = "the embedded bytes are empty"
    files = np.flatnonzero(whole & ~embedded & paths.is_valid().to_numpy(zero_copy_only=False))
    names = paths.take(pa.array(files)).to_pylist()
    for row, name, found in zip(files.tolist(), names, hashes_of_paths(names, root, workers)):
        if isinstance(found, str):
            failures[row] = found
            found = xxhash.xxh3_128_digest(b"\x00curate: unreadable\x00" + name.encode())
        block[row] = np.frombuffer(found, np.uint8)
    for row in np.flatnonzero(pc.fill_null(pc.match_substring(paths, MARK), False).to_numpy(zero_copy_only=False)):
        block[row] = np.frombuffer(hash_of_part(block[row].tobytes(), paths[int(row)].as_py()), np.uint8)
    return block, failures
