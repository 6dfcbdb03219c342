"""Near-duplicate records: rows of a table that are one record written twice, with slips.

In tables of more than `WIDE` columns some of the columns bring rows together, and the most alike pairs alone, some more
than may be matches, are compared in all columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from curate.evidence.pairs._record_blocks import record_pairs
from curate.evidence.pairs._record_fields import WIDE, Field, encode, side_by_side
from curate.evidence.pairs._record_weights import Weights, fit, match_probability, most_pairs, nearest
from curate.evidence.pairs.embedding import content_nodes
from curate.evidence.pairs.method import Method, Pairs, above
from curate.evidence.parts.left import ArrayWriter, shared_writer

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

MIN_PROBABILITY, LEAST_PROBABILITY = 0.5, 0.01


@dataclass(frozen=True)
class Linkage:
    """What was learned of a table's fields, and the pairs that it was learned from.

    Attributes:
        rows: (m,) int64 rows that took part, one for each content, by id.
        columns: names of the columns.
        fields: the columns that tell anything, of all rows of the table.
        left: (p,) int64 rows of candidate pairs.
        right: (p,) int64.
        weights: None where there is nothing to compare.
    """

    rows: np.ndarray
    columns: tuple[str, ...]
    fields: tuple[Field, ...]
    left: np.ndarray
    right: np.ndarray
    weights: Weights | None


_LINKAGES: WeakKeyDictionary[object, Linkage] = WeakKeyDictionary()


def needs(task: Task) -> tuple[str, ...]:
    """No measures: the columns themselves are read."""
    return ()


def threshold(evidence: Evidence) -> float:
    """More likely one record than two."""
    return MIN_PROBABILITY


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs whose probability of being one record is at least `least`."""
    linkage = _linkage(evidence)
    member = np.zeros(len(evidence.table), dtype=bool)
    member[rows] = True
    inside = member[linkage.left] & member[linkage.right]
    left, right = linkage.left[inside], linkage.right[inside]
    return above(Pairs.of(left, right, compare(evidence, left, right)), max(least, LEAST_PROBABILITY))


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 probability that two rows are one record; 0 where the table has nothing to compare."""
    linkage = _linkage(evidence)
    if linkage.weights is None or not len(left):
        return np.zeros(len(left), dtype=np.float32)
    return match_probability(linkage.weights, linkage.fields, left, right).astype(np.float32)


def link(
    table_fields: list[Field], rows: np.ndarray, columns: tuple[str, ...] = (), writer: ArrayWriter | None = None
) -> Linkage:
    """Learn from a table which fields tell its records apart.

    Args:
        table_fields: all columns, of all rows of the table.
        rows: (m,) int64 rows that take part, in an order that does not depend on that of the table.
        columns: their names.
        writer: leaves prints where machines of the engine look through them.
    """
    own = [field.of(rows) for field in table_fields]
    telling = [place for place, field in enumerate(own) if field.tells]
    none = np.zeros(0, dtype=np.int64)
    if len(rows) < 2 or not telling:
        return Linkage(rows, columns, (), none, none, None)
    fields = [own[place] for place in telling]
    left, right = record_pairs(fields, len(rows), writer)
    if len(fields) > WIDE:
        most_alike = nearest(side_by_side(fields), left, right, most_pairs(len(rows), len(fields)))
        left, right = left[most_alike], right[most_alike]
    weights = fit(fields, left, right)
    # Values are counted among the rows that take part, in pairs of whatever rows.
    whole = tuple(table_fields[place].counted_by(own[place]) for place in telling)
    return Linkage(rows, columns, whole, rows[left], rows[right], weights)


def _linkage(evidence: Evidence) -> Linkage:
    """The linkage of a table, learned once."""
    table = evidence.table
    rows = np.unique(content_nodes(evidence))
    rows = rows[rows >= 0]
    rows = rows[np.argsort(table.row_ids[rows], kind="stable")]
    columns = table.task.feature_columns
    known = _LINKAGES.get(table.dataset)
    if known is None or known.columns != columns or not np.array_equal(known.rows, rows):
        with shared_writer(evidence) as writer:
            known = link([encode(table.column(name)) for name in columns], rows, columns, writer)
        _LINKAGES[table.dataset] = known
    return known


METHOD = Method("probability of being one record", 4, needs, threshold, find, compare)
