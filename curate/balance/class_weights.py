"""The step that weighs classes by how rare they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from curate.balance._rows import draws_per_class, needs_classes
from curate.ledger import Decisions
from curate.step import Balance

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class ClassWeights(Balance):
    """Weighs the loss of each class by how rare its draws are among active training rows.

    The mean weight over draws is 1, so that the learning rate need not change; with `median` it is the class of median
    size that has weight 1. A class without draws has weight 1.
    Cost: one count of the rows. Source: effective_number is Cui et al. 2019, "Class-Balanced Loss Based on Effective
    Number of Samples"; median is median frequency balancing, Eigen and Fergus 2015.
    """

    method: Literal["inverse", "sqrt_inverse", "effective_number", "median"] = Field(
        "inverse",
        description="weight of a class with n draws, up to a factor: inverse 1/n, sqrt_inverse 1/sqrt(n),"
        " effective_number (1 - beta)/(1 - beta^n), median (median n)/n",
    )
    beta: float = Field(
        0.999, ge=0, lt=1, description="of effective_number: 0 weighs all alike, near 1 comes close to inverse"
    )
    max_ratio: float | None = Field(
        None, ge=1, description="the largest weight is at most this many times the smallest; no bound if left out"
    )

    def refuses(self, task: Task) -> str | None:
        """Only classes can be weighed."""
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """One weight for each class."""
        counts = draws_per_class(labels, evidence)
        if not counts.sum():
            return Decisions()
        weights = class_weights(counts, self.method, self.beta, self.max_ratio)
        reasons = [
            f"{count} of {counts.sum()} draws ({self.method})" if count else "no draw to weigh" for count in counts
        ]
        names = list(labels.names)
        return Decisions.of(
            self.name,
            "weight",
            [None] * len(names),
            reasons,
            before=names,
            after=[repr(float(weight)) for weight in weights],
        )


def class_weights(counts: np.ndarray, method: str, beta: float = 0.999, max_ratio: float | None = None) -> np.ndarray:
    """(K,) float64 weights from (K,) numbers of draws; 1 where there are none.

    Their mean over draws is 1, but for ``median``, which is 1/n too and differs by its scale alone.
    """
    some = counts > 0
    n = counts[some].astype(np.float64)
    weights = np.ones(len(counts))
    if not len(n):
        return weights
    if method == "inverse":
        raw = 1.0 / n
    elif method == "sqrt_inverse":
        raw = 1.0 / np.sqrt(n)
    elif method == "effective_number":
        # 1 - beta^n by expm1: beta^n is rounded to 1 for a beta within 1e-16 of 1.
        raw = (1.0 - beta) / -np.expm1(n * np.log(beta)) if beta > 0 else np.ones(len(n))
    else:
        raw = np.median(n) / n
    if max_ratio is not None:
        raw = np.minimum(raw, raw.min() * max_ratio)
    weights[some] = raw if method == "median" else raw * n.sum() / (raw * n).sum()
    return weights
