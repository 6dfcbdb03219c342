"""What an export writes: the kept rows with the curated label, soft label and weight, split by split, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, DataError, nearest
from curate.media.payload import UnreadablePayload, read_bytes
from curate.pipeline.exporting.files import split_names
from curate.randomness import generator
from curate.table import Table
from curate.task import DECODED

if TYPE_CHECKING:
    import datasets

    from curate.pipeline.curated import Curated

OURS = ("row_id", "given_label", "soft_label", "weight", "draws", "origin")
"""Columns beside those of the data; ``draws`` is how often an epoch draws the row."""
NAMED = ("classification", "multilabel", "regression")
"""Kinds of task whose curated label stands in the plan."""
BLOCK_ROWS = 1024
BLOCK_BYTES = 64 << 20
"""Rows with media are gathered until their encoded bytes come to so much."""


def named(table: Table, ours: str) -> str:
    """The name of a column of ours beside the data's: ``curated_weight`` where the data have a ``weight``."""
    return f"curated_{ours}" if ours in table.dataset.column_names else ours


def relabelled(table: Table, rows: pa.Table, lines: pa.Table) -> pa.Table:
    """Rows with the label of their lines in the plan, where the kind of task has it there."""
    label = table.task.label
    if label is None or table.task.kind not in NAMED:
        return rows
    values = lines["label"]
    values = values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values
    return rows.set_column(rows.column_names.index(label), label, values)


@dataclass(frozen=True)
class Lines:
    """The rows of a result as they are exported.

    Attributes:
        curated: the result.
        splits: those that are written.
        repeated: a line per draw of an epoch instead of a line per row.
        shuffled: training rows in an order drawn from the pipeline's seed instead of the data's.
        skips: leave out rows whose files can't be read any more instead of raising.
        skipped: row id -> reason, of the rows that were left out so far.
    """

    curated: Curated
    splits: tuple[str, ...]
    repeated: bool = False
    shuffled: bool = False
    skips: bool = False
    skipped: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, curated: Curated, split: str | None = None, repeated: bool = False, shuffled: bool = False,
        on_error: str = "raise",
    ) -> Lines:  # fmt: skip
        """The lines of a split, or of all.

        Raises:
            ConfigError: the plan has no such split, or no row; `on_error` is neither ``raise`` nor ``skip``.
        """
        if on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error must be 'raise' or 'skip', not {on_error!r}")
        known = sorted(str(name) for name in pc.unique(curated.plan["split"].cast(pa.string())).to_pylist())
        if not known:
            raise ConfigError("there is nothing to export: the plan has no row")
        if split is not None and split not in known:
            raise ConfigError(f"the plan has no split {split!r}{nearest(split, known)}; there is {', '.join(known)}")
        return cls(curated, tuple(known) if split is None else (split,), repeated, shuffled, on_error == "skip")

    @property
    def table(self) -> Table:
        """The rows behind the lines."""
        return self.curated.table

    @cached_property
    def media(self) -> dict[str, str]:
        """Column -> role, of the columns that hold encoded files."""
        return {getattr(self.table.task, role): role for role in DECODED if getattr(self.table.task, role)}

    @cached_property
    def names(self) -> dict[str, str]:
        """Split -> what it is called in names of files and folders."""
        return split_names(self.splits)

    @cached_property
    def _draws(self) -> np.ndarray:
        """(rows,) how often each row is drawn."""
        return np.bincount(self.curated.plan["row"].to_numpy(), minlength=len(self.table))

    def planned(self, split: str) -> pa.Table:
        """The lines of the plan that are written of a split, in their order."""
        plan = self.curated.plan
        wanted = pc.equal(plan["split"].cast(pa.string()), split)
        if not self.repeated:
            wanted = pc.and_(wanted, pc.equal(plan["copy"], 0))
        lines = plan.filter(wanted)
        if self.shuffled and split == "train":
            order = generator(self.curated.pipeline.seed, step="export").permutation(lines.num_rows)
            lines = lines.take(pa.array(order))
        return lines

    def features(self, codes: bool = False) -> datasets.Features:
        """Features of a block; media as `datasets` decodes them, classes as `ClassLabel` if `codes`."""
        import datasets

        of_media = {"image": datasets.Image, "mask": datasets.Image, "audio": datasets.Audio, "video": datasets.Video}
        task = self.table.task
        found = dict(self.table.dataset.features)
        found |= {column: of_media[role]() for column, role in self.media.items()}
        kind = {"regression": pa.float64(), "multilabel": pa.list_(pa.string())}.get(task.kind or "", pa.string())
        labels = datasets.Features.from_arrow_schema(pa.schema([("label", kind)]))["label"]
        if task.label is not None and task.kind in NAMED:
            found[task.label] = labels
            if codes and task.kind == "classification":
                found[task.label] = datasets.ClassLabel(names=list(task.label_names))
        ours = {"row_id": pa.string(), "soft_label": pa.list_(pa.float32()), "weight": pa.float32()}
        ours |= {"draws": pa.int32(), "origin": pa.string()}
        plain = datasets.Features.from_arrow_schema(pa.schema(list(ours.items())))
        for name in self._added():
            found[named(self.table, name)] = labels if name == "given_label" else plain[name]
        return datasets.Features(found)

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of a block, classes by name."""
        return self.features().arrow_schema

    def _added(self) -> list[str]:
        task = self.table.task
        without = {"row_id"} if task.id == "row_id" else set()
        without |= set() if task.label is not None and task.kind in NAMED else {"given_label"}
        return [name for name in OURS if name not in without]

    def blocks(self, split: str, codes: bool = False) -> Iterator[pa.Table]:
        """The lines of a split with all their columns and the content of their media, block by block.

        Raises:
            DataError: a file can't be read any more, and such rows are not skipped.
        """
        lines, schema = self.planned(split), self.features(codes).arrow_schema
        start = 0
        while start < lines.num_rows:
            block = lines.slice(start, BLOCK_ROWS)
            rows = self.table.rows(block["row"].to_numpy())
            read = self._read(rows, block["row_id"].to_pylist())
            start += len(read)
            kept = [number for number, files in enumerate(read) if files is not None]
            rows, block = rows.take(pa.array(kept, pa.int64())), block.take(pa.array(kept, pa.int64()))
            for place, column in enumerate(self.media):
                embedded = _embedded([read[number][place] for number in kept])
                rows = rows.set_column(rows.column_names.index(column), column, embedded)
            if kept:
                yield self._whole(rows, block, codes).cast(schema)

    def _read(self, rows: pa.Table, row_ids: list[str]) -> list[Any]:
        """Bytes and name of the files of as many rows as come to a block's bytes; None for a row that is skipped."""
        if not self.media:
            return [()] * len(row_ids)
        columns = [rows[column].to_pylist() for column in self.media]
        found: list[Any] = []
        total = 0
        for row_id, values in zip(row_ids, zip(*columns)):
            try:
                files = [_file(value, self.table) for value in values]
            except UnreadablePayload as error:
                if not self.skips:
                    raise DataError(f"row {row_id} can't be exported: {error}") from error
                self.skipped[row_id] = str(error)
                files = None
            found.append(files)
            total += sum(len(data or b"") for data, _ in files or ())
            if total >= BLOCK_BYTES:
                break
        return found

    def _whole(self, rows: pa.Table, block: pa.Table, codes: bool) -> pa.Table:
        table = self.table
        label = table.task.label
        given = rows[label] if label is not None else None
        rows = relabelled(table, rows, block)
        if codes and label is not None and table.task.kind == "classification":
            values = pc.index_in(rows[label], value_set=pa.array(list(table.task.label_names), pa.string()))
            rows = rows.set_column(rows.column_names.index(label), label, values.cast(pa.int64()))
        positions = block["row"].to_numpy()
        ours: dict[str, Any] = {name: block[name] for name in ("row_id", "soft_label", "weight")}
        ours |= {
            "draws": pa.array(self._draws[positions].astype(np.int32)),
            "origin": block["origin"].cast(pa.string()),
        }
        if given is not None:
            ours["given_label"] = given
        for name in self._added():
            rows = rows.append_column(named(table, name), ours[name])
        return rows.select(list(self.features(codes)))


def _file(media: dict[str, Any] | None, table: Table) -> tuple[bytes | None, str | None]:
    """Content and name, without folders, of a row's file; neither where the row has none."""
    if media is None or (media["bytes"] is None and media["path"] is None):
        return None, None
    return read_bytes(media, table.root), None if media["path"] is None else PurePosixPath(media["path"]).name


def _embedded(files: list[tuple[bytes | None, str | None]]) -> pa.StructArray:
    data = pa.array([one[0] for one in files], pa.binary())
    names = pa.array([one[1] for one in files], pa.string())
    return pa.StructArray.from_arrays([data, names], names=["bytes", "path"], mask=data.is_null())
