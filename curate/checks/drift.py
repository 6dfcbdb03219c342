"""Splits, and what the deployed model will see, beside the training rows: whether they differ, and in which rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.groups.grouping import rank_ids
from curate.checks.sets.columns import measures_of, note, set_columns
from curate.checks.sets.compared import Comparison, compare
from curate.checks.sets.two_samples import Difference, holm
from curate.evidence.target import beside_target
from curate.findings import Findings
from curate.step import Check
from curate.table import HELD_OUT
from curate.task import Task
from curate.wording import counted, noun, of_all

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

TARGET = "the target"
SHOWN = 10


class Drift(Check):
    """Finds held-out splits, and a target, whose rows differ from the training rows, and names the foreign rows.

    Every measure and column is tested (Kolmogorov-Smirnov, or chi-squared with Cramér's V for categories; corrected for
    the number of tests after Holm), and a classifier tries to tell the other rows from training rows by the embedding,
    rows of equal content or of one group kept in one fold. Only where it can are rows flagged: rows of a split that it
    takes for no training rows (`foreign`), and training rows that it takes for none of the task's target
    (`unlike_target`). The score is the probability that a row could be one of the other side.
    Cost: one sort per measure; a classifier on at most 10,000 rows of a split and as many training rows; of a target at
    most 5,000 rows are read beside as many training rows.
    Source: Lopez-Paz, Oquab, Revisiting classifier two-sample tests, 2017; Rabanser, Günnemann, Lipton, Failing loudly:
    an empirical study of methods for detecting dataset shift, 2019.
    """

    issues: ClassVar[tuple[str, ...]] = ("foreign", "unlike_target")
    unfixable: ClassVar[Mapping[str, str]] = {"foreign": "foreign rows stand in held-out splits, which no fix touches"}
    embeds: ClassVar[bool] = True

    min_effect: float = Field(
        0.15,
        ge=0,
        le=1,
        description="least difference of a measure that counts, as Kolmogorov-Smirnov statistic or Cramér's V",
    )
    significance: float = Field(0.01, gt=0, lt=0.5, description="of the tests, all of them together")
    min_auroc: float = Field(
        0.55,
        ge=0.5,
        lt=1,
        description="rows are unlike training where the interval of the classifier's AUROC lies above this",
    )
    max_likeness: float = Field(
        0.1, gt=0, le=0.5, description="rows with at most this probability of being on the other side are foreign"
    )

    def refuses(self, task: Task) -> str | None:
        """Compares splits, and a target."""
        if task.split is None and task.target is None:
            return "drift compares splits or a target with training rows, and the task names no split and no target"
        if self.fix is not None and task.target is None:
            return "drift flags rows of held-out splits alone, which no fix touches, where the task names no target"
        return None

    def needs(self, task: Task) -> tuple[str, ...]:
        """Cheap measures of every input."""
        return measures_of(task)

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row of a held-out split, and per training row beside a target, that has an embedding."""
        table = evidence.table
        order = np.argsort(rank_ids(table.row_ids), kind="stable")
        active, splits = evidence.active[order], table.splits[order]
        training = order[active & table.training[order]]
        columns = set_columns(evidence)
        compared = {
            name: compare(evidence, columns, training, order[active & (splits == name)])
            for name in HELD_OUT
            if (active & (splits == name)).any()
        }
        rows, target_names = {name: part.rows for name, part in compared.items()}, []
        if table.task.target is not None and len(training):
            compared[TARGET], rows[TARGET], target_names = self._target(evidence, training, compared)
        p = holm(np.array([one.p for part in compared.values() for one in part.differences]))
        keys = [(name, one.column) for name, part in compared.items() for one in part.differences]
        corrected = dict(zip(keys, p.tolist(), strict=True))
        shifted = {
            name: [
                one
                for one in part.differences
                if one.effect >= self.min_effect and corrected[name, one.column] < self.significance
            ]
            for name, part in compared.items()
        }
        facts = self._facts(evidence, compared, shifted, corrected, target_names)
        parts = [self._lines(evidence, name, compared[name], rows[name]) for name in compared]
        found = Findings.join(parts)
        return Findings(found.table, {self.name: facts})

    def _target(
        self, evidence: Evidence, training: np.ndarray, compared: dict[str, Comparison]
    ) -> tuple[Comparison, np.ndarray, list[str]]:
        """The comparison with the target, the rows of the table that its `base` are, and names of the target's rows."""
        name = str(evidence.table.task.target)
        if name in set(evidence.table.splits.tolist()):
            part = compared.get(name)
            if part is None:
                order = np.argsort(rank_ids(evidence.table.row_ids), kind="stable")
                chosen = order[evidence.active[order] & (evidence.table.splits[order] == name)]
                own = training[evidence.table.splits[training] != name]
                part = compare(evidence, set_columns(evidence), own, chosen)
            return part, part.base, [f"row {row}" for row in part.rows]
        both = beside_target(evidence, training)
        active = both.evidence.active
        part = compare(
            both.evidence,
            set_columns(both.evidence),
            both.training[active[both.training]],
            both.target[active[both.target]],
        )
        first = int(both.target[0]) if len(both.target) else 0
        return part, both.rows[part.base], [both.names[int(row) - first] for row in part.rows]

    def _unlike(self, part: Comparison) -> bool:
        return part.told is not None and part.told.low > self.min_auroc

    def _lines(self, evidence: Evidence, name: str, part: Comparison, rows: np.ndarray) -> Findings:
        is_target = name == TARGET
        likeness = np.ones(len(rows))
        if part.told is not None:
            likeness = 1 - (part.apart if is_target else part.probability)
        flagged = (likeness <= self.max_likeness) & self._unlike(part)
        other = "row of the target" if is_target else "training row"
        told = f"training rows can be told from {name}" if is_target else f"rows of {name!r} from training rows"
        auroc = 0.5 if part.told is None else part.told.auroc
        reasons = {
            int(place): f"looks like no {other}: {likeness[place]:.1%} likely to be one, foreign up to"
            f" {self.max_likeness:.0%} ({told} with an AUROC of {auroc:.2f})"
            for place in np.flatnonzero(flagged)
        }
        issue = "unlike_target" if is_target else "foreign"
        score = np.clip(likeness, 0.0, 1.0)
        return Findings.of(self.name, issue, rows, evidence.table.row_ids, score, flagged, reason=reasons)

    def _facts(
        self,
        evidence: Evidence,
        compared: dict[str, Comparison],
        shifted: dict[str, list[Difference]],
        corrected: dict[tuple[str, str], float],
        target_names: list[str],
    ) -> dict[str, Any]:
        splits: dict[str, dict[str, Any]] = {}
        lines: list[dict[str, Any]] = []
        facts: dict[str, Any] = {
            "question": "Are the splits alike, and like the target?",
            "answer": "",
            "splits": splits,
        }
        for name, part in compared.items():
            lines += [self._line(name, one, corrected[name, one.column]) for one in shifted[name]]
            # A column without a role may be what the split was made by; it is told, but does not decide.
            decisive = [one for one in shifted[name] if one.origin != "metadata"]
            foreign = (part.probability >= 1 - self.max_likeness) & self._unlike(part)
            splits[name] = self._split(part, int(foreign.sum()), len(decisive))
            if self._unlike(part) or decisive:
                note(evidence, f"splits alike? {self._sentence(name, part, int(foreign.sum()), decisive)}")
            if name == TARGET:
                if part.told is None:
                    sizes = f"{counted(len(part.rows), 'row')} beside {counted(len(part.base), 'training row')}"
                    note(evidence, f"is the target alike? {sizes} are too few to say")
                facts["target_rows_unlike_training"] = [target_names[place] for place in np.flatnonzero(foreign)][
                    :SHOWN
                ]
        facts["answer"] = self._answer(splits)
        facts["shifted_measures"] = sorted(lines, key=lambda line: (-line["effect"], line["measure"]))[:50]
        return facts

    def _line(self, name: str, one: Difference, p: float) -> dict[str, Any]:
        return {
            "split": name,
            "measure": one.column,
            "statistic": one.statistic,
            "effect": round(one.effect, 4),
            "p": float(f"{p:.2g}"),
            "training": one.usual,
            "here": one.found,
        }

    def _split(self, part: Comparison, foreign: int, shifted: int) -> dict[str, Any]:
        told = part.told
        return {
            "rows": len(part.rows),
            "auroc": None if told is None else round(told.auroc, 3),
            "auroc_low": None if told is None else round(told.low, 3),
            "auroc_high": None if told is None else round(told.high, 3),
            "unlike_training": self._unlike(part),
            "shifted_measures": shifted,
            "foreign_rows": foreign,
        }

    def _sentence(self, name: str, part: Comparison, foreign: int, shifted: list[Difference]) -> str:
        said = []
        if self._unlike(part) and part.told is not None:
            said.append(
                f"its rows can be told from training rows (AUROC {part.told.auroc:.2f}, {part.told.low:.2f} to"
                f" {part.told.high:.2f}), {of_all(foreign, len(part.rows), 'row', 'rows', ('is', 'are'))} foreign"
            )
        if shifted:
            top = max(shifted, key=lambda one: one.effect)
            differ = f"{counted(len(shifted), 'measure')} {noun(len(shifted), 'differs', 'differ')}"
            said.append(
                f"{differ}, most {top.column} ({top.usual} in training, {top.found} here; {top.statistic}"
                f" {top.effect:.2f})"
            )
        subject = "The target" if name == TARGET else f"The split {name!r}"
        return f"{subject} is unlike training: {'; '.join(said)}."

    def _answer(self, splits: dict[str, dict[str, Any]]) -> str:
        if not splits:
            return "There is nothing to compare with the training rows."
        unlike = [name for name, facts in splits.items() if facts["unlike_training"] or facts["shifted_measures"]]
        if unlike:
            return f"No: {', '.join(unlike)} {noun(len(unlike), 'differs', 'differ')} from the training rows."
        if all(facts["auroc"] is None for facts in splits.values()):
            return "Too few rows to say."
        return "Yes: neither the splits nor the target can be told from the training rows."
