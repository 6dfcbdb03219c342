"""Columns that as a whole are of no use, or too good: constant, ids, copies, empty, giving the label away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from xxhash import xxh3_128_digest

from curate.checks.judging.blameless import BlamelessCheck
from curate.checks.series.points import read_times, time_column
from curate.checks.tables.columns import Column
from curate.checks.tables.judged import ColumnsCheck
from curate.checks.tables.leaks import foretells
from curate.evidence.order import canonical_order
from curate.findings import Findings
from curate.table import Table

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

ISSUES = ("constant_column", "id_column", "repeated_column", "missing_column", "target_leak")
LEAST_ROWS = 20


class ColumnQuality(ColumnsCheck, BlamelessCheck):
    """Finds columns that are wrong as a whole; what is wrong with single cells is found by table_quality.

    constant_column: one value in all rows. id_column: a name, key or number that differs in every row (a column of
    dates or times is none). repeated_column: the same as another column. missing_column: mostly missing. target_leak: a
    column that alone foretells the label.

    A finding speaks of a column and not of a row: for each such column one row stands as its place, with a reason that
    names the column, so that it is shown and counted once; the fact `columns` lists them. Its score is 0.5 at the
    threshold and less beyond; other rows have 1. Cost: one count per column.
    Source for leaks: leakage in data mining (Kaufman and others, 2012).
    """

    modalities = ("features",)
    issues: ClassVar[tuple[str, ...]] = ISSUES
    no_other_fix: ClassVar[str] = (
        "a column is wrong and no row, so {fix} would hit a row that is only its place: use review"
    )

    max_constant_share: float = Field(
        1.0,
        ge=0,
        le=1,
        description="constant_column: share of known cells with one value, from which on; 0: off",
    )
    max_distinct_share: float = Field(
        1.0, ge=0, le=1, description="id_column: distinct values over known cells from which it is flagged; 0: off"
    )
    repeated: bool = Field(True, description="repeated_column: whether columns are compared with each other")
    max_missing_share: float = Field(
        0.9, ge=0, le=1, description="missing_column: share of missing cells from which it is flagged; 0: off"
    )
    max_foretold: float = Field(
        0.98,
        ge=0,
        le=1,
        description="target_leak: share of what is left to guess of the label that a column explains, from which it is"
        " flagged; 0: off",
    )

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue that is turned on and active row; as many rows are flagged as columns."""
        table = evidence.table
        rows, usual, found = self.judged(evidence)
        wrong: dict[str, list[tuple[str, float, str]]] = {issue: [] for issue in self._on()}
        times = _times(table)
        if len(rows) >= 2:
            for column in found:
                self._alone(column, int(usual.sum()), wrong, column.name == times)
            self._copies(found, wrong)
            if self.max_foretold:
                self._leaks(found, evidence, rows, usual, wrong)
        order = canonical_order(table.row_ids[rows])
        parts = [self._lines(issue, many, rows, order, table.row_ids) for issue, many in wrong.items()]
        facts = {
            "columns_judged": len(found),
            "columns": [
                {"column": name, "issue": issue, "why": why} for issue, many in wrong.items() for name, _, why in many
            ],
        }
        return Findings(Findings.join(parts).table, {self.name: facts})

    def _on(self) -> list[str]:
        settings = (
            self.max_constant_share,
            self.max_distinct_share,
            self.repeated,
            self.max_missing_share,
            self.max_foretold,
        )
        return [issue for issue, value in zip(ISSUES, settings) if value]

    def _lines(
        self, issue: str, many: list[tuple[str, float, str]], rows: np.ndarray, order: np.ndarray, row_ids: np.ndarray
    ) -> Findings:
        """Each column takes the next row, in an order that hangs on ids alone; more columns than rows share them."""
        score, reasons = np.ones(len(rows)), {}
        for k, (name, value, why) in enumerate(many):
            place = int(order[k % len(order)])
            sentence = f"column {name!r}: {why}; this row stands for the column"
            reasons[place] = f"{reasons[place]}; {sentence}" if place in reasons else sentence
            score[place] = min(score[place], value)
        return Findings.of(self.name, issue, rows, row_ids, score, score < 0.5, reason=reasons)

    def _alone(self, column: Column, rows: int, wrong: dict[str, list], is_time: bool) -> None:
        known, counts = column.known, column.counts
        missing = 1 - known / max(rows, 1)
        if "missing_column" in wrong and rows >= LEAST_ROWS and missing >= self.max_missing_share:
            why = f"{missing:.1%} of its cells are missing (threshold {self.max_missing_share:.0%})"
            wrong["missing_column"].append((column.name, 0.45 * (1 - missing), why))
        if not known:
            return
        most = int(counts.max())
        if "constant_column" in wrong and most >= self.max_constant_share * known and known >= 2:
            value = column.value(int(counts.argmax()))[:60]
            why = f"{value!r} in {most / known:.1%} of its known cells (threshold {self.max_constant_share:.0%})"
            wrong["constant_column"].append((column.name, 0.45 * (1 - most / known), why))
        distinct = int((counts > 0).sum())
        names = not is_time and (column.whole or (column.is_text and (column.numbers is None or _whole(column))))
        differs = known >= LEAST_ROWS and names and distinct >= self.max_distinct_share * known
        if "id_column" in wrong and differs and not _are_times(column):
            why = f"{distinct:,} different values in {known:,} known cells (threshold {self.max_distinct_share:.0%})"
            wrong["id_column"].append((column.name, 0.2, why))

    def _copies(self, found: list[Column], wrong: dict[str, list]) -> None:
        if "repeated_column" not in wrong:
            return
        first: dict[tuple[bytes, bytes], str] = {}
        for column in found:
            if (column.counts > 0).sum() < 2:
                continue
            values = column.values.to_pylist() if len(column.values) <= 1000 else [str(len(column.values))]
            key = xxh3_128_digest(column.codes.tobytes()), xxh3_128_digest(json.dumps(values).encode())
            if key in first:
                wrong["repeated_column"].append((column.name, 0.1, f"holds the same as the column {first[key]!r}"))
            first.setdefault(key, column.name)

    def _leaks(
        self, found: list[Column], evidence: Evidence, rows: np.ndarray, usual: np.ndarray, wrong: dict[str, list]
    ) -> None:
        labels = evidence.labels
        if labels.sets is not None or not labels.known[rows].any():
            return
        values = None if labels.values is None else labels.values[rows]
        for column in found:
            share = foretells(column, labels.codes[rows], values, usual)
            if share is not None and share >= self.max_foretold:
                why = (
                    f"alone foretells {share:.1%} of what is left to guess of the label"
                    f" (threshold {self.max_foretold:.0%})"
                )
                score = 0.5 * (1 - share) / max(1 - self.max_foretold, 1e-9)
                wrong["target_leak"].append((column.name, float(min(max(score, 0.0), 0.49)), why))


def _whole(column: Column) -> bool:
    """Whether a column of text holds whole numbers: too large for a type of number, or with zeros before them."""
    return pc.all(pc.match_substring_regex(column.values, r"^\s*[+-]?[0-9]+\s*$")).as_py() is True


def _are_times(column: Column) -> bool:
    """Whether a column of text holds dates or times, which may all differ and name nothing."""
    if not column.is_text or column.numbers is not None:
        return False
    return read_times(pa.chunked_array([column.values]))[0] is not None


def _times(table: Table) -> str | None:
    """The column of times by its usual names, if it can be read as such: points of a series differ in their times."""
    name = time_column(table.task, None)
    return None if name is None or read_times(table.column(name))[0] is None else name
