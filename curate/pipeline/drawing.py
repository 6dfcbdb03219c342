"""From verdict to plan: which rows are drawn, how often, with which label, weight and recipe."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curate.arrow import distinct
from curate.ledger import Verdict
from curate.plan import ORIGINS, draws, schema, soft_matrix
from curate.table import Labels, Table


def make_plan(table: Table, verdict: Verdict, recipe: str | None) -> pa.Table:
    """The plan (`curate.plan.schema`), by row and copy.

    Rows of held-out splits are drawn once, with their own label, weight 1 and no recipe, whatever the ledger says of
    classes.
    """
    labels, training = table.labels, table.training
    repeats = np.where(training, verdict.repeats, 0)
    rows, copies = draws(~verdict.dropped, repeats)
    trained = training[rows]
    columns = {
        "row": pa.array(rows),
        "row_id": pa.array(table.row_ids[rows], pa.string()),
        "label": _labels(labels, verdict, rows, table.task.kind),
        "soft_label": _soft(labels, verdict, rows, trained),
        "weight": pa.array(np.where(trained, verdict.weight[rows], 1).astype(np.float32)),
        "origin": pa.DictionaryArray.from_arrays(
            pa.array(np.where(copies > 0, 1, np.where(verdict.synthetic[rows], 2, 0)).astype(np.int8)),
            pa.array(ORIGINS),
        ),
        "recipe": _constant(recipe, trained),
        "split": _encoded(table.splits[rows]),
        "copy": pa.array(copies),
    }
    return pa.table(columns, schema=schema(table.task.kind))


def _labels(labels: Labels, verdict: Verdict, rows: np.ndarray, kind: str | None) -> pa.Array:
    if kind == "regression" and labels.values is not None:
        values = labels.values[rows]
        return pa.array(values, pa.float64(), mask=np.isnan(values))
    if kind == "multilabel" and labels.sets is not None:
        names = np.array(labels.names, dtype=object)
        known = labels.known
        return pa.array([list(names[labels.sets[r]]) if known[r] else None for r in rows], pa.list_(pa.string()))
    codes = verdict.codes[rows]
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(labels.names, pa.string())
    )


def _soft(labels: Labels, verdict: Verdict, rows: np.ndarray, trained: np.ndarray) -> pa.Array:
    k = len(labels.names)
    if labels.sets is not None:
        matrix = labels.sets[rows].astype(np.float32)
    elif k:
        matrix = soft_matrix(verdict.codes, dict(verdict.soft), verdict.class_soft, rows)
        held_out = np.flatnonzero(~trained)
        matrix[held_out] = soft_matrix(verdict.codes, {}, np.eye(k, dtype=np.float32), rows[held_out])
    else:
        return pa.nulls(len(rows), pa.list_(pa.float32()))
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * k)
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel()))


def _constant(recipe: str | None, trained: np.ndarray) -> pa.Array:
    if recipe is None:
        return pa.nulls(len(trained), pa.dictionary(pa.int32(), pa.string()))
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(trained), np.int32), mask=~trained), pa.array([recipe]))


def _encoded(splits: np.ndarray) -> pa.Array:
    names, codes = distinct(splits)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))
