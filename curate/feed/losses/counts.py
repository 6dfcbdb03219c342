"""What losses must know of a result: how often training draws each class, and how labels are confused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError
from curate.feed.sampling.grouping import cells_of

GROUP = "curate: group"
PRIOR_ROWS = 10.0
"""Rows' worth of belief, for each true class, in the confusion rate of the whole set, spread evenly."""


def class_counts(
    plan: pa.Table,
    label_names: Sequence[str],
    sampler: str = "shuffled",
    groups: pa.ChunkedArray | None = None,
    with_classes: bool = False,
) -> np.ndarray:
    """(K,) sum of the weights of a plan's training lines of each class: what the loss sees of it in an epoch.

    A sampler ``balanced`` draws all classes equally often, so that it has equal counts; ``group_balanced`` all groups,
    or all classes of all groups.

    Args:
        plan: lines with ``label``, ``weight`` and ``split`` (`curate.plan.schema`), of classes.
        label_names: the K classes.
        sampler: mode of the sampler that draws them.
        groups: of the plan's lines, for ``group_balanced``.
        with_classes: what ``group_balanced`` balances (see `Grouping`).
    """
    if groups is not None:
        plan = plan.append_column(GROUP, groups)
    lines = _training(plan)
    codes = _codes(lines["label"], label_names)
    weights = pc.fill_null(lines["weight"], 1.0).to_numpy().astype(np.float64)
    counts = np.bincount(codes, weights, len(label_names))
    if sampler == "balanced":
        return np.where(counts > 0, counts.sum() / max(1, np.count_nonzero(counts)), 0.0)
    if sampler == "group_balanced" and groups is not None and lines.num_rows:
        cells = cells_of(lines, lines[GROUP], lines.num_rows, with_classes).codes
        drawn = lines.num_rows / (cells.max() + 1) / np.bincount(cells)
        return np.bincount(codes, weights * drawn[cells], len(label_names))
    return counts


def estimated_transition(plan: pa.Table, findings: pa.Table, label_names: Sequence[str]) -> np.ndarray:
    """(K, K) share of the rows truly of class i (row) that training sees with label j (column); rows sum to 1.

    What `label_errors` suggested for a flagged row is taken for its true class, and the label of any other for right.
    The label of a row is the one in the plan: what was relabelled or dropped confuses nothing any more. Few rows of a
    class are drawn to the rate of the whole set.

    Raises:
        ConfigError: `label_errors` was not among the steps.
    """
    found = findings.filter(pc.equal(findings["check"], "label_errors"))
    if not found.num_rows:
        raise ConfigError(
            "how labels are confused is estimated from the findings of the step label_errors, which this result lacks:"
            " add it to the pipeline, or pass transition=(K x K shares, a row per true class)"
        )
    doubted = found.filter(pc.and_(found["is_issue"], pc.is_valid(found["suggested_label"])))
    lines = _training(plan)
    lines = lines.filter(pc.equal(lines["copy"], 0))
    seen = _codes(lines["label"], label_names)
    place = pc.index_in(lines["row_id"].cast(pa.string()), value_set=doubted["row_id"].combine_chunks())
    place = pc.fill_null(place, -1).to_numpy().astype(np.int64)
    suggested = np.append(_codes(doubted["suggested_label"], label_names), -1)[place]
    true = np.where(suggested >= 0, suggested, seen)
    k = len(label_names)
    counts = np.bincount(true * k + seen, minlength=k * k).reshape(k, k).astype(np.float64)
    rate = 1 - np.trace(counts) / max(1.0, counts.sum())
    believed = np.full((k, k), rate / max(1, k - 1))
    np.fill_diagonal(believed, 1 - rate)
    counts += PRIOR_ROWS * believed
    return counts / counts.sum(1, keepdims=True)


def _training(plan: pa.Table) -> pa.Table:
    """The lines with a label that training draws."""
    return plan.filter(pc.and_(pc.equal(plan["split"].cast(pa.string()), "train"), pc.is_valid(plan["label"])))


def _codes(names: pa.ChunkedArray, label_names: Sequence[str]) -> np.ndarray:
    """(n,) int64 places among the classes, -1 for others."""
    found = pc.index_in(names.cast(pa.string()), value_set=pa.array(label_names, pa.string()))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)
