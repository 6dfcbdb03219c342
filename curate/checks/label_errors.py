"""Labels that are probably wrong."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.checks import _confident_learning as confident_learning
from curate.checks._grouping import rank_ids
from curate.checks._label_doubts import Doubts, doubts_of_classes, doubts_of_numbers, doubts_of_sets
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

Score = Literal["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
Filter = Literal[
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
]


class LabelErrors(Check):
    """Finds rows whose label disagrees with what the other rows teach about their content.

    With classes, the out-of-sample probabilities are judged by one of two methods. `noise_model` asks for the
    probability of each true class given the content and the given label, with the class-pair noise estimated from the
    set: the score is its mass on the given label, and a row is flagged where another class has at least
    `min_confidence`. `confident_learning` is cleanlab's: `score` and `filter` name its functions. A multilabel row is
    as good as its most doubtful label. Numbers are judged by their distance to an out-of-sample prediction and scored
    by cleanlab's OUTRE.

    Verdicts on training rows come from training rows alone; a held-out row is judged against training rows and its
    own split. Cost: the cross-validation behind the probabilities, then a few passes over (rows, classes).
    Source: Northcutt, Jiang, Chuang, Confident Learning, 2021 (cleanlab); Patrini et al., Making Deep Neural Networks
    Robust to Label Noise, 2017 (class-pair noise).
    """

    embeds: ClassVar[bool] = True

    method: Literal["noise_model", "confident_learning"] = Field(
        "noise_model", description="how labels are judged: noise_model, or confident_learning (cleanlab)"
    )
    score: Score = Field("self_confidence", description="cleanlab's score of a label (confident_learning only)")
    filter: Filter = Field(
        "prune_by_noise_rate", description="cleanlab's rule for which rows are issues (confident_learning only)"
    )
    min_confidence: float = Field(
        0.5,
        ge=0,
        le=1,
        description="probability that another class must have for a row to be flagged (noise_model only)",
    )

    @model_validator(mode="after")
    def _settings_fit_the_method(self) -> LabelErrors:
        mine = {"noise_model": {"min_confidence"}, "confident_learning": {"score", "filter"}}
        for method, names in mine.items():
            strange = sorted(name for name in names & set(self.changed()) if method != self.method)
            if strange:
                raise ValueError(f"{' and '.join(strange)} can only be set with method: {method}")
        return self

    def refuses(self, task: Task) -> str | None:
        """Judges classes, sets of labels, and numbers."""
        if task.kind not in ("classification", "multilabel", "regression"):
            kind = task.kind or "undefined"
            return f"label_errors judges class labels, sets of labels and numbers, and the task is {kind}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row that has a label."""
        table, labels = evidence.table, evidence.labels
        rank = rank_ids(table.row_ids)
        if labels.values is not None:
            doubts = doubts_of_numbers(evidence, rank)
        elif labels.sets is not None:
            doubts = doubts_of_sets(evidence, rank, self._judge_sets)
        else:
            doubts = doubts_of_classes(evidence, rank, self._judge)
        order = np.argsort(doubts.rows, kind="stable")
        rows, flagged = doubts.rows[order], doubts.is_issue[order]
        reasons = {int(place): doubts.reason(int(order[place])) for place in np.flatnonzero(flagged)}
        suggested = [
            labels.names[k] if k >= 0 else None for k in np.where(flagged, doubts.suggested[order], -1).tolist()
        ]
        return Findings.of(
            self.name,
            "label_error",
            rows,
            table.row_ids,
            doubts.score[order],
            flagged,
            suggested_label=suggested,
            reason=reasons,
            facts=self._facts(evidence, rows, flagged, np.where(flagged, doubts.suggested[order], -1), doubts),
        )

    def _judge(
        self, given: np.ndarray, probabilities: np.ndarray, posterior: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(m,) codes, (m, K) probabilities, (m, K) posterior -> (m,) scores, (m,) issues, (m,) suggested codes."""
        here = np.arange(len(given))
        if self.method == "confident_learning":
            found = confident_learning.issues(given, probabilities, self.filter)
            best = probabilities.argmax(1)
            scores = confident_learning.quality(given, probabilities, self.score)
            return scores, found, np.where(best == given, -1, best)
        best = posterior.argmax(1)
        found = (best != given) & (posterior[here, best] >= self.min_confidence)
        return np.clip(posterior[here, given], 0.0, 1.0), found, np.where(best == given, -1, best)

    def _judge_sets(
        self, sets: np.ndarray, probabilities: np.ndarray, posterior: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(m, K) bool, (m, K) probabilities and posterior that each label is on -> (m,) scores, (m,) issues."""
        if self.method == "confident_learning":
            return confident_learning.multilabel_quality(sets, probabilities)
        agreed = np.where(sets, posterior, 1.0 - posterior).astype(np.float64)
        worst = np.clip(agreed.min(1, initial=1.0), 0.0, 1.0)
        return worst, (worst < 0.5) & (1.0 - worst >= self.min_confidence)

    def _facts(
        self, evidence: Evidence, rows: np.ndarray, flagged: np.ndarray, suggested: np.ndarray, doubts: Doubts
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {"rows": len(rows), "issues": int(flagged.sum()), **doubts.facts}
        labels = evidence.labels
        if labels.values is not None or labels.sets is not None:
            return facts
        facts["method"] = self.method
        given = labels.codes[rows]
        total = np.bincount(given, minlength=len(labels.names))
        bad = np.bincount(given[flagged], minlength=len(labels.names))
        facts["classes"] = {
            name: {"rows": int(t), "issues": int(b), "share": round(float(b / t), 4)}
            for name, t, b in zip(labels.names, total, bad, strict=True)
            if t
        }
        moved = flagged & (suggested >= 0)
        pairs, times = np.unique(np.stack([given[moved], suggested[moved]]), axis=1, return_counts=True)
        facts["confusions"] = [
            {"given": labels.names[pairs[0, p]], "suggested": labels.names[pairs[1, p]], "rows": int(times[p])}
            for p in np.argsort(-times, kind="stable")[:10]
        ]
        return facts
