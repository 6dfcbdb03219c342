"""How lines of a result are read, here or on another machine: rows, curated label, content of media, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.media.content import input_columns
from curate.media.item import DecodeError
from curate.media.payload import MAX_BYTES, Changed, UnreadablePayload, must_have, opened, read_bytes
from curate.media.segments import file_name, split
from curate.task import DECODED, Task

OURS = ("row_id", "given_label", "soft_label", "weight", "draws", "origin")
"""Columns beside those of the data; ``draws`` is how often an epoch draws the row."""
NAMED = ("classification", "multilabel", "regression")
"""Kinds of task whose curated label stands in the plan."""
CONTENT = "content"
"""Column of the lines with the hash of their row's content, which a file that is its only input must still have."""
BLOCK_ROWS = 1024
BLOCK_BYTES = 64 << 20
"""Rows with media are gathered until their encoded bytes come to so much."""

Rows = Callable[[np.ndarray], pa.Table]
"""(m,) positions in the table -> the columns of these rows."""
File = tuple[bytes | None, str | None]


def named(columns: Iterable[str], ours: str) -> str:
    """The name of a column of ours beside the data's: ``curated_weight`` where the data have a ``weight``."""
    taken = set(columns)
    while ours in taken:  # data that were exported before have ``curated_weight``, too
        ours = f"curated_{ours}"
    return ours


def media_columns(task: Task) -> dict[str, str]:
    """Column -> role, of the columns that hold encoded files."""
    return {getattr(task, role): role for role in DECODED if getattr(task, role)}


def added(task: Task) -> list[str]:
    """The columns of ours that lines of such a task have."""
    without = {"row_id"} if task.id == "row_id" else set()
    without |= set() if task.label is not None and task.kind in NAMED else {"given_label"}
    return [name for name in OURS if name not in without]


def relabelled(task: Task, rows: pa.Table, lines: pa.Table) -> pa.Table:
    """Rows with the label of their lines in the plan, where the kind of task has it there."""
    label = task.label
    if label is None or task.kind not in NAMED:
        return rows
    values = lines["label"]
    values = values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values
    return rows.set_column(rows.column_names.index(label), label, values)


@dataclass(frozen=True)
class Reading:
    """What lines are read by.

    Attributes:
        task: of the rows.
        root: folder of their media.
        columns: names of the data's columns.
        schema: of a block.
        codes: whether classes are written as their places among the label names.
        skips: leave out rows whose files can't be read any more instead of raising.
    """

    task: Task
    root: Path | None
    columns: tuple[str, ...]
    schema: pa.Schema
    codes: bool = False
    skips: bool = False

    @cached_property
    def media(self) -> dict[str, str]:
        """Column -> role, of the columns that hold encoded files."""
        return media_columns(self.task)

    def blocks(self, lines: pa.Table, rows: Rows, skipped: dict[str, str]) -> Iterator[pa.Table]:
        """The lines with all their columns and the content of their media, block by block.

        Args:
            lines: of the plan, with a column ``draws``; with one of `CONTENT` files are compared with it.
            rows: where they stand.
            skipped: row id -> reason, of the rows that were left out; written to.

        Raises:
            DataError: a file can't be read any more, or holds something else; and such rows are not skipped.
        """
        start = 0
        while start < lines.num_rows:
            block = lines.slice(start, BLOCK_ROWS)
            found = rows(block["row"].to_numpy())
            read = self._read(found, block, skipped)
            start += len(read)
            kept = pa.array([number for number, files in enumerate(read) if files is not None], pa.int64())
            if len(kept):
                files = [files for files in read if files is not None]
                yield self.block(block.take(kept), found.take(kept), files)

    def values(self, rows: pa.Table) -> Iterator[tuple[Any, ...]]:
        """The values of a row's media columns, row by row."""
        if not self.media:
            return iter([()] * rows.num_rows)
        return zip(*(rows[column].to_pylist() for column in self.media))

    def block(self, lines: pa.Table, rows: pa.Table, files: list[tuple[File, ...]]) -> pa.Table:
        """Lines with the columns of their rows.

        Args:
            lines: (m) of the plan.
            rows: (m) of the table.
            files: (m) for each column of media content and name.
        """
        for place, column in enumerate(self.media):
            embedded = _embedded([own[place] for own in files])
            rows = rows.set_column(rows.column_names.index(column), column, embedded)
        return self._whole(rows, lines).cast(self.schema)

    def _read(self, rows: pa.Table, lines: pa.Table, skipped: dict[str, str]) -> list[tuple[File, ...] | None]:
        """Bytes and name of the files of as many rows as come to a block's bytes; None for a row that is skipped."""
        if not self.media:
            return [()] * len(lines)
        known = CONTENT in lines.column_names and input_columns(self.task) == (next(iter(self.media)),)
        hashes = lines[CONTENT].to_pylist() if known else [None] * len(lines)
        found: list[tuple[File, ...] | None] = []
        total = 0
        for row_id, values, hashed in zip(lines["row_id"].to_pylist(), self.values(rows), hashes):
            try:
                files = tuple(content(value, self.root) for value in values)
                if files[0][0] is not None:
                    must_have(hashed, files[0][0], values[0])
            except UnreadablePayload as error:
                if not self.skips:
                    raise unreadable(row_id, str(error)) from error
                skipped[row_id] = str(error)
                files = None
            found.append(files)
            total += sum(len(data or b"") for data, _ in files or ())
            if total >= BLOCK_BYTES:
                break
        return found

    def _whole(self, rows: pa.Table, lines: pa.Table) -> pa.Table:
        label = self.task.label
        given = rows[label] if label is not None else None
        rows = relabelled(self.task, rows, lines)
        if self.codes and label is not None and self.task.kind == "classification":
            values = pc.index_in(rows[label], value_set=pa.array(list(self.task.label_names), pa.string()))
            rows = rows.set_column(rows.column_names.index(label), label, values.cast(pa.int64()))
        ours: dict[str, Any] = {name: lines[name] for name in ("row_id", "soft_label", "weight", "draws")}
        ours["origin"] = lines["origin"].cast(pa.string())
        if given is not None:
            ours["given_label"] = given
        for name in added(self.task):
            rows = rows.append_column(named(self.columns, name), ours[name])
        return rows.select(self.schema.names)


def unreadable(row_id: str, reason: str) -> DataError:
    """What is raised of a row whose file can't be read any more."""
    return DataError(f"row {row_id} can't be exported: {reason}")


def changed(error: BaseException) -> bool:
    """Whether what `Reading.blocks` raised is of a file that changed, which no other machine finds otherwise."""
    return isinstance(error.__cause__, Changed)


def content(media: dict[str, Any] | None, root: Path | None) -> File:
    """Content and name, without folders, of a row's file; neither where the row has none. Raises UnreadablePayload."""
    if _has_none(media):
        return None, None
    data = _bytes(media, root)
    return data, _name(media, data)


def size(media: dict[str, Any] | None, root: Path | None) -> tuple[int, File]:
    """Bytes of a row's file, and its name with no content; a file is opened and not read. Raises UnreadablePayload."""
    if media is None or _has_none(media):
        return 0, (None, None)
    if media["bytes"] is None and root is not None and split(media["path"])[1] is None:
        with opened(media["path"], root) as (_, found):
            if found <= MAX_BYTES:
                return found, (b"", _name(media))
    data = _bytes(media, root)
    return len(data), (b"", _name(media, data))


def _bytes(media: dict[str, Any] | None, root: Path | None) -> bytes:
    """Content of a row's file, cut where it is a segment. Raises UnreadablePayload."""
    try:
        return read_bytes(media, root)
    except DecodeError as error:
        raise UnreadablePayload(str(error)) from error


def _has_none(media: dict[str, Any] | None) -> bool:
    return media is None or (media["bytes"] is None and media["path"] is None)


def _name(media: dict[str, Any] | None, data: bytes = b"") -> str | None:
    return None if media is None or media["path"] is None else file_name(media["path"], data)


def _embedded(files: list[File]) -> pa.StructArray:
    data = pa.array([one[0] for one in files], pa.binary())
    names = pa.array([one[1] for one in files], pa.string())
    return pa.StructArray.from_arrays([data, names], names=["bytes", "path"], mask=data.is_null())
