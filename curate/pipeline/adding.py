"""Rows that a step made, put at the end of the table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from curate.arrow import among, dataset_of
from curate.errors import DataError, nearest
from curate.made import Made
from curate.media.content import rehash
from curate.table import Table


def with_made(table: Table, made: Made, step: str) -> Table:
    """The table and, behind its rows, the new ones.

    Raises:
        DataError: a new row has an id that is taken, a column that the table lacks, or values of another type.
    """
    from datasets.table import ConcatenationTable, InMemoryTable

    ids = np.array(made.row_ids, dtype=np.dtypes.StringDType())
    taken = among(ids, table.row_ids)
    if taken.any() or len(np.unique(ids)) != len(ids):
        again = str(ids[taken][0]) if taken.any() else "one of its own, twice"
        raise DataError(f"{step}: a new row has the id {again}, which is taken")
    features = table.dataset.features
    rows = _filled(table, made, ids, step).cast(features.arrow_schema)
    new = dataset_of(rows, features)
    old = table.dataset if table.dataset._indices is None else table.dataset.flatten_indices()
    both = ConcatenationTable.from_tables([old.data, InMemoryTable(rows.cast(old.data.schema))])
    origin = table.origin
    if origin is not None:
        unknown = pa.table([pa.nulls(len(ids), field.type) for field in origin.schema], schema=origin.schema)
        origin = pa.concat_tables([origin, unknown]).unify_dictionaries()
    parents = table.row_ids if table.parents is None else table.parents
    earlier = ids[:0] if table.made is None else table.made
    return replace(
        table,
        dataset=dataset_of(both, features),
        row_ids=np.concatenate([table.row_ids, ids]),
        content=np.concatenate([table.content, rehash(table, new, same_rows=False)]),
        origin=origin,
        parents=np.concatenate([parents, np.array(made.parents, dtype=np.dtypes.StringDType())]),
        made=np.concatenate([earlier, ids]),
    )


def _filled(table: Table, made: Made, ids: np.ndarray, step: str) -> pa.Table:
    """The new rows with all columns of the table."""
    names = table.dataset.column_names
    for name in made.rows.column_names:
        if name not in names:
            raise DataError(f"{step}: new rows have a column {name!r}, and the table does not{nearest(name, names)}")
    task, columns = table.task, {}
    for field in table.dataset.features.arrow_schema:
        given = made.rows[field.name] if field.name in made.rows.column_names else None
        if field.name == task.split:
            given = pa.array(["train"] * len(ids), pa.string())
        elif field.name == task.id:
            given = pa.array(ids, pa.string())
        elif given is None:
            given = pa.nulls(len(ids), field.type)
        try:
            columns[field.name] = given.cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(f"{step}: new values of the column {field.name!r} are no {field.type}: {error}") from error
    return pa.table(columns)
