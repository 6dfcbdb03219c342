"""Whether the order of the rows in their file tells something of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow.compute as pc
import pyarrow.types as pt
from pydantic import Field

from curate.checks.series.points import point_series
from curate.checks.sets.columns import Column, measures_of, note, set_columns
from curate.checks.sets.ranks import average_ranks
from curate.checks.sets.two_samples import holm
from curate.findings import Findings
from curate.step import Check
from curate.task import MEDIA, Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FEWEST = 100


class OrderDependence(Check):
    """Finds files whose order predicts the label or a measure: sorted by class, or drifting from top to bottom.

    Neighbouring rows are held against what shuffled rows would give: how often they have the same label, and how much
    their measures correlate (rank von Neumann ratio). It matters where rows are read without shuffling, where a split
    is cut by position, and where the order is that of time. Columns that number the rows are passed over. No row is
    flagged, as none is wrong; what was found is told among the facts and in the notes. Rows that are files of their own
    have no order. The score is 1 minus the strength of the strongest dependence that is not chance, the same for all
    rows of the file.
    Cost: one sort per measure.
    Source: Bartels, The rank version of von Neumann's ratio test for randomness, 1982.
    """

    issues: ClassVar[tuple[str, ...]] = ("ordered",)
    unfixable: ClassVar[Mapping[str, str]] = {"ordered": "order_dependence flags none"}

    min_strength: float = Field(
        0.2, ge=0, le=1, description="least dependence that is told; 0 is a shuffled file, 1 a sorted one"
    )
    significance: float = Field(0.001, gt=0, lt=0.5, description="of the tests, all of them together")

    def needs(self, task: Task) -> tuple[str, ...]:
        """Cheap measures of every input."""
        return measures_of(task)

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row of a file with an order."""
        rows = np.flatnonzero(evidence.active & _has_order(evidence))
        training = rows[evidence.table.training[rows]]
        tested: list[dict[str, Any]] = []
        if len(training) >= FEWEST:
            tested = self._tests(evidence, training)
        for line, p in zip(tested, holm(np.array([line["p"] for line in tested])), strict=True):
            line["p"] = float(f"{p:.2g}")
        ordered = [t for t in tested if t["p"] < self.significance and t["strength"] >= self.min_strength]
        ordered.sort(key=lambda line: (-line["strength"], line["column"]))
        in_time = bool(ordered) and bool(point_series(evidence.table, evidence.active))
        answer = self._answer(len(rows), len(training), ordered, in_time)
        if ordered and not in_time:
            note(evidence, f"ordered? {answer}")
        strongest = max((line["strength"] for line in ordered), default=0.0)
        facts = {
            "question": "Does the order of the rows tell something?",
            "answer": answer,
            "ordered_by": [line | {"strength": round(line["strength"], 3)} for line in ordered[:20]],
        }
        score, nothing = np.full(len(rows), 1.0 - strongest), np.zeros(len(rows), dtype=bool)
        return Findings.of(self.name, "ordered", rows, evidence.table.row_ids, score, nothing, facts=facts)

    def _tests(self, evidence: Evidence, rows: np.ndarray) -> list[dict[str, Any]]:
        labels, tested = evidence.labels, []
        if labels.names and labels.sets is None:
            known = rows[labels.known[rows]]
            if (one := equal_neighbours(labels.codes[known])) is not None:
                tested.append({"column": "the label"} | one)
        elif labels.values is not None:
            tested += _column_test(Column("the label", labels.values, (), "label"), rows)
        for column in set_columns(evidence):
            if not _numbers_the_rows(evidence, column, rows):
                tested += _column_test(column, rows)
        return tested

    def _answer(self, rows: int, training: int, ordered: list[dict[str, Any]], in_time: bool) -> str:
        if not rows:
            return "No row that can be read stands in a file with others, so there is no order."
        if training < FEWEST:
            return f"Fewer than {FEWEST} training rows in order are too few to say."
        if not ordered:
            return "No: the order of the rows tells neither the label nor a measure."
        told = ", ".join(f"{line['column']} ({line['strength']:.2f})" for line in ordered[:3])
        if in_time:
            return (
                f"Yes, as points of a time series should be: neighbouring rows are alike in {told}. Keep the order, and"
                " split by time."
            )
        return (
            f"Yes: neighbouring rows are alike in {told}, where shuffled rows would give 0 and sorted ones 1. Shuffle"
            " before training, and do not split by position."
        )


def _has_order(evidence: Evidence) -> np.ndarray:
    """(n,) bool: rows that stand in memory, or share their file with others."""
    origin = evidence.table.origin
    if origin is None:
        table = evidence.table
        media = [getattr(table.task, role) for role in MEDIA if table.root is not None]
        files = [pc.is_null(pc.struct_field(table.column(name), "bytes")).to_numpy() for name in media if name]
        return ~np.logical_or.reduce([np.zeros(len(table), dtype=bool), *files])
    files = origin["file"].combine_chunks()
    codes = files.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=1)
    return (codes >= 0) & (counts[np.maximum(codes, 0)] > 1)


def _numbers_the_rows(evidence: Evidence, column: Column, rows: np.ndarray) -> bool:
    """Whether a column that plays no role has whole numbers that ascend from row to row: it is the order itself."""
    if column.origin != "metadata" or not pt.is_integer(evidence.table.column(column.name).type):
        return False
    return bool((np.diff(column.values[rows]) > 0).all())


def _column_test(column: Column, rows: np.ndarray) -> list[dict[str, Any]]:
    values = column.values[rows]
    values = values[np.isfinite(values)]
    found = equal_neighbours(values.astype(np.int64)) if column.categories else like_neighbours(values)
    return [] if found is None else [{"column": column.name} | found]


def equal_neighbours(codes: np.ndarray) -> dict[str, float] | None:
    """How much more often neighbours are equal than in a shuffled sequence; None for fewer than 100 or one class.

    Args:
        codes: (n,) int64.

    Returns:
        strength: 0 for shuffled, 1 for sorted; p: of no dependence, by the exact mean and variance of the number of
        equal neighbours.
    """
    from scipy.special import ndtr

    n = len(codes)
    counts = np.unique(codes, return_counts=True)[1].astype(np.float64)
    if n < FEWEST or len(counts) < 2:
        return None
    equal = float((codes[1:] == codes[:-1]).sum())
    pairs, triples = (counts * (counts - 1)).sum(), (counts * (counts - 1) * (counts - 2)).sum()
    p_one = pairs / (n * (n - 1))
    p_next = triples / (n * (n - 1) * (n - 2))
    p_apart = (pairs**2 - 4 * triples - 2 * pairs) / (n * (n - 1) * (n - 2) * (n - 3))
    mean = (n - 1) * p_one
    variance = mean * (1 - mean) + 2 * (n - 2) * p_next + (n - 2) * (n - 3) * p_apart
    most = n - len(counts)  # of a sorted sequence
    strength = max(0.0, (equal - mean) / max(most - mean, 1e-9))
    return {"strength": float(strength), "p": float(ndtr((mean - equal) / max(np.sqrt(max(variance, 0)), 1e-9)))}


def like_neighbours(values: np.ndarray) -> dict[str, float] | None:
    """How much neighbours correlate by rank; None for fewer than 100 values or a constant.

    Args:
        values: (n,) float64, finite.

    Returns:
        strength: rank correlation of neighbours, 0 for shuffled, 1 for sorted; p: of no correlation.
    """
    from scipy.special import ndtr

    n = len(values)
    if n < FEWEST or values.min() == values.max():
        return None
    ranks = average_ranks(values)
    spread = float(((ranks - ranks.mean()) ** 2).sum())
    ratio = float((np.diff(ranks) ** 2).sum()) / spread  # 2 without dependence
    deviation = np.sqrt(4 * (n - 2) * (5 * n * n - 2 * n - 9) / (5 * n * (n + 1) * (n - 1) ** 2))
    return {"strength": max(0.0, 1 - ratio / 2), "p": float(ndtr((ratio - 2) / deviation))}
