"""Rows that break a rule over their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from curate.checks.tables.expressions import Rule, WrongRule
from curate.errors import ConfigError, nearest
from curate.findings import Findings
from curate.step import Check
from curate.task import Task
from curate.wording import noun

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SHOWN = 60
"""Characters of a value that a reason shows."""


class Expectations(Check):
    """Finds rows that break a rule such as ``0 <= age <= 120`` or ``start < end or missing(end)``.

    A row is judged by every rule all of whose values it has; the score is 1 where the rule holds and 0 where it does
    not. A rule without a name gives the issue `broken_rule`, a named rule an issue of its name. The grammar is that of
    a condition in Python, with columns as names (``column("two words")`` for others) and the functions abs, length,
    lower, upper, strip, missing, unique, matches (a regular expression, RE2), contains, starts_with and ends_with.
    Nothing is executed: rules are parsed and computed on whole columns. Cost: a pass over the named columns per rule.
    """

    default: ClassVar[bool] = False

    expect: tuple[str, ...] | dict[str, str] = Field(
        default=(),
        description="rules that every row must keep: a list, or a mapping from the name of an issue to its rule",
    )

    @field_validator("expect", mode="before", json_schema_input_type=str | tuple[str, ...] | dict[str, str])
    @classmethod
    def _one_rule(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("expect")
    @classmethod
    def _readable_rules(cls, value: tuple[str, ...] | dict[str, str]) -> tuple[str, ...] | dict[str, str]:
        problems = []
        for text in value.values() if isinstance(value, dict) else value:
            try:
                Rule.parse(text)
            except WrongRule as error:
                problems.append(str(error))
        for name in value if isinstance(value, dict) else ():
            if not name.isidentifier():
                problems.append(f"the name {name!r} of a rule must be a word of letters, digits and _")
        if problems:
            raise ValueError("; ".join(problems))
        return value

    def refuses(self, task: Task) -> str | None:
        """Needs rules."""
        return None if self.expect else 'expectations has no rules: give some, such as expect: ["0 <= age <= 120"]'

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row that the issue's rules can be computed for.

        Raises:
            ConfigError: a rule names no column of the data, or can't be computed on its columns.
        """
        table, rows = evidence.table, np.flatnonzero(evidence.active)
        rules = self._rules()
        columns = _columns(evidence, [rule for part in rules.values() for rule in part], rows)
        parts, facts = [], {}
        for issue, own in rules.items():
            judged, broken = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
            reasons: dict[int, str] = {}
            for rule in own:
                known, bad = _judge(rule, columns)
                facts[rule.text] = {
                    "rows": int(known.sum()),
                    "broken": int(bad.sum()),
                    "not_judged": int((~known).sum()),
                }
                judged, broken = judged | known, broken | bad
                for place in np.flatnonzero(bad):
                    found = _reason(rule, columns, int(place))
                    reasons[int(place)] = f"{reasons[int(place)]}; {found}" if int(place) in reasons else found
            place = np.cumsum(judged) - 1
            parts.append(
                Findings.of(
                    self.name,
                    issue,
                    rows[judged],
                    table.row_ids,
                    np.where(broken, 0.0, 1.0)[judged],
                    broken[judged],
                    reason={int(place[p]): text for p, text in reasons.items()},
                )
            )
        return Findings(Findings.join(parts).table, {self.name: {"rules": facts}})

    def _rules(self) -> dict[str, list[Rule]]:
        if isinstance(self.expect, dict):
            return {name: [Rule.parse(text)] for name, text in self.expect.items()}
        return {"broken_rule": [Rule.parse(text) for text in self.expect]}


def _columns(evidence: Evidence, rules: list[Rule], rows: np.ndarray) -> dict[str, pa.Array]:
    """The named columns of some rows; the label as earlier steps left it. Raises ConfigError for unknown ones."""
    table, there = evidence.table, evidence.table.column_names
    wanted = dict.fromkeys(name for rule in rules for name in rule.columns)
    missing = [f"{name!r}{nearest(name, there)}" for name in wanted if name not in there]
    if missing:
        columns = noun(len(missing), "is no column", "are no columns")
        raise ConfigError(f"expectations: there {columns} {', '.join(missing)}; the data have {', '.join(there)}")
    found = {}
    for name in wanted:
        if name == table.task.label and table.task.kind == "classification":
            names = pa.array(evidence.labels.names, pa.string())
            codes = evidence.labels.codes[rows]
            found[name] = (
                names.take(pa.array(np.maximum(codes, 0), mask=codes < 0)) if len(names) else pa.nulls(len(rows))
            )
        else:
            column = table.column(name).take(pa.array(rows))
            found[name] = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return found


def _judge(rule: Rule, columns: dict[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """(m,) bool whether a rule can be computed for a row, (m,) bool whether the row breaks it."""
    try:
        holds = rule.holds(columns)
    except WrongRule as error:
        raise ConfigError(f"expectations: {error}") from None
    known = holds.is_valid().to_numpy(zero_copy_only=False)
    return known, known & ~holds.fill_null(True).to_numpy(zero_copy_only=False)


def _reason(rule: Rule, columns: dict[str, Any], place: int) -> str:
    values = []
    for name in rule.columns:
        shown = repr(columns[name][place].as_py())
        values.append(f"{name} is {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}")
    return f"{rule.text} does not hold: {', '.join(values)}"
