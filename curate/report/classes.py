"""Sizes of the classes before and after, and which labels are taken for which."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.report.material import Material
from curate.report.model import ClassCount, Confusion
from curate.report.plain import plain
from curate.table import Table

MOST_PAIRS = 400


def class_counts(material: Material) -> list[ClassCount]:
    """Rows of every class in the data (made ones aside) and, after a run, its draws; empty without classes."""
    labels = material.table.labels
    if material.table.task.kind == "token_classification":  # tags are of tokens, and no row is of a class
        return []
    before = labels.counts(material.table.given)
    after = _after(material)
    return [
        ClassCount(name=plain(name), rows=int(before[k]), after=None if after is None else int(after[k]))
        for k, name in enumerate(labels.names)
    ]


def _after(material: Material) -> np.ndarray | None:
    """(K,) draws of each class: lines of the plan, or kept rows with the labels of the verdict."""
    table, verdict = material.table, material.verdict
    names = pa.array(table.labels.names, pa.string())
    if material.plan is not None and len(names) and table.task.kind in ("classification", "multilabel"):
        label = material.plan["label"]
        label = pc.list_flatten(label) if table.task.kind == "multilabel" else label.cast(pa.string())
        codes = pc.index_in(label.cast(pa.string()), value_set=names).drop_null().to_numpy()
        return np.bincount(codes, minlength=len(names))
    if verdict is None:
        return None
    labels = table.labels if table.labels.sets is not None else table.labels.with_codes(verdict.codes)
    return labels.counts(~verdict.dropped & ~table.unreadable)


def confusion(table: Table, flagged: pa.Table) -> list[Confusion]:
    """Pairs of given and suggested label among the flagged rows, each row once per pair, most rows first."""
    labels = table.labels
    flagged = flagged.filter(pc.is_valid(flagged["suggested_label"]))
    if not len(flagged) or labels.values is not None or labels.sets is not None or not labels.names:
        return []
    names = np.array(labels.names, dtype=np.dtypes.StringDType())
    rows = flagged["row"].to_numpy()
    better = pc.index_in(flagged["suggested_label"], value_set=pa.array(labels.names, pa.string()))
    better = pc.fill_null(better, -1).to_numpy()
    given = labels.codes[rows]
    known = (given >= 0) & (better >= 0) & (given != better)
    triples = np.unique(np.stack([rows, given, better], 1)[known], axis=0)
    pairs, counts = np.unique(triples[:, 1:], axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_PAIRS]
    return [
        Confusion(given=plain(str(names[g])), suggested=plain(str(names[s])), rows=int(count))
        for (g, s), count in zip(pairs[order], counts[order])
    ]
