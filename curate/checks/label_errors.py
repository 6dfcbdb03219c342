"""Labels that are probably wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from curate.checks.groups.grouping import rank_ids
from curate.checks.labels import confident_learning, dissent, methods
from curate.checks.labels.boxes import find_wrong_boxes
from curate.checks.labels.classes import doubts_of_classes, noisiest_pairs
from curate.checks.labels.doubts import Doubts, doubts_of_numbers, doubts_of_sets
from curate.checks.labels.masks import find_wrong_masks
from curate.checks.labels.tokens import find_wrong_tags
from curate.checks.series.curves import is_one_curve
from curate.evidence.vector_rows import finite_rows
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SETTINGS: dict[str, set[str]] = {
    "ensemble": {"min_doubt"},
    "noise_model": {"min_confidence"},
    "confident_learning": {"score", "filter"},
    "cleanlab": {"score", "adjust"},
    "neighbours": {"k", "min_confidence"},
    "training_dynamics": {"held_out"},
}
"""The settings that each method reads."""
OF_CLASSES = {"method", *set().union(*SETTINGS.values())}
IDLE: dict[str, tuple[str, set[str]]] = {
    "multilabel": ("sets of labels by one rule for all their labels", {"min_doubt", "score", "filter"}),
    "regression": ("numbers by their distance to predictions", OF_CLASSES),
    "token_classification": ("tags by what other texts teach about their words", OF_CLASSES),
    "segmentation": ("masks by cleanlab's own rule", OF_CLASSES),
    "detection": ("boxes by cleanlab's own rule", OF_CLASSES),
}
"""Kind of task -> how it is judged, and the settings that say nothing there."""


class LabelErrors(Check):
    """Finds rows whose label disagrees with what the other rows teach about their content.

    Class labels are judged by one of these methods:

    - `ensemble`: the weighted mean, as log-odds, of self-confidence, normalised margin, and the posterior of the true
      class given the content and the label under the estimated noise between classes. As many rows are flagged, most
      doubted first, as labels are estimated to be wrong, and all that are surely wrong; in classes of fewer than ten
      rows only the latter. The facts give the estimated noise rate with an interval. What it rests on comes from three
      heads that have not seen the row (logistic regression, linear discriminant, neighbours), fitted a second time on
      labels softened by what the first fit made of them.
    - `noise_model`: that posterior alone; flagged where another class has at least `min_confidence`.
    - `confident_learning`: cleanlab's `filter` names the rows, its `score` ranks them.
    - `cleanlab`: its `score` alone; the lowest are flagged, as many as it counts (`num_label_issues`).
    - `neighbours`: agreement with the labels of the `k` nearest rows, weighted by similarity; no model.
    - `training_dynamics`: the margin of the label over the others, averaged over the epochs of a small head (AUM);
      flagged at or below the margins of rows that were given a class which does not exist.

    Multilabel rows are judged by their most doubtful label, by the noise model of each label or by cleanlab. Numbers
    are judged by their distance to an out-of-sample prediction and scored by cleanlab's OUTRE.

    Segmentation masks and bounding boxes are judged by the output of the user's own model, in the column that the
    task's `probabilities` names: an array of classes x height x width for each mask (the path of an .npy or .npz file,
    or nested lists), or boxes with label and score. Pixels are doubted as by `cleanlab.segmentation`, and a mask is
    flagged where they form a region that is no mere edge; boxes as by `cleanlab.object_detection`, and where a sure
    prediction is left without its box, contradicts the class, or lies unusually far off. These take no `method`.

    Verdicts on training rows come from training rows alone; a held-out row is judged against training rows and its
    own split. Cost: the cross-validation behind the probabilities, then a few passes over (rows, classes);
    `training_dynamics` instead: 20 epochs for each fold, twice.
    Source: Northcutt, Jiang, Chuang, Confident Learning, 2021 (cleanlab); Patrini et al., Making Deep Neural Networks
    Robust to Label Noise, 2017 (class-pair noise); Pleiss et al., Identifying Mislabeled Data using the Area Under the
    Margin Ranking, 2020.
    """

    issues: ClassVar[tuple[str, ...]] = ("label_error",)
    suggests: ClassVar[tuple[str, ...]] = issues
    embeds: ClassVar[bool] = True

    method: methods.Method = Field(
        "ensemble",
        description="how labels are judged: ensemble, noise_model, confident_learning, cleanlab, neighbours, or"
        " training_dynamics",
    )
    min_doubt: float | None = Field(
        None,
        ge=0,
        le=1,
        description="doubt (1 - score) from which a row is flagged; if left out, as many rows are as labels are"
        " estimated to be wrong (ensemble only)",
    )
    min_confidence: float = Field(
        0.5,
        ge=0,
        le=1,
        description="probability, or share of the neighbours, that another class must have for a row to be flagged"
        " (noise_model and neighbours only)",
    )
    score: confident_learning.Score = Field(
        "self_confidence", description="cleanlab's score (confident_learning and cleanlab only)"
    )
    filter: confident_learning.Filter = Field(
        "prune_by_noise_rate", description="cleanlab's rule for which rows are issues (confident_learning only)"
    )
    adjust: bool = Field(
        False, description="take the mean confidence of each class off before scoring (cleanlab only; not for entropy)"
    )
    k: int = Field(20, ge=1, le=1000, description="how many nearest rows are asked (neighbours only)")
    held_out: bool = Field(
        True,
        description="average margins of heads that have not seen the row; false: of one that learns it, as in the paper"
        " (training_dynamics only)",
    )

    @model_validator(mode="after")
    def _settings_fit_the_method(self) -> LabelErrors:
        own = SETTINGS[self.method]
        for name in sorted(set(self.changed()) & set().union(*SETTINGS.values()) - own):
            allowed = " or ".join(method for method, names in SETTINGS.items() if name in names)
            raise ValueError(f"{name} can only be set with method: {allowed}")
        return self

    def refuses(self, task: Task) -> str | None:
        """Judges classes, sets of labels, numbers, tags, and with a model's output masks and boxes."""
        if task.kind in ("segmentation", "detection"):
            return self._refuses_places(task)
        if task.kind not in ("classification", "multilabel", "regression", "token_classification"):
            kind = task.kind or "undefined"
            return f"label_errors judges class labels, sets of labels, numbers and tags, and the task is {kind}"
        if task.kind == "multilabel" and self.method in ("cleanlab", "neighbours", "training_dynamics"):
            return f"label_errors with method: {self.method} judges one class label per row, and the task is multilabel"
        return self._refuses_settings(task)

    def _refuses_settings(self, task: Task) -> str | None:
        """Which setting would do nothing for such a task."""
        how, idle = IDLE.get(str(task.kind), ("", set()))
        own = sorted(set(self.changed()) & idle)
        return f"label_errors judges {how}, which has no {own[0]}" if own else None

    def wants_embedding(self, task: Task) -> bool:
        """Not for masks, boxes and tags, which are judged by a model's output or by their own words."""
        return task.kind not in ("segmentation", "detection", "token_classification")

    def _refuses_places(self, task: Task) -> str | None:
        """Why masks or boxes can't be judged."""
        place = task.mask if task.kind == "segmentation" else task.boxes
        what = "masks" if task.kind == "segmentation" else "boxes"
        if place is None:
            return f"label_errors judges {what} in {task.kind}, and the task names no column of them"
        if task.probabilities is None:
            form = (
                "paths of .npy files, each an array of classes x height x width"
                if task.kind == "segmentation"
                else "lists of box, label and score"
            )
            return (
                f"label_errors judges {what} by the output of a model that was not trained on them: name its column in"
                f" the task's probabilities ({form})"
            )
        relative = (task.box_format or "").endswith("_relative")
        if task.kind == "detection" and relative and "image" not in task.modalities:
            return f"label_errors brings boxes in {task.box_format} to pixels, and the task has no image"
        return self._refuses_settings(task)

    def needs(self, task: Task) -> tuple[str, ...]:
        """Sizes of images whose boxes are given as shares of them."""
        relative = task.kind == "detection" and task.probabilities and (task.box_format or "").endswith("_relative")
        return ("image.width", "image.height") if relative else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row that has a label."""
        table, labels = evidence.table, evidence.labels
        if table.task.kind == "token_classification":
            return find_wrong_tags(evidence, self.name, "label_error")
        if table.task.kind == "segmentation":
            return find_wrong_masks(evidence, self.name, "label_error")
        if table.task.kind == "detection":
            return find_wrong_boxes(evidence, self.name, "label_error")
        rank = rank_ids(table.row_ids)
        if labels.values is not None and is_one_curve(evidence):
            sentence = "its rows are points of one curve, which series_anomalies judges by the points around them"
            return Findings(Findings.none().table, {self.name: {"sentence": sentence}})
        if labels.values is not None:
            doubts = doubts_of_numbers(evidence, rank)
        elif labels.sets is not None:
            doubts = doubts_of_sets(evidence, rank, self._judge_sets)
        else:
            doubts = self._doubts_of_classes(evidence, rank)
        order = np.argsort(doubts.rows, kind="stable")
        rows, flagged = doubts.rows[order], doubts.is_issue[order]
        reasons = {int(place): doubts.reason(int(order[place])) for place in np.flatnonzero(flagged)}
        suggested = np.where(flagged, doubts.suggested[order], -1)
        return Findings.of(
            self.name,
            "label_error",
            rows,
            table.row_ids,
            doubts.score[order],
            flagged,
            suggested_label=[labels.names[k] if k >= 0 else None for k in suggested.tolist()],
            reason=reasons,
            facts=self._facts(evidence, rows, flagged, suggested, doubts),
        )

    def _doubts_of_classes(self, evidence: Evidence, rank: np.ndarray) -> Doubts:
        """The verdicts of the chosen method."""
        if self.method == "neighbours":
            judge, tell, judgeable = dissent.by_neighbours(evidence, self.k, self.min_confidence)
            return doubts_of_classes(evidence, rank, judge, tell, judgeable, {})
        if self.method == "training_dynamics":
            judge, tell, judgeable = dissent.by_training_dynamics(evidence, self.held_out)
            return doubts_of_classes(evidence, rank, judge, tell, judgeable, {})
        estimate = evidence.probabilities()
        facts: dict[str, Any] = {"probabilities": estimate.method}
        judgeable = estimate.valid.copy()
        with_posterior = self.method in ("ensemble", "noise_model")
        if with_posterior:
            noise = evidence.noise()
            judgeable &= finite_rows(noise.posterior)
            facts["noisiest_pairs"] = noisiest_pairs(noise.joint, evidence.labels)
        if self.method == "ensemble":
            judge = methods.by_ensemble(evidence, self.min_doubt)
        elif self.method == "noise_model":
            judge = methods.by_noise_model(evidence, self.min_confidence)
        elif self.method == "confident_learning":
            judge = methods.by_confident_learning(evidence, self.score, self.filter)
        else:
            judge = methods.by_cleanlab_score(evidence, self.score, self.adjust)
        if self.method == "noise_model":
            tell = methods.told_by_noise_model(evidence)
        else:
            by_number = self.method == "ensemble" and self.min_doubt is None
            tell = methods.told_by_probabilities(evidence, allowing_for_noise=by_number)
        return doubts_of_classes(evidence, rank, judge, tell, judgeable, facts)

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
        moved = suggested >= 0
        pairs, times = np.unique(np.stack([given[moved], suggested[moved]]), axis=1, return_counts=True)
        facts["confusions"] = [
            {"given": labels.names[pairs[0, p]], "suggested": labels.names[pairs[1, p]], "rows": int(times[p])}
            for p in np.argsort(-times, kind="stable")[:10]
        ]
        return facts
