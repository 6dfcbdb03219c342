"""Labels that the annotators and the model do not bear out, and annotators who stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.evidence.crowd import Crowd
from curate.findings import Findings
from curate.step import Check
from curate.table import Labels
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class Annotators(Check):
    """Weighs the votes of several annotators with the model, and finds labels that lose, and rows that stay open.

    Two issues: `outvoted_label` where another class has at least `min_confidence` (score: the probability of the label;
    the better class is suggested), and `disputed_label` where no class reaches `min_quality` (score: the probability of
    the best class), which is worth one more vote. The facts tell for every annotator the number of votes, the agreement
    with the consensus, and the quality. Cost: the cross-validation behind the probabilities, then one pass over votes.
    Source: Goh, Tkachenko, Mueller, CROWDLAB, 2022 (cleanlab.multiannotator).
    """

    embeds: ClassVar[bool] = True
    issues: ClassVar[tuple[str, ...]] = ("outvoted_label", "disputed_label")
    suggests: ClassVar[tuple[str, ...]] = ("outvoted_label",)

    min_confidence: float = Field(
        0.5, ge=0, le=1, description="probability that another class must have for the label to be outvoted"
    )
    min_quality: float = Field(
        0.5, ge=0, le=1, description="probability of the best class below which a row is disputed; 0 turns it off"
    )

    def refuses(self, task: Task) -> str | None:
        """Needs votes for classes."""
        if not task.annotators:
            return "annotators weighs votes, and the task names no annotators (columns with one label each)"
        if task.kind != "classification":
            return f"annotators weighs votes for classes, and the task is {task.kind or 'undefined'}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row with votes and issue."""
        table, labels, crowd = evidence.table, evidence.labels, evidence.crowd()
        rows = np.flatnonzero(evidence.active & labels.known & (crowd.consensus >= 0))
        best, mass = crowd.consensus[rows], crowd.posterior[rows]
        own = mass[np.arange(len(rows)), labels.codes[rows]]
        outvoted = (best != labels.codes[rows]) & (crowd.quality[rows] >= self.min_confidence)
        disputed = (crowd.quality[rows] < self.min_quality) & ~outvoted
        ballots = _Ballots(evidence, crowd)
        first = Findings.of(
            self.name,
            "outvoted_label",
            rows,
            table.row_ids,
            np.clip(own, 0, 1),
            outvoted,
            suggested_label=[labels.names[k] if on else None for k, on in zip(best, outvoted)],
            reason={int(p): ballots.outvoted(int(rows[p])) for p in np.flatnonzero(outvoted)},
            facts=_facts(evidence, crowd, rows, int(outvoted.sum())),
        )
        second = Findings.of(
            self.name,
            "disputed_label",
            rows,
            table.row_ids,
            np.clip(crowd.quality[rows], 0, 1),
            disputed,
            reason={int(p): ballots.disputed(int(rows[p]), self.min_quality) for p in np.flatnonzero(disputed)},
        )
        return Findings.join([first, second])


class _Ballots:
    """Votes of a row as words."""

    def __init__(self, evidence: Evidence, crowd: Crowd) -> None:
        self.votes: np.ndarray = evidence.table.votes  # type: ignore[assignment]
        self.labels: Labels = evidence.labels
        self.crowd = crowd

    def outvoted(self, row: int) -> str:
        best = int(self.crowd.consensus[row])
        own = float(self.crowd.posterior[row, self.labels.codes[row]])
        return (
            f"votes and model give {self.labels.names[best]!r} {self.crowd.quality[row]:.2f} and the label"
            f" {self.labels.name(row)!r} {own:.2f} ({self._counted(row)})"
        )

    def disputed(self, row: int, least: float) -> str:
        best = self.labels.names[int(self.crowd.consensus[row])]
        return f"the best class {best!r} has {self.crowd.quality[row]:.2f}, below {least:g} ({self._counted(row)})"

    def _counted(self, row: int) -> str:
        given, times = np.unique(self.votes[row][self.votes[row] >= 0], return_counts=True)
        ordered = sorted(zip(given.tolist(), times.tolist()), key=lambda pair: (-pair[1], pair[0]))
        return "votes: " + ", ".join(f"{count} {self.labels.names[code]}" for code, count in ordered)


def _facts(evidence: Evidence, crowd: Crowd, rows: np.ndarray, outvoted: int) -> dict[str, Any]:
    votes: np.ndarray = evidence.table.votes  # type: ignore[assignment]
    given = votes[rows] >= 0
    several = given.sum(1) > 1
    same = (votes[rows] == crowd.consensus[rows][:, None]) | ~given
    annotators = {
        name: {
            "votes": int(given[:, place].sum()),
            "quality": _rounded(crowd.annotator_quality[place]),
            "agreement": _rounded(crowd.annotator_agreement[place]),
        }
        for place, name in enumerate(evidence.table.task.annotators)
    }
    return {
        "rows": len(rows),
        "outvoted": outvoted,
        "votes_per_row": _rounded(given.sum(1).mean()) if len(rows) else None,
        "unanimous_share": _rounded(same[several].all(1).mean()) if several.any() else None,
        "annotators": annotators,
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
