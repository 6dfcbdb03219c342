"""Training rows and another set of rows, compared column by column and by their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curate.checks.sets.columns import Column
from curate.checks.sets.domain_classifier import Told, tell_apart
from curate.checks.sets.two_samples import Difference, cramers_v, difference
from curate.evidence.folds import units

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

MOST_ROWS = 10_000
"""Rows of either side that the classifier sees; more would only narrow the interval."""


@dataclass(frozen=True)
class Comparison:
    """What was found out about a set of rows beside the training rows.

    Attributes:
        base: (b,) positions of the training rows that the classifier judged.
        rows: (m,) positions of the others that it judged.
        told: how well they can be told apart, None where there are too few.
        probability: (m,) that one of `rows` is none of the training rows.
        apart: (b,) that one of `base` is none of the others.
        differences: of the columns, and of the labels.
    """

    base: np.ndarray
    rows: np.ndarray
    told: Told | None
    probability: np.ndarray
    apart: np.ndarray
    differences: list[Difference]


def compare(evidence: Evidence, columns: list[Column], training: np.ndarray, sample: np.ndarray) -> Comparison:
    """Compare `sample` with `training` (positions, both in an order that does not hang on the table's)."""
    valid = evidence.embedding().valid
    rows, base = sample[valid[sample]], _spread(training[valid[training]])
    judged = _spread(rows)
    both = np.concatenate([base, judged])
    is_sample = np.arange(len(both)) >= len(base)
    groups = None if evidence.table.groups is None else evidence.table.groups[both]
    unit = units(evidence.duplicate_groups()[both], groups)
    told = tell_apart(evidence.embedding().vectors[both], is_sample, unit)
    found = [one for column in columns if (one := difference(column, training, sample)) is not None]
    label = _labels(evidence, training, sample)
    return Comparison(
        base,
        judged,
        told,
        np.full(len(judged), 0.5) if told is None else told.probability[is_sample],
        np.full(len(base), 0.5) if told is None else told.opposite[~is_sample],
        found + ([] if label is None else [label]),
    )


def _spread(rows: np.ndarray) -> np.ndarray:
    if len(rows) <= MOST_ROWS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]


def _labels(evidence: Evidence, training: np.ndarray, sample: np.ndarray) -> Difference | None:
    labels = evidence.labels
    a, b = (rows[labels.known[rows]] for rows in (training, sample))
    if min(len(a), len(b)) < 5:
        return None
    if labels.values is not None:
        return difference(Column("the label", labels.values, (), "label"), a, b)
    if labels.sets is not None or not labels.names:
        return None
    first, second = labels.codes[a], labels.codes[b]
    effect, p = cramers_v(first, second, len(labels.names))
    usual, found = (repr(labels.names[int(np.bincount(codes).argmax())]) for codes in (first, second))
    return Difference("the label", "V", effect, p, usual, found)
