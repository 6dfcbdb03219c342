"""Cells of a table that look wrong: misspelt, rare, of another type or form, out of range, or against a dependency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.tables.cells import Cell, listed, sentence
from curate.checks.tables.columns import Column
from curate.checks.tables.dependencies import LEAST_MAJORITY, dependencies, violations
from curate.checks.tables.forms import as_number, odd_forms
from curate.checks.tables.judged import ColumnsCheck
from curate.checks.tables.ranges import out_of_range
from curate.checks.tables.spelling import misspelt
from curate.evidence.order import canonical_order
from curate.findings import Findings
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

ISSUES = ("misspelt_value", "rare_category", "mixed_types", "odd_format", "out_of_range", "broken_dependency")


class TableQuality(ColumnsCheck):
    """Finds cells of a table that look wrong, and what they should hold where the data say so.

    misspelt_value: a rare value near a common one (typos, case, blanks). rare_category: a value that hardly comes in a
    column of few values. mixed_types: text among numbers. odd_format: another form than nearly all (12345 among dates).
    out_of_range: a number beyond where its column's tails may reach. broken_dependency: a cell that differs from what
    other columns determine (zip -> city), by vote of these columns. Missing cells are the findings of `missing_values`.

    A row's score is that of its worst cell: 0.5 at the threshold, less beyond. The fact `cells` lists every cell with
    its row_id, column, value, suggestion and issue. Cost: distinct values, not cells, are compared; dependencies are
    looked for in 20,000 rows; 1,000 rows of 17 columns take 0.2 s, a million of 50 about two minutes.
    Source: approximate dependencies after TANE (Huhtala and others, 1999); tails after Pickands (1975).
    """

    modalities = ("features",)
    issues: ClassVar[tuple[str, ...]] = ISSUES

    max_typo_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="misspelt_value: rows of the misspelling over those of the right value; 0 turns it off",
    )
    max_rare_share: float = Field(
        0.002, ge=0, le=1, description="rare_category: share of the rows that a rare value has at most; 0 turns it off"
    )
    max_mixed_share: float = Field(
        0.1, ge=0, le=1, description="mixed_types: share of cells that are text in a column of numbers; 0 turns it off"
    )
    max_odd_share: float = Field(
        0.05, ge=0, le=1, description="odd_format: share of the cells that odd forms have at most; 0 turns it off"
    )
    out_of_range_expected: float = Field(
        0.001,
        ge=0,
        lt=10,
        description="out_of_range: cells of a sound column expected beyond the range; 0 turns it off",
    )
    max_exceptions: float = Field(
        0.06,
        ge=0,
        le=0.5,
        description="broken_dependency: share of the rows that may break a dependency; 0 turns it off",
    )

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue that is turned on and active row."""
        table = evidence.table
        rows, usual, found = self.judged(evidence)
        cells, facts = self._dependencies(found, table.row_ids[rows], usual)
        for column in found:
            cells += self._column(column)
        cells = _agreed(cells)
        parts, counts = [], {}
        for issue in self._on():
            flagged: dict[int, list[Cell]] = {}
            for cell in cells:
                if cell.issue == issue:
                    flagged.setdefault(cell.place, []).append(cell)
            score, marked = np.ones(len(rows)), np.zeros(len(rows), dtype=bool)
            for place, many in flagged.items():
                score[place], marked[place] = min(cell.score for cell in many), True
            reasons = {place: sentence(many) for place, many in flagged.items()}
            parts.append(Findings.of(self.name, issue, rows, table.row_ids, score, marked, reason=reasons))
            counts[issue] = len(flagged)
        facts = {"rows": len(rows), **counts, **facts, **listed(cells, table.row_ids[rows])}
        return Findings(Findings.join(parts).table, {self.name: facts})

    def _on(self) -> list[str]:
        settings = (
            self.max_typo_share, self.max_rare_share, self.max_mixed_share, self.max_odd_share,
            self.out_of_range_expected, self.max_exceptions,
        )  # fmt: skip
        return [issue for issue, value in zip(ISSUES, settings) if value]

    def _dependencies(
        self, found: list[Column], row_ids: np.ndarray, usual: np.ndarray
    ) -> tuple[list[Cell], dict[str, Any]]:
        if not self.max_exceptions:
            return [], {}
        order = canonical_order(row_ids)
        known = dependencies(found, order[usual[order]], self.max_exceptions)
        cells = []
        for one in violations(found, known, usual):
            column, by = found[one.column], found[one.determinant]
            share = one.agree / max(one.group, 1)
            others = f"{counted(one.votes, 'column')} {noun(one.votes, 'says', 'say')} so"
            why = (
                f"as {one.agree} of {one.group} rows with {by.name!r} {by.value(by.codes[one.place])[:40]!r} have it"
                f" ({share:.0%}, threshold {LEAST_MAJORITY:.0%}; {others})"
            )
            held, wanted = column.value(column.codes[one.place]), column.value(one.expected)
            score = 0.5 * (1 - share) / (1 - LEAST_MAJORITY) * 0.9 / one.votes + 0.02
            cells.append(Cell(one.place, column.name, "broken_dependency", held, wanted, min(score, 0.49), why))
        facts = [
            {
                "determinant": found[d.determinant].name,
                "dependent": found[d.dependent].name,
                "exceptions_share": round(d.exceptions, 4),
            }
            for d in known
        ]
        return cells, {"dependencies": facts[:200]} if facts else {}

    def _column(self, column: Column) -> list[Cell]:
        cells: dict[int, tuple[str, str | None, float, str]] = {}
        if column.is_text:
            if self.max_odd_share:
                for code, odd in odd_forms(column, self.max_odd_share).items():
                    why = (
                        f"of the form {odd.form[:40]!r}, where {odd.share:.1%} of the cells have forms such as"
                        f" {odd.usual[:40]!r} (threshold {1 - self.max_odd_share:.0%})"
                    )
                    cells[code] = ("odd_format", None, 0.2, why)
            if self.max_typo_share and column.numbers is None:
                for code, slip in misspelt(column, self.max_typo_share).items():
                    why = (
                        f"differs by {slip.difference} and has {counted(slip.rows, 'row')} to {slip.right_rows:,}"
                        f" (threshold {self.max_typo_share:.0%})"
                    )
                    score = 0.05 + 0.4 * slip.rows / max(slip.right_rows, 1)
                    cells[code] = ("misspelt_value", slip.right, min(score, 0.45), why)
            if self.max_rare_share and column.numbers is None:
                cells |= {k: v for k, v in self._rare(column).items() if k not in cells}
        out = _at(column, cells)
        if column.is_text and column.numbers is not None and self.max_mixed_share:
            out += self._mixed(column)
        seen = {cell.place for cell in out}
        beyond = self._beyond(column) if self.out_of_range_expected else []
        return out + [cell for cell in beyond if cell.place not in seen]

    def _rare(self, column: Column) -> dict[int, tuple[str, str | None, float, str]]:
        """Values that hardly come, in a column in which every other value comes often."""
        n = column.known
        most = max(1.0, self.max_rare_share * n)
        rare = (column.totals > 0) & (column.totals <= most)
        often = column.counts >= max(20 * self.max_rare_share * n, 10)
        if not often.any() or rare.sum() > often.sum() or column.counts[often | rare].sum() < n:
            return {}
        if n < 100 or column.totals[rare].sum() > 2.5 * most:
            return {}
        least = int(column.counts[often].min())
        return {
            int(k): (
                "rare_category", None, 0.4 + 0.09 * float(column.totals[k]) / most,
                f"in {column.totals[k]} of {n:,} rows, where every other value has {least:,} or more"
                f" (threshold {self.max_rare_share:.2%})",
            )
            for k in np.flatnonzero(rare)
        }  # fmt: skip

    def _mixed(self, column: Column) -> list[Cell]:
        numbers = column.numbers
        assert numbers is not None
        there = column.codes >= 0
        text = there & ~np.isfinite(numbers)
        share = float(text[column.usual].sum() / max(there[column.usual].sum(), 1))
        if share > self.max_mixed_share:
            return []
        why = f"text in a column of numbers, as {share:.2%} of its cells (threshold {self.max_mixed_share:.0%})"
        out = []
        for place in np.flatnonzero(text).tolist():
            value = column.value(column.codes[place])
            out.append(Cell(place, column.name, "mixed_types", value, as_number(value), 0.2, why))
        return out

    def _beyond(self, column: Column) -> list[Cell]:
        places, span = out_of_range(column, self.out_of_range_expected)
        if span is None or column.numbers is None:
            return []
        out = []
        for place in places.tolist():
            value = float(column.numbers[place])
            bound = span.high if value > span.high else span.low
            score = 0.5 * abs(bound - span.median) / max(abs(value - span.median), 1e-300)
            why = f"outside the plausible range from {span.low:.4g} to {span.high:.4g} (median {span.median:.4g})"
            out.append(Cell(place, column.name, "out_of_range", f"{value:.6g}", None, min(score, 0.49), why))
        return out


def _at(column: Column, codes: dict[int, tuple[str, str | None, float, str]]) -> list[Cell]:
    """The cells that hold one of these values."""
    if not codes:
        return []
    chosen = np.zeros(len(column.values), dtype=bool)
    chosen[list(codes)] = True
    out = []
    for place in np.flatnonzero((column.codes >= 0) & chosen[column.codes]).tolist():
        code = int(column.codes[place])
        issue, right, score, why = codes[code]
        out.append(Cell(place, column.name, issue, column.value(code), right, score, why))
    return out


def _agreed(cells: list[Cell]) -> list[Cell]:
    """One finding per cell and issue; a cell that breaks a dependency is expected to hold what the dependency says."""
    wanted = {(c.place, c.column): c.suggestion for c in cells if c.issue == "broken_dependency"}
    return [
        cell._replace(suggestion=wanted[cell.place, cell.column]) if (cell.place, cell.column) in wanted else cell
        for cell in cells
    ]
