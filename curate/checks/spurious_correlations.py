"""Measures that give the label away: shortcuts that a model may learn instead of the content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.groups.grouping import rank_ids
from curate.checks.sets.columns import Column, measures_of, note, set_columns
from curate.checks.sets.shortcuts import Shortcut, shortcuts
from curate.findings import Findings
from curate.step import Check
from curate.task import MEDIA, Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


@dataclass(frozen=True)
class _Found:
    column: Column
    shortcut: Shortcut


class SpuriousCorrelations(Check):
    """Finds measures that alone tell a class from the others, such as a class whose images are all dark.

    For each measure a table of ten bins, learned on four fifths of the training rows, predicts the classes of the rest;
    what counts is the AUROC of each class against the others. Rows of a class are flagged where the interval of that
    AUROC lies above `min_auroc` for a measure of how an image, recording or video was made; measures of texts, of
    series and other columns may be the content itself and are told among the facts alone. The score is 1 where no
    measure tells the row's class better than chance, and 0 where one tells it without fail.
    Cost: one sort per measure, and its bins times classes.
    Source: Geirhos and others, Shortcut learning in deep neural networks, 2020.
    """

    issues: ClassVar[tuple[str, ...]] = ("shortcut",)

    min_auroc: float = Field(
        0.9, ge=0.5, lt=1, description="a measure gives a class away where the interval of its AUROC lies above this"
    )
    min_rows: int = Field(10, ge=2, description="training rows that a class must have to be judged")

    def refuses(self, task: Task) -> str | None:
        """Speaks of classes."""
        if task.kind != "classification":
            return f"spurious_correlations asks what predicts a class, and the task is {task.kind or 'undefined'}"
        return None

    def needs(self, task: Task) -> tuple[str, ...]:
        """Cheap measures of every input."""
        return measures_of(task)

    def find(self, evidence: Evidence) -> Findings:
        """One line per active training row that has a label."""
        table, labels = evidence.table, evidence.labels
        rank = rank_ids(table.row_ids)
        rows = np.flatnonzero(evidence.active & table.training & labels.known)
        order = rows[np.argsort(rank[rows], kind="stable")]
        counts = np.bincount(labels.codes[rows], minlength=len(labels.names))
        judged = np.flatnonzero(counts >= self.min_rows)
        found: list[_Found] = []
        if len(judged) >= 2:
            groups = evidence.duplicate_groups()[order]
            unit = np.where(groups >= 0, groups, -1 - order)
            for column in set_columns(evidence, features=False):
                for one in shortcuts(column, order, labels.codes[order], judged, unit):
                    found.append(_Found(column, one))
        return self._findings(evidence, rows, found, len(judged))

    def _findings(self, evidence: Evidence, rows: np.ndarray, found: list[_Found], judged: int) -> Findings:
        names, codes = evidence.labels.names, evidence.labels.codes
        best = np.full(max(1, len(names)), 0.5)
        sentence: dict[int, str] = {}
        for one in sorted(found, key=lambda f: f.shortcut.auroc):
            code = one.shortcut.code
            best[code] = max(best[code], one.shortcut.auroc)
            if one.shortcut.low > self.min_auroc and self._of_making(one.column):
                sentence[code] = self._sentence(names, one)
        flagged = np.isin(codes[rows], list(sentence))
        reasons = {int(place): sentence[int(codes[rows[place]])] for place in np.flatnonzero(flagged)}
        strong = sorted(
            (one for one in found if one.shortcut.low > self.min_auroc),
            key=lambda f: (-f.shortcut.auroc, f.column.name),
        )
        answer = "No measure alone gives a class away." if judged >= 2 else "Too few classes or rows to say."
        told = [one for one in strong if one.column.origin == "measure"]  # a column may be another form of the label
        if told:
            answer = self._answer(names, told)
            note(evidence, f"shortcuts? {answer}")
        facts: dict[str, Any] = {
            "question": "Does a measure alone predict the label?",
            "answer": answer,
            "shortcuts": [self._line(names, one) for one in strong[:50]],
            "strongest": [] if strong else [self._line(names, one) for one in self._strongest(found)],
        }
        score = np.clip(2.0 - 2.0 * best[codes[rows]], 0.0, 1.0) if len(rows) else np.empty(0)
        return Findings.of(
            self.name, "shortcut", rows, evidence.table.row_ids, score, flagged, reason=reasons, facts=facts
        )

    def _answer(self, names: tuple[str, ...], told: list[_Found]) -> str:
        """What the measures say, the strongest first; those of how a file was made before those of its content."""
        made = [one for one in told if self._of_making(one.column)]
        classes = len({one.shortcut.code for one in made or told})
        more = f"; {classes} classes are given away in such a way" if classes > 1 and len(names) > 2 else ""
        if made:
            return f"Yes: {self._sentence(names, made[0])}{more}."
        return (
            f"Perhaps: {self._sentence(names, told[0])}{more}. It may be what the class is about, so no row is flagged."
        )

    @staticmethod
    def _of_making(column: Column) -> bool:
        return column.origin == "measure" and column.name.partition(".")[0] in MEDIA

    @staticmethod
    def _strongest(found: list[_Found]) -> list[_Found]:
        return sorted(found, key=lambda f: (-f.shortcut.auroc, f.column.name, f.shortcut.code))[:3]

    def _sentence(self, names: tuple[str, ...], one: _Found) -> str:
        shortcut = one.shortcut
        return (
            f"{one.column.name} alone tells the class {names[shortcut.code]!r} from the others: AUROC"
            f" {shortcut.auroc:.2f} ({shortcut.low:.2f} to {shortcut.high:.2f}; noted from {self.min_auroc:.2f}),"
            f" {one.column.told(shortcut.inside)} in it and {one.column.told(shortcut.outside)} in the others"
        )

    @staticmethod
    def _line(names: tuple[str, ...], one: _Found) -> dict[str, Any]:
        shortcut = one.shortcut
        return {
            "measure": one.column.name,
            "class": names[shortcut.code],
            "auroc": round(shortcut.auroc, 3),
            "low": round(shortcut.low, 3),
            "high": round(shortcut.high, 3),
            "in_class": one.column.told(shortcut.inside),
            "elsewhere": one.column.told(shortcut.outside),
        }
