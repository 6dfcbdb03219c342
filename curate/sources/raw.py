"""What a reader found, before anyone said which column plays which role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.table import ORIGIN
from curate.wording import some_of


@dataclass(frozen=True)
class Raw:
    """Columns as they stand in the source, and all that the reader has to say of them.

    Attributes:
        columns: the rows.
        source: what the user named as the data.
        root: folder that media paths are confined to.
        bases: folders that media paths are relative to; `base_of` points into it, one per row (all the first if None).
        untyped: every column is text (delimited files), and may turn out to hold numbers.
        decimal_comma: these may be written with a comma for the point, as where fields stand between semicolons.
        unreadable: row -> why the record could not be read; such a row is null throughout.
        records: row -> the raw record of an unreadable row, so that it stays distinct.
        remarks: (row, issue, reason) about rows that can be used.
        origin: `ORIGIN`, file and line of every row, or None.
        notes: sentences about the source as a whole.
        roles: roles that the layout itself decides (a folder per class has a label).
        class_names: column -> names of the classes in their order, where the source has them.
        media: column -> image, audio or video, where the source says so.
        unfetched: file name -> why it could not be brought here from where the source lies.
        unnamed: the source gives its columns no names, and the reader did.
        tier: of TextGrids whose intervals the rows are, None where they are something else.
    """

    columns: pa.Table
    source: str
    root: Path | None = None
    bases: tuple[Path, ...] = ()
    base_of: np.ndarray | None = None
    untyped: bool = False
    decimal_comma: bool = False
    unreadable: Mapping[int, str] = field(default_factory=dict)
    records: Mapping[int, bytes] = field(default_factory=dict)
    remarks: Sequence[tuple[int, str, str]] = ()
    origin: pa.Table | None = None
    notes: tuple[str, ...] = ()
    roles: Mapping[str, Any] = field(default_factory=dict)
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    media: Mapping[str, str] = field(default_factory=dict)
    unfetched: Mapping[str, str] = field(default_factory=dict)
    unnamed: bool = False
    tier: str | None = None

    def __len__(self) -> int:
        """Number of rows, unreadable ones among them."""
        return self.columns.num_rows

    def with_column(self, name: str, values: pa.Array | pa.ChunkedArray) -> Raw:
        """The same with a column added or replaced."""
        return replace(self, columns=put(self.columns, name, values))

    def take(self, rows: np.ndarray) -> Raw:
        """Some of the rows, in the given order."""
        place = {int(row): i for i, row in enumerate(rows)}
        return replace(
            self,
            columns=self.columns.take(pa.array(rows)),
            base_of=None if self.base_of is None else self.base_of[rows],
            unreadable={place[r]: why for r, why in self.unreadable.items() if r in place},
            records={place[r]: record for r, record in self.records.items() if r in place},
            remarks=[(place[r], issue, why) for r, issue, why in self.remarks if r in place],
            origin=None if self.origin is None else self.origin.take(pa.array(rows)),
        )


def of_files(folder: Path, source: str, columns: Mapping[str, pa.Array], paths: pa.Array, **known: Any) -> Raw:
    """Rows that are one file each, by (n,) paths relative to `folder`; `known` are other attributes of `Raw`."""
    return Raw(
        pa.table(list(columns.values()), names=list(columns)),
        source,
        root=folder,
        bases=(folder,),
        origin=pa.table([paths.dictionary_encode(), pa.nulls(len(paths), pa.int64())], schema=ORIGIN),
        **known,
    )


def media_paths(paths: pa.Array) -> pa.StructArray:
    """(n,) paths -> media columns as they stand in a table, without content; null where a path is."""
    nothing = pa.nulls(len(paths), pa.binary())
    return pa.StructArray.from_arrays([nothing, paths], ["bytes", "path"], mask=paths.is_null())


def put(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A table with a column added or replaced in its place."""
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def origins(file: str, lines: np.ndarray) -> pa.Table:
    """`ORIGIN` of rows that all come from one file; `lines` is (n,) int64, counted from 1."""
    files = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(lines), np.int32)), pa.array([file], pa.string()))
    return pa.table([files, pa.array(lines, pa.int64())], schema=ORIGIN)


def concatenated(parts: Sequence[Raw], source: str) -> Raw:
    """Several files as one source, rows in the order of the files; columns that a file lacks are null there.

    Raises:
        DataError: a column has types that do not go together.
    """
    if len(parts) == 1:
        return replace(parts[0], source=source)
    try:
        columns = pa.concat_tables([part.columns for part in parts], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        names = some_of(parts, 3, lambda part: part.source)
        raise DataError(f"{source}: the columns of {names} do not go together: {error}") from error
    starts = np.cumsum([0, *(len(part) for part in parts)])
    bases = tuple(dict.fromkeys(base for part in parts for base in part.bases))
    base_of = [np.full(len(part), bases.index(part.bases[0]) if part.bases else 0, np.int32) for part in parts]
    with_origin = all(part.origin is not None for part in parts)
    origin = pa.concat_tables([part.origin for part in parts if part.origin is not None]) if with_origin else None

    def moved(items: Iterable[Mapping[int, Any]]) -> dict[int, Any]:
        return {row + int(start): value for start, item in zip(starts, items) for row, value in item.items()}

    return Raw(
        columns,
        source,
        root=parts[0].root,
        bases=bases,
        base_of=np.concatenate(base_of) if len(bases) > 1 else None,
        untyped=all(part.untyped for part in parts),
        decimal_comma=all(part.decimal_comma for part in parts),
        unreadable=moved(part.unreadable for part in parts),
        records=moved(part.records for part in parts),
        remarks=[(r + int(s), issue, why) for s, part in zip(starts, parts) for r, issue, why in part.remarks],
        origin=None if origin is None else origin.unify_dictionaries(),
        notes=tuple(note for part in parts for note in part.notes),
        roles={role: value for part in parts for role, value in part.roles.items()},
        class_names={name: value for part in reversed(parts) for name, value in part.class_names.items()},
        media={name: value for part in parts for name, value in part.media.items()},
        unfetched={name: why for part in parts for name, why in part.unfetched.items()},
        unnamed=all(part.unnamed for part in parts),
    )
