"""The step that weighs rows by the rare labels, objects or pixels that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.balance._label_weights import LabelWeights
from curate.balance._rows import note, repeats
from curate.balance.weighing.counted import PART, UNITS, per_row_counts
from curate.balance.weighing.forms import by_form
from curate.balance.weighing.rows import mean_one, row_weights
from curate.ledger import Decisions
from curate.wording import counted

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class LabelSetWeights(LabelWeights):
    """Weighs a row by the labels that are on it together: multilabel, detection, segmentation, tags of tokens.

    repeat_factor: the largest over a row's labels of max(1, sqrt(threshold / share of the rows with the label)).
    mean, max: of the weights of its labels. amount: the mean weighted by how much of each the row shows (objects of a
    detection task, pixels of a mask, tags). set: of the rows with exactly these labels (label powerset). A row without
    any label is weighed as if that were one more label. The mean weight over draws is 1; the sampler `weighted` draws
    by it, any other gives it to the loss.
    Cost: one count of the rows; in segmentation one decoding of the masks.
    Source: repeat_factor Gupta et al. 2019, "LVIS: A Dataset for Large Vocabulary Instance Segmentation"; set is the
    label powerset of Charte et al. 2015, "Addressing imbalance in multilabel classification".
    """

    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {
        "form": ("mean", "max", "amount", "set"),
        "beta": ("mean", "max", "amount", "set"),
        "threshold": ("repeat_factor",),
    }

    method: Literal["repeat_factor", "mean", "max", "amount", "set"] = Field(
        "repeat_factor", description="how the weight of a row follows from its labels"
    )
    form: Literal["inverse", "sqrt_inverse", "effective_number"] = Field(
        "inverse", description="weight of a label, or a set, on n draws: 1/n, 1/sqrt(n), or (1 - beta)/(1 - beta^n)"
    )
    beta: float = Field(
        0.999, ge=0, lt=1, description="of effective_number: 0 weighs all alike, near 1 comes close to inverse"
    )
    threshold: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of repeat_factor: labels on a smaller share of the rows weigh more than 1; the median share of the"
        " labels if left out (0.001 in LVIS)",
    )

    @model_validator(mode="after")
    def _settings_of_the_method(self) -> LabelSetWeights:
        if "beta" in self.changed() and self.form != "effective_number":
            raise ValueError(f"beta says nothing with form: {self.form} (it is for form: effective_number)")
        return self

    def refuses(self, task: Task) -> str | None:
        """Rows must be able to show several labels."""
        if task.kind not in UNITS or task.kind == "classification":
            instead = "; take class_weights" if task.kind == "classification" else ""
            return f"{self.name} weighs sets of labels, and this task's kind is {task.kind or 'unknown'}{instead}"
        if self.method == "amount" and task.kind == "multilabel":
            return f"{self.name} by amount needs objects, pixels or tags; a label of a multilabel task is there or not"
        if why := self._idle_of_masks(task.kind):
            return why
        if not task.label_names:
            return f"{self.name} needs the names of the classes (task: {{label_names: [...]}})"
        if task.kind == "detection" and task.boxes is None:
            return f"{self.name} counts objects, and the task names no column of boxes"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """A weight for every training row with an annotation."""
        task = evidence.table.task
        amounts, whole = per_row_counts(labels, evidence, UNITS[task.kind], self.background, self.ignore_value)
        rows = np.flatnonzero(evidence.active & evidence.table.training & (whole >= 0))
        if not len(rows):
            note(evidence, f"{self.name}: no training row is annotated; no row is weighed")
            return Decisions()
        times, names = 1 + repeats(evidence)[rows], [*task.label_names, "none"]
        parts = [slice(start, start + PART) for start in range(0, len(rows), PART)]
        counts = np.zeros(len(names), dtype=np.int64)
        for part in parts:
            counts += np.einsum("i,ij->j", times[part], _amounts(amounts, rows[part]) > 0)
        each, raw, reasons = self._of_labels(counts, int(times.sum())), np.empty(len(rows)), []
        for part in parts:
            own = _amounts(amounts, rows[part])
            if self.method != "set":
                raw[part] = self._of_rows(own, each)
            reasons += self._reasons(own > 0, counts, int(times.sum()), names)
        if self.method == "set":
            raw = self._of_sets(amounts, rows, times)
        return row_weights(self.name, evidence, rows, mean_one(raw, times, self.max_weight), reasons)

    def _reasons(self, shows: np.ndarray, counts: np.ndarray, total: int, names: list[str]) -> list[str]:
        rarest = np.where(shows, counts, np.iinfo(np.int64).max).argmin(1)
        drawn = counts.tolist()
        return [
            f"{counted(number, 'label')}, the rarest {names[k]!r} on {drawn[k]} of {total} draws ({self.method})"
            for number, k in zip(shows[:, :-1].sum(1).tolist(), rarest.tolist())
        ]

    def _of_sets(self, amounts: np.ndarray, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """(m,) raw weights by the number of draws with exactly the labels of a row."""
        _, which = np.unique(np.packbits(amounts[rows] > 0, axis=1), axis=0, return_inverse=True)
        sizes = np.bincount(which.ravel(), weights=times)
        return by_form(sizes, self.form, self.beta)[which.ravel()]

    def _of_labels(self, counts: np.ndarray, total: int) -> np.ndarray:
        """(K + 1,) raw weights of the labels, and of having none, from the draws that show each."""
        some, each = counts > 0, np.zeros(len(counts))
        if self.method == "repeat_factor":
            share = counts[some] / total
            own = share[:-1] if some[-1] and len(share) > 1 else share
            each[some] = np.maximum(1.0, np.sqrt((self.threshold or float(np.median(own))) / share))
            each[-1] = float(some[-1])  # a row without labels is not rare by lacking them
        else:
            each[some] = by_form(counts[some], self.form, self.beta)
        return each

    def _of_rows(self, amounts: np.ndarray, each: np.ndarray) -> np.ndarray:
        """(m,) raw weights from (m, K + 1) amounts and the weights of the labels."""
        if self.method == "amount":
            return amounts @ each / amounts.sum(1)
        shows = amounts > 0
        return shows @ each / shows.sum(1) if self.method == "mean" else np.where(shows, each, 0.0).max(1)


def _amounts(amounts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(m, K + 1) amounts of some rows, in the last column 1 for those that show nothing."""
    own = amounts[rows]
    return np.concatenate([own, ~(own > 0).any(1, keepdims=True)], axis=1)
