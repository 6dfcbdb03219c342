"""The step that gives unlabelled rows the labels that a model is sure of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.balance._by_method import ByMethod
from curate.balance._rows import needs_classes, note, shuffled
from curate.balance.labelling.thresholds import (
    Judged,
    Thresholds,
    calibrated,
    error_of_rows,
    flexible,
    judged_at,
)
from curate.evidence.confident import predicted
from curate.ledger import Decisions, sparse

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class PseudoLabel(ByMethod):
    """Gives unlabelled rows the label that an out-of-sample model is sure of, with its soft label and a weight.

    `calibrated` promises: of the accepted labels at most `max_error` are wrong (90 % confidence, if the unlabelled rows
    are like the labelled ones). What an accepted label is worth is measured on labelled rows by models that did not see
    them, against the labels as given: where those are wrong themselves, it errs on the careful side. Rows of which the
    model is not sure stay as they are: rows without a label are drawn and count for nothing in the loss.
    Cost: the cross-validation, if no earlier step has done it. Source: the thresholds are Clopper and Pearson 1934 and
    Angelopoulos et al. 2021, "Learn then Test"; flexible ones Zhang et al. 2021, "FlexMatch".
    """

    embeds: ClassVar[bool] = True
    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {
        "max_error": ("calibrated",),
        "min_confidence": ("flexible", "fixed"),
    }

    method: Literal["calibrated", "flexible", "fixed"] = Field(
        "calibrated",
        description="calibrated: a threshold for each class from out-of-fold precision, so that at most max_error are"
        " wrong; flexible: as FlexMatch, min_confidence for the class of which most rows are sure and lower for others;"
        " fixed: min_confidence for all",
    )
    max_error: float = Field(
        0.05, gt=0, lt=1, description="of calibrated: largest share of wrong labels among the accepted"
    )
    min_confidence: float = Field(
        0.95, gt=0, le=1, description="of flexible and fixed: least probability of the likeliest class"
    )
    soft: bool = Field(True, description="give the model's probabilities as the soft label, not the class alone")
    weight: float = Field(
        1.0, gt=0, le=1, description="weight of a label that is certainly right; a row's is this times 1 - its error"
    )
    max_per_class: int | None = Field(
        None,
        ge=1,
        description="most accepted rows of a class, the surest; no bound if left out",
    )
    rest: Literal["keep", "review", "drop"] = Field(
        "keep",
        description="what becomes of unlabelled rows that get none: keep them without a label, put them on the list"
        " for review, or drop them",
    )

    def refuses(self, task: Task) -> str | None:
        """Only classes can be given."""
        if task.label is None:
            return "pseudo_label learns from labelled rows, and the task names no label"
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Relabel, soften and weight for every accepted row."""
        table, usable = evidence.table, evidence.active & evidence.table.training
        rows = shuffled(np.flatnonzero(usable & ~labels.known), table.row_ids, rng)
        if not len(rows) or not (usable & labels.known).any():
            what = "unlabelled rows to give a label to" if not len(rows) else "labelled rows to learn from"
            note(evidence, f"pseudo_label: there are no {what}; nothing is done")
            return Decisions()
        found = evidence.probabilities()
        seen = shuffled(np.flatnonzero(usable & labels.known & found.valid), table.row_ids, rng)
        judged = _judged(found.values, seen, labels.codes[seen])
        asked = rows[found.valid[rows]]
        said = _judged(found.values, asked, np.zeros(len(asked), dtype=np.int64))
        limits = self._thresholds(judged, said.predicted, said.confidence, len(labels.names))
        taken = np.flatnonzero(said.accepted(limits.least))
        taken = taken[_first_of_class(said.predicted[taken], said.confidence[taken], self.max_per_class)]
        errors = error_of_rows(judged, said.confidence[taken])
        values = found.values[asked[taken]].astype(np.float64)
        entries = self._entries(table.row_ids[asked[taken]], values, errors, limits, labels)
        self._tell(evidence, limits, errors, len(rows))
        left = np.setdiff1d(rows, asked[taken])
        return Decisions.join([*entries, *self._left(table.row_ids[left])])

    def _thresholds(self, judged: Judged, predicted: np.ndarray, confidence: np.ndarray, classes: int) -> Thresholds:
        if self.method == "calibrated":
            return calibrated(judged, classes, self.max_error)
        if self.method == "flexible":
            return judged_at(judged, flexible(predicted, confidence, classes, self.min_confidence))
        return judged_at(judged, np.full(classes, self.min_confidence))

    def _entries(
        self, ids: np.ndarray, values: np.ndarray, errors: np.ndarray, limits: Thresholds, labels: Labels
    ) -> list[Decisions]:
        predicted, confidence = values.argmax(1), values.max(1, initial=0)
        names = [labels.names[k] for k in predicted]
        error = np.where(np.isfinite(errors), errors, 1 - confidence)
        known = (
            f"of {limits.rows} labelled rows accepted alike {limits.error:.1%} were wrong, at most {limits.bound:.1%}"
            if limits.rows
            else "no labelled row is accepted alike, so the error is the model's own guess"
        )
        reasons = [
            f"predicted with probability {p:.3f} (threshold {limits.least[k]:.3f}, {self.method}); estimated chance of"
            f" error {e:.1%}; {known}"
            for p, k, e in zip(confidence.tolist(), predicted.tolist(), error.tolist(), strict=True)
        ]
        score = np.clip(1 - error, 0, 1)
        parts = [Decisions.of(self.name, "relabel", ids, reasons, score, after=names)]
        if self.soft:
            mass = [sparse(line, labels.names) for line in values]
            parts.append(Decisions.of(self.name, "soften", ids, reasons, score, before=names, after=mass))
        # A weight of 0 would be a drop by the back door.
        weights = [repr(round(max(self.weight * s, 1e-3), 4)) for s in score.tolist()]
        parts.append(Decisions.of(self.name, "weight", ids, reasons, score, after=weights))
        return parts

    def _left(self, ids: np.ndarray) -> list[Decisions]:
        if self.rest == "keep":
            return []
        return [Decisions.of(self.name, self.rest, ids, "no class is sure enough for this row, which has no label")]

    def _tell(self, evidence: Any, limits: Thresholds, errors: np.ndarray, unlabelled: int) -> None:
        """A note on what was accepted, and why not more."""
        if not len(errors):
            why = (
                f"the labelled rows don't show that at most {self.max_error:.1%} would be wrong"
                if self.method == "calibrated"
                else f"none is sure enough for min_confidence {self.min_confidence:g}"
            )
            said = f"pseudo_label: none of {unlabelled} unlabelled rows gets a label: {why}"
        else:
            estimated = "" if not np.isfinite(errors).all() else f", of which {errors.mean():.1%} are estimated wrong"
            promised = f" (at most {limits.bound:.1%} with 90 % confidence)" if limits.rows else ""
            said = f"pseudo_label: {len(errors)} of {unlabelled} unlabelled rows get a label{estimated}{promised}"
        note(evidence, said)


def _judged(values: np.ndarray, rows: np.ndarray, codes: np.ndarray) -> Judged:
    """What is said of (m,) rows whose labels have these codes."""
    seen = predicted(values, codes, rows)
    return Judged(seen.best.astype(np.int64), seen.top.astype(np.float64), seen.best == codes)


def _first_of_class(predicted: np.ndarray, confidence: np.ndarray, most: int | None) -> np.ndarray:
    """Places of at most `most` rows of each class, the surest, in the order given."""
    if most is None:
        return np.arange(len(predicted))
    order = np.lexsort((-confidence, predicted))
    codes = predicted[order]
    first = np.searchsorted(codes, codes, side="left")
    return np.sort(order[np.arange(len(order)) - first < most])
