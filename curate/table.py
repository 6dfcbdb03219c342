"""Table: immutable rows, the task that says which column is what, and an id for every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import among
from curate.errors import DataError
from curate.randomness import digest
from curate.stored import Held, Stored
from curate.task import Task

if TYPE_CHECKING:
    import datasets

HELD_OUT = ("validation", "test")
COPIED_BYTES = 64_000_000
"""Up to here rows are copied when some are selected: importing `datasets`, which copies none, takes longer."""
PROBLEMS = pa.schema([("row", pa.int64()), ("issue", pa.string()), ("reason", pa.string())])
ORIGIN = pa.schema([("file", pa.dictionary(pa.int32(), pa.string())), ("line", pa.int64())])


@dataclass(frozen=True)
class Labels:
    """The labels of a table as arrays.

    Attributes:
        names: the K classes; empty for regression and unlabeled tasks.
        codes: (n,) int64, index into `names`, -1 where the label is missing (classification), else all -1.
        values: (n,) float64 with NaN where missing (regression), else None.
        sets: (n, K) bool (multilabel), else None; a row with no label at all has `codes` -1 and is all False.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    values: np.ndarray | None = None
    sets: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)

    @cached_property
    def known(self) -> np.ndarray:
        """(n,) bool: rows that have a label."""
        return np.isfinite(self.values) if self.values is not None else self.codes >= 0

    def name(self, row: int) -> str | None:
        """The label of a row as text, None where it is missing."""
        if not self.known[row]:
            return None
        if self.values is not None:
            return f"{self.values[row]:g}"
        if self.sets is not None:
            return ", ".join(n for n, on in zip(self.names, self.sets[row]) if on)
        return self.names[self.codes[row]]

    def counts(self, rows: np.ndarray | None = None) -> np.ndarray:
        """(K,) int64: rows of each class, among `rows` (positions or mask) if given."""
        if self.sets is not None:
            return (self.sets if rows is None else self.sets[rows]).sum(0).astype(np.int64)
        codes = self.codes if rows is None else self.codes[rows]
        return np.bincount(codes[codes >= 0], minlength=len(self.names)).astype(np.int64)

    def with_codes(self, codes: np.ndarray) -> Labels:
        """The same classes with other codes (after relabelling)."""
        return replace(self, codes=codes)


@dataclass(frozen=True)
class Table:
    """Rows in an Arrow-backed `datasets.Dataset`, a `Task`, and what is known of each row's identity.

    Media columns are ``struct<bytes: binary, path: string>``: encoded bytes, or a path relative to `root` (or
    absolute and inside it). Only `curate.media` looks inside them.

    Attributes:
        dataset: the rows; made from a `Stored` file or `Held` rows, they are opened by `datasets` when they are first
            asked for here.
        task: roles of the columns, kind and label names (both resolved, never left to infer).
        row_ids: (n,) `StringDType`; unique; survives reordering and appending.
        content: (n, 2) uint64, 128-bit hash of each row's inputs (not its label); equal inputs, equal hash.
        root: the folder that paths are relative to and confined to, None for data in memory.
        problems: `PROBLEMS`; rows that their source could not read as they stand, with the reason. A row with the
            issue ``unreadable`` has null inputs; other issues (``label_format``) are remarks on a usable row.
        origin: `ORIGIN` with one line per row (file and line number it came from), or None.
        source: what the user named as the data, for messages.
        parents: (n,) row ids of the rows these were made from by a 1-to-n transform, or None.
        notes: what the reader says of the source as a whole (files skipped, blank lines, encodings), as sentences.
        made: (m,) ids of the rows that a step synthesised, which belong to training alone; None where there are none.
        decimal_commas: columns of numbers that the source writes with a comma for the point.
    """

    dataset: datasets.Dataset
    task: Task
    row_ids: np.ndarray
    content: np.ndarray
    root: Path | None = None
    problems: pa.Table = field(default_factory=PROBLEMS.empty_table)
    origin: pa.Table | None = None
    source: str = "memory"
    parents: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    made: np.ndarray | None = None
    decimal_commas: tuple[str, ...] = ()
    stored: Stored | None = field(default=None, init=False, repr=False, compare=False)
    held: Held | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        rows: Any = self.dataset
        if isinstance(rows, Stored | Held):
            object.__setattr__(self, "stored" if isinstance(rows, Stored) else "held", rows)
            object.__delattr__(self, "dataset")
        n = len(rows)
        if len(self.row_ids) != n or self.content.shape != (n, 2):
            raise ValueError(f"{n} rows, but {len(self.row_ids)} row ids and {self.content.shape} content hashes")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The rows, opened."""
            if name != "dataset" or (arrow := self._arrow) is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            found = arrow.dataset()
            object.__setattr__(self, "dataset", found)
            return found

    @property
    def _arrow(self) -> Stored | Held | None:
        """The rows as they were given, where `datasets` need not open them."""
        held = self.__dict__.get("stored")
        return self.__dict__.get("held") if held is None else held

    def __len__(self) -> int:
        """Number of rows, unreadable ones among them."""
        return len(self.row_ids)

    def __repr__(self) -> str:
        """One line: size, kind, inputs, label."""
        task = self.task
        return (
            f"Table({len(self)} rows, kind={task.kind}, inputs={'+'.join(task.modalities)}, label={task.label},"
            f" classes={len(task.label_names)}, source={self.source!r})"
        )

    @property
    def column_names(self) -> list[str]:
        """Names of all columns, in their order."""
        arrow = self._arrow
        return self.dataset.column_names if arrow is None else arrow.mapped.column_names

    def column(self, name: str) -> pa.ChunkedArray:
        """A column as Arrow, media undecoded. Raises DataError if there is none of that name."""
        arrow = self._arrow
        held = self.dataset.data if arrow is None else arrow.mapped
        place = held.schema.get_field_index(name)  # a list of all names takes its time where there are thousands
        if place < 0:
            raise DataError(f"{self.source}: no column {name!r}; there are {', '.join(self.column_names)}")
        return self._looked_up(slice(None), [name])[name] if arrow is None else arrow.mapped.column(place)

    def rows(self, rows: Sequence[int] | np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """Some rows as an Arrow table, media undecoded."""
        if (arrow := self._arrow) is not None:
            return arrow.take(np.asarray(rows), columns)
        return self._looked_up(np.asarray(rows, dtype=np.int64).tolist(), columns)

    def _looked_up(self, rows: slice | list[int], columns: Sequence[str] | None) -> pa.Table:
        """Rows of the dataset. A view of some of its columns would copy the features of all, thousands of them."""
        from datasets.formatting import query_table

        held = self.dataset.data if columns is None else self.dataset.data.select(list(columns))
        return query_table(held, rows, indices=self.dataset._indices)

    @cached_property
    def given(self) -> np.ndarray:
        """(n,) bool: rows that no step synthesised."""
        if self.made is None:
            return np.ones(len(self), dtype=bool)
        return ~among(self.row_ids, self.made)

    @cached_property
    def unreadable(self) -> np.ndarray:
        """(n,) bool: rows that the source could not read (see `problems`)."""
        mask = np.zeros(len(self), dtype=bool)
        broken = self.problems.filter(pc.equal(self.problems["issue"], "unreadable"))
        mask[broken["row"].to_numpy()] = True
        return mask

    @cached_property
    def splits(self) -> np.ndarray:
        """(n,) `StringDType`: train, validation, test or another name; all ``train`` where there is no split column."""
        if self.task.split is None:
            return np.full(len(self), "train", dtype=np.dtypes.StringDType())
        values = self.column(self.task.split)
        return np.array(pc.fill_null(values.cast(pa.string()), "train").to_pylist(), dtype=np.dtypes.StringDType())

    @cached_property
    def training(self) -> np.ndarray:
        """(n,) bool: rows of no held-out split (validation, test); only these may be changed or balanced."""
        return ~np.isin(self.splits, np.array(HELD_OUT, dtype=np.dtypes.StringDType()))

    @cached_property
    def labels(self) -> Labels:
        """The label column as arrays (see `Labels`)."""
        task, n = self.task, len(self)
        missing = np.full(n, -1, dtype=np.int64)
        if task.label is None or task.kind == "unlabeled":
            return Labels((), missing)
        column = self.column(task.label)
        if task.kind == "regression":
            values = pc.fill_null(column.cast(pa.float64()), float("nan"))
            return Labels((), missing, values=values.to_numpy())
        names = pa.array(task.label_names, pa.string())
        if task.kind == "multilabel":
            sets = np.zeros((n, len(names)), dtype=bool)
            lists = column.combine_chunks()
            parent = pc.list_parent_indices(lists).to_numpy()
            codes = pc.index_in(pc.list_flatten(lists).cast(pa.string()), value_set=names)
            known = pc.is_valid(codes).to_numpy(zero_copy_only=False)
            sets[parent[known], codes.drop_null().to_numpy()] = True
            has_list = pc.is_valid(column).combine_chunks().to_numpy(zero_copy_only=False)
            return Labels(tuple(task.label_names), np.where(has_list, 0, missing), sets=sets)
        if task.kind != "classification":
            return Labels(tuple(task.label_names), missing)
        codes = pc.index_in(column.cast(pa.string()), value_set=names)
        return Labels(tuple(task.label_names), pc.fill_null(codes, -1).to_numpy().astype(np.int64))

    @cached_property
    def votes(self) -> np.ndarray | None:
        """(n, m) int64 codes of the m annotators' labels, -1 where one gave none; None without annotators."""
        if not self.task.annotators:
            return None
        names = pa.array(self.task.label_names, pa.string())
        found = [pc.index_in(self.column(name).cast(pa.string()), value_set=names) for name in self.task.annotators]
        return np.stack([pc.fill_null(codes, -1).to_numpy().astype(np.int64) for codes in found], axis=1)

    @cached_property
    def groups(self) -> np.ndarray | None:
        """(n,) int64 codes of the task's group column (rows without one each get their own), or None."""
        if self.task.group is None:
            return None
        encoded = self.column(self.task.group).combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
        lone = codes < 0
        codes[lone] = len(encoded.dictionary) + np.arange(lone.sum())
        return codes

    def position(self, row_id: str) -> int:
        """Where the row of that id stands. Raises DataError if there is none."""
        places = np.flatnonzero(self.row_ids == str(row_id))
        if not len(places):
            raise DataError(f"no row has the id {str(row_id)!r}")
        return int(places[0])

    def _selected(self, rows: np.ndarray) -> datasets.Dataset | Held:
        held = self.held
        if held is None or "dataset" in vars(self) or held.mapped.nbytes > COPIED_BYTES:
            return self.dataset.select(rows)
        return Held(held.take(rows), held.media, f"{digest(held.fingerprint, rows.tobytes()):032x}")

    def select(self, rows: Sequence[int] | np.ndarray) -> Table:
        """Some of the rows, in the given order, with their ids, problems and origins."""
        rows = np.asarray(rows, dtype=np.int64)
        place = np.full(len(self), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        moved = place[self.problems["row"].to_numpy()]
        problems = self.problems.set_column(0, "row", pa.array(moved)).filter(pa.array(moved >= 0))
        return replace(
            self,
            dataset=self._selected(rows),
            row_ids=self.row_ids[rows],
            content=self.content[rows],
            problems=problems.cast(PROBLEMS),
            origin=None if self.origin is None else self.origin.take(rows),
            parents=None if self.parents is None else self.parents[rows],
        )
