"""Small tables and plans for the tests of the feed."""

from dataclasses import replace

import datasets
import numpy as np
import pyarrow as pa

from curate.media.content import rehash
from curate.plan import schema
from curate.table import Table
from curate.task import Task


def table(columns, root=None, **task):
    """A table of these Arrow or Python columns; the task's roles by keyword."""
    data = datasets.Dataset(pa.table(columns))
    n = data.num_rows
    ids = np.array([f"r{i}" for i in range(n)], dtype=np.dtypes.StringDType())
    made = Table(data, Task(**task), ids, np.zeros((n, 2), np.uint64), root=root)
    return made if root is None else replace(made, content=rehash(made, data))


def plan(of, labels=None, rows=None, kind="classification", soft=None, weight=None, recipe=None, split=None, copy=None):
    """A plan over rows of a table, all of them once if left out."""
    rows = np.arange(len(of)) if rows is None else np.asarray(rows)
    m = len(rows)
    fields = schema(kind)
    columns = {
        "row": rows,
        "row_id": [str(of.row_ids[r]) for r in rows],
        "label": [None] * m if labels is None else labels,
        "soft_label": [None] * m if soft is None else soft,
        "weight": np.ones(m) if weight is None else weight,
        "origin": ["original"] * m,
        "recipe": [recipe] * m if recipe is None or isinstance(recipe, str) else recipe,
        "split": ["train"] * m if split is None else split,
        "copy": [0] * m if copy is None else copy,
    }
    arrays = []
    for field in fields:
        values = columns[field.name]
        if pa.types.is_dictionary(field.type):
            encoded = pa.array(values, pa.string()).dictionary_encode()
            arrays.append(encoded.cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.table(arrays, schema=fields)
