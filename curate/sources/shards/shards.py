"""WebDataset: tar shards in which the files of one row stand together under one key. No pickle is read."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.file_kinds import is_junk, media_kind
from curate.sources.formats.jsonl import _parsed
from curate.sources.formats.memory import from_columns
from curate.sources.raw import Raw, concatenated
from curate.sources.shards.shard_media import MediaSpool
from curate.sources.shards.tar_members import Bytes, LocalBytes, Member, members
from curate.sources.splits import split_name
from curate.table import ORIGIN
from curate.wording import noun

TEXTS = {"txt": "text", "text": "text", "cap": "caption", "caption": "caption", "transcript": "transcript"}
MAX_TEXT_BYTES = 50_000_000


@dataclass(frozen=True)
class Shard:
    """An archive: its name for messages, and how to open its bytes."""

    name: str
    open: Callable[[], AbstractContextManager[Bytes]]


def local_shard(path: Path, name: str) -> Shard:
    """An archive that lies here."""
    return Shard(name, lambda: LocalBytes(path))


@dataclass
class _Row:
    """The files of one key, or why there are none."""

    key: str
    files: list[tuple[str, Member]] = field(default_factory=list)
    why: str = ""


@dataclass
class _Found:
    """What the rows of a shard hold."""

    items: list[dict[str, Any]] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def read_shards(shards: Sequence[Shard], source: str, max_rows: int | None = None) -> Raw:
    """Rows of several archives, in their order.

    Media (``jpg``, ``wav``, ``mp4``, ...) become columns ``image``, ``audio``, ``video``, or are named by what stands
    before the ending (``left.png``); ``txt`` is ``text``, ``cls`` a label, ``json`` gives its keys, ``npy`` a vector.

    Args:
        shards: the archives.
        source: what the user named.
        max_rows: read the headers alone first, then the content of so many rows, evenly spaced; all if None.

    Raises:
        DataError: no rows.
    """
    listed = []
    for shard in shards:
        notes: list[str] = []
        with shard.open() as archive:
            listed.append((shard, list(_rows(archive, shard.name, notes.append)), notes))
    total = sum(len(rows) for _, rows, _ in listed)
    if not total:
        raise DataError(f"{source}: the {noun(len(shards), 'archive holds', 'archives hold')} no files")
    if all(row.why for _, rows, _ in listed for row in rows):
        raise DataError(f"{source}: can't be read: {next(row.why for _, rows, _ in listed for row in rows)}")
    few = max_rows is not None and max_rows < total
    chosen = np.unique(np.linspace(0, total - 1, max_rows or 1).round().astype(np.int64)) if few else np.arange(total)
    parts, start = [], 0
    for shard, rows, notes in listed:
        mine = chosen[(chosen >= start) & (chosen < start + len(rows))] - start
        start += len(rows)
        if len(mine):
            parts.append(_part(shard, [rows[i] for i in mine], notes))
    if few:
        note = f"{len(chosen)} of {total} rows, evenly spaced (max_rows)"
        parts[0] = replace(parts[0], notes=(*parts[0].notes, note))
    return concatenated(parts, source)


def _rows(archive: Bytes, name: str, note: Callable[[str], None]) -> Iterator[_Row]:
    """The files of each key, which stand together; where the archive is damaged, a last row says so."""
    row: _Row | None = None
    try:
        for member in members(archive, name, note):
            folder, _, file = member.name.rpartition("/")
            base, _, ending = file.partition(".")
            if is_junk(file) or not ending:
                continue
            key = f"{folder}/{base}" if folder else base
            if row is None or row.key != key:
                if row is not None:
                    yield row
                row = _Row(key)
            row.files.append((ending, member))
    except DataError as error:
        if row is not None:
            yield row
        yield _Row(f"damaged:{name}", why=str(error))
        return
    if row is not None:
        yield row


def _part(shard: Shard, rows: Sequence[_Row], notes: Sequence[str]) -> Raw:
    """The content of some rows of one shard."""
    found, spool = _Found(notes=list(notes)), MediaSpool()
    with shard.open() as archive:
        for place, row in enumerate(rows):
            item: dict[str, Any] = {"key": row.key}
            why = row.why
            try:
                if not why:
                    item |= _item(archive, row, spool, place, found)
            except DataError as error:
                why = str(error)
            if why:
                found.unreadable[place] = why if row.why else f"{shard.name}, {row.key}: {why}"
                found.records[place] = f"{shard.name}/{row.key}".encode("utf-8", "surrogatepass")
                spool.forget(place)
                item = {"key": row.key}
            found.items.append(item)
    return _raw(shard.name, found, spool)


def _item(archive: Bytes, row: _Row, spool: MediaSpool, place: int, found: _Found) -> dict[str, Any]:
    """The values of a row that are no media; its media go to the spool."""
    item: dict[str, Any] = {}
    twice = [ending for ending, count in Counter(ending for ending, _ in row.files).items() if count > 1]
    if twice:
        raise DataError(f"the archive has {row.key}.{twice[0]} twice in a row")
    for ending, member in row.files:
        name, _, last = ending.lower().rpartition(".")
        kind = media_kind(f"x.{last}")
        if kind:
            spool.add(name or kind, kind, place, archive.at(member.start, member.size), member.name)
            continue
        if last not in (*TEXTS, "cls", "json", "npy"):
            found.skipped[last[:12]] += 1
            continue
        if member.size > MAX_TEXT_BYTES:
            raise DataError(f"{ending}: {member.size:,} bytes, more than the limit of {MAX_TEXT_BYTES:,}")
        item |= _values(name, last, archive.at(member.start, member.size))
    return item


def _values(name: str, last: str, data: bytes) -> dict[str, Any]:
    """Columns that a file which is no media gives. Raises DataError."""
    if last == "npy":
        return {name or "features": _vector(data)}
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{last}: bytes that are not UTF-8") from None
    if "\0" in text:
        raise DataError(f"{last}: a NUL byte")
    if last == "cls":
        return {name or "cls": text.strip()}
    if last != "json":
        return {name or TEXTS[last]: text or None}
    value, why = _parsed(text)
    if why is not None:
        raise DataError(f"json: {why}")
    return {f"{name}.{key}" if name else str(key): content for key, content in (value or {}).items()}


def _vector(data: bytes) -> list[Any]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, SyntaxError, TypeError) as error:
        why = "holds Python objects (pickle), which are never read" if "pickle" in str(error) else "damaged"
        raise DataError(f"npy: {why}") from None
    if array.ndim not in (1, 2) or array.dtype.kind not in "iufb":
        raise DataError(
            f"npy: an array of shape {array.shape} and type {array.dtype}; numbers in one or two axes are read"
        )
    return array.tolist()


def _raw(name: str, found: _Found, spool: MediaSpool) -> Raw:
    keys = list(dict.fromkeys(key for item in found.items for key in item))
    # The class by name, where it stands, says more than its number.
    if "cls" in keys and any("label" in item for item in found.items):
        keys.remove("cls")
    columns = {("label" if key == "cls" else key): _column([item.get(key) for item in found.items]) for key in keys}
    raw = from_columns(columns, name)
    media: dict[str, str] = {}
    for column, kind, values in spool.columns(len(found.items)):
        raw = raw.with_column(column, values)
        media[column] = kind
    split = split_name(name.rpartition("/")[2].removesuffix(".tar"))
    roles: Mapping[str, Any] = {}
    if split and "split" not in raw.columns.column_names:
        raw = raw.with_column("split", pa.array([split] * len(raw), pa.string()))
        roles = {"split": "split"}
    if found.skipped:
        listed = ", ".join(f".{ending} {count}" for ending, count in found.skipped.most_common(6))
        found.notes.append(f"{name}: {found.skipped.total()} files of types that are not read ({listed})")
    origin = pa.table([pa.array([name] * len(raw)).dictionary_encode(), pa.nulls(len(raw), pa.int64())], schema=ORIGIN)
    return Raw(
        raw.columns,
        name,
        unreadable={**raw.unreadable, **found.unreadable},
        records={**raw.records, **found.records},
        origin=origin,
        notes=tuple(found.notes),
        roles=roles,
        media=media,
    )


def _column(values: list[Any]) -> list[Any]:
    """Objects and lists of several kinds as JSON text, so that one column can hold them."""
    kinds = {type(value) for value in values if value is not None}
    if dict in kinds or (list in kinds and len(kinds) > 1):
        return [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return values
