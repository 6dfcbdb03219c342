"""The step that weighs classes by how rare they are, by what confusing them costs, or as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.balance._label_weights import LabelWeights
from curate.balance._rows import note
from curate.balance.weighing.costs import cost_matrix, costs_of_classes
from curate.balance.weighing.counted import UNITS, Counted, counted
from curate.balance.weighing.forms import by_form, effective_number
from curate.balance.weighing.rows import mean_one
from curate.errors import nearest
from curate.ledger import Decisions
from curate.wording import with_article

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task

NotNegative = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class ClassWeights(LabelWeights):
    """Weighs the loss of each class by how rare it is among active training rows, or by what its errors cost.

    The mean weight over what is counted is 1, so that the learning rate need not change; with `median` it is the class
    of median frequency that has weight 1, and `values` stand as they are. A class without any has weight 1.

    Counted are the draws of a class; in a detection task the objects (the boxes of `task.boxes`), in token
    classification the tags, in segmentation the pixels (of `task.mask`, decoded once), there with `median` as a share
    of the pixels of the images that show the class. In a multilabel task a weight is that of the label's presence
    against its absence (`pos_weight` of the binary cross-entropy): inverse is negatives/positives, sqrt_inverse its
    root, effective_number the ratio of the effective numbers, median (median positives)/positives.
    `loss()` of the result takes the weights.
    Cost: one count of the rows; cost_matrix with confusions: estimated the cross-validation.
    Source: inverse is scikit-learn's `balanced`; effective_number Cui et al. 2019, "Class-Balanced Loss Based on
    Effective Number of Samples"; median is median frequency balancing, Eigen and Fergus 2015; cost_matrix Ting 1998,
    "Inducing Cost-Sensitive Trees via Instance Weighting" (with confusions: even).
    """

    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {
        "beta": ("effective_number",),
        "costs": ("cost_matrix",),
        "confusions": ("cost_matrix",),
        "values": ("values",),
    }

    method: Literal["inverse", "sqrt_inverse", "effective_number", "median", "cost_matrix", "values"] = Field(
        "inverse",
        description="weight of a class with n draws, up to a factor: inverse 1/n, sqrt_inverse 1/sqrt(n),"
        " effective_number (1 - beta)/(1 - beta^n), median (median n)/n, cost_matrix the cost of its errors, values as"
        " given",
    )
    beta: float = Field(
        0.999, ge=0, lt=1, description="of effective_number: 0 weighs all alike, near 1 comes close to inverse"
    )
    count: Literal["rows", "objects", "tags", "pixels"] | None = Field(
        None,
        description="what is counted of a class: rows that show it, or objects (detection), tags (token"
        " classification), pixels (segmentation); the last three are the default of their tasks",
    )
    costs: dict[str, dict[str, NotNegative]] | None = Field(
        None,
        description="of cost_matrix: true class -> predicted class -> cost of that error; errors that are not named"
        " cost 1",
    )
    confusions: Literal["even", "estimated"] = Field(
        "even",
        description="of cost_matrix: how often each error of a class happens: all alike (even), or as the out-of-sample"
        " probabilities say (estimated)",
    )
    values: dict[str, Positive] | None = Field(
        None, min_length=1, description="of values: class -> weight; classes that are not named have weight 1"
    )
    max_ratio: float | None = Field(
        None, ge=1, description="the largest weight is at most this many times the smallest; no bound if left out"
    )

    @model_validator(mode="after")
    def _settings_of_the_method(self) -> ClassWeights:
        for method, setting in (("cost_matrix", "costs"), ("values", "values")):
            if self.method == method and not getattr(self, setting):
                raise ValueError(f"method: {method} needs {setting}")
        if self.method == "values" and (self.max_ratio or self.max_weight):
            raise ValueError("values stand as they are given: max_ratio and max_weight don't bound them")
        return self

    def refuses(self, task: Task) -> str | None:
        """Only classes can be weighed, and only what the task has can be counted."""
        if task.kind not in UNITS:
            kind = f"{with_article(task.kind)} task" if task.kind else "a task of unknown kind"
            return f"{self.name} weighs classes, and this is {kind}" + (
                " (target_weights weighs rows by the density of their values)" if task.kind == "regression" else ""
            )
        if self.count not in (None, "rows", UNITS[task.kind]):
            own = with_article(f"{task.kind} task")
            return f"{self.name} counts {self.count} in other tasks; of {own} it counts {UNITS[task.kind]}"
        if self.method == "cost_matrix" and task.kind != "classification":
            return f"{self.name} by cost_matrix needs one class per row, and this task's kind is {task.kind}"
        if why := self._idle_of_masks(task.kind):
            return why
        if task.kind != "classification" and not task.label_names:
            return f"{self.name} needs the names of the classes (task: {{label_names: [...]}})"
        if task.kind == "detection" and task.boxes is None:
            return f"{self.name} counts objects, and the task names no column of boxes"
        named = [*(self.values or {}), *(self.costs or {}), *(n for line in (self.costs or {}).values() for n in line)]
        for name in named:
            if task.label_names and name not in task.label_names:
                return f"{self.name} names the class {name!r}, which the task lacks{nearest(name, task.label_names)}"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """One weight for each class."""
        task = evidence.table.task
        unit = self.count or UNITS[task.kind]
        found = counted(labels, evidence, unit, self.background, self.ignore_value)
        what = {"rows": "draws"}.get(unit, unit)
        if not found.counts.sum():
            note(evidence, f"{self.name}: the training rows have no {what} of a class to count; nothing is weighed")
            return Decisions()
        if (found.counts > 0).sum() < 2 and self.method != "values":
            only = task.label_names[int(found.counts.argmax())]
            note(evidence, f"{self.name}: all {what} are of one class, {only!r}; its weight says nothing beside others")
        weights, names = self._weights(found, labels, evidence), list(task.label_names)
        reasons = [
            f"{count} of {found.total} {what} ({self.method})" if count else f"no {what} to weigh"
            for count in found.counts
        ]
        after = [repr(float(weight)) for weight in weights]
        return Decisions.of(self.name, "weight", [None] * len(names), reasons, before=names, after=after)

    def _weights(self, found: Counted, labels: Labels, evidence: Any) -> np.ndarray:
        if self.method == "values":
            return np.array([(self.values or {}).get(name, 1.0) for name in evidence.table.task.label_names])
        if self.method == "cost_matrix":
            matrix = cost_matrix(self.costs or {}, labels.names)
            cost = costs_of_classes(matrix, labels, evidence, estimated=self.confusions == "estimated")
            return _scaled(cost, found.counts, self.max_ratio, self.max_weight)
        if evidence.table.task.kind == "multilabel":
            return positive_weights(found.counts, found.total, self.method, self.beta, self.max_ratio, self.max_weight)
        beside = found.beside if found.unit == "pixels" else None
        return class_weights(found.counts, self.method, self.beta, self.max_ratio, self.max_weight, beside)


def class_weights(
    counts: np.ndarray,
    method: str,
    beta: float = 0.999,
    max_ratio: float | None = None,
    max_weight: float | None = None,
    beside: np.ndarray | None = None,
) -> np.ndarray:
    """(K,) float64 weights from (K,) numbers of draws; 1 where there are none.

    Their mean over draws is 1, but for ``median``, which is 1/n too and differs by its scale alone; with `beside`, the
    pixels of the images that show a class, n is the share of the class among these.
    """
    some = counts > 0
    weights = np.ones(len(counts))
    if not some.any():
        return weights
    if method != "median":
        raw = np.zeros(len(counts))
        raw[some] = by_form(counts[some], method, beta)  # pyright: ignore[reportArgumentType]
        return _scaled(raw, counts, max_ratio, max_weight)
    n = counts[some] / (1.0 if beside is None else beside[some])
    weights[some] = _bounded(np.median(n) / n, max_ratio)
    return weights if max_weight is None else np.minimum(weights, max_weight)


def positive_weights(
    positives: np.ndarray,
    total: int,
    method: str,
    beta: float = 0.999,
    max_ratio: float | None = None,
    max_weight: float | None = None,
) -> np.ndarray:
    """(K,) float64 weights of a label's presence against its absence; 1 where it is on no row, or on every one.

    Args:
        positives: (K,) draws with the label.
        total: all draws.
        method: inverse, sqrt_inverse, effective_number or median.
        beta: of effective_number.
        max_ratio: bound of the largest by the smallest.
        max_weight: largest weight.
    """
    some = (positives > 0) & (positives < total)
    weights = np.ones(len(positives))
    if not some.any():
        return weights
    on, off = positives[some].astype(np.float64), total - positives[some].astype(np.float64)
    if method == "effective_number":
        raw = effective_number(off, beta) / effective_number(on, beta)
    elif method == "median":
        raw = np.median(on) / on
    else:
        raw = off / on if method == "inverse" else np.sqrt(off / on)
    weights[some] = _bounded(raw, max_ratio)
    return weights if max_weight is None else np.minimum(weights, max_weight)


def _scaled(raw: np.ndarray, counts: np.ndarray, max_ratio: float | None, max_weight: float | None) -> np.ndarray:
    """(K,) weights in proportion to `raw` with a mean of 1 over (K,) counts; 1 for classes without any."""
    some = counts > 0
    weights = np.ones(len(counts))
    weights[some] = mean_one(_bounded(raw[some], max_ratio), counts[some], max_weight)
    return weights


def _bounded(raw: np.ndarray, max_ratio: float | None) -> np.ndarray:
    return raw if max_ratio is None else np.minimum(raw, raw.min() * max_ratio)
