"""The step that weighs the rows of a regression task by how rare their value is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.balance._by_method import ByMethod
from curate.balance._rows import note
from curate.balance.weighing.density import Kernel, binned, dense_factors, densities, lds_factors
from curate.balance.weighing.rows import mean_one, row_weights, weighed_rows
from curate.ledger import Decisions

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class TargetWeights(ByMethod):
    """Weighs each row of a regression task by how rare values like its own are among active training rows.

    dense_weight: 1 - alpha times the density of the value, brought to [0, 1], and `epsilon` at least; the density is a
    Gaussian kernel estimate. lds: the counts of equally wide bins, or their roots, smoothed over neighbouring bins, and
    inverted. bins: the same without smoothing. The mean weight over draws is 1.
    Cost: a histogram of the values, and one entry per row.
    Source: dense_weight Steininger et al. 2021, "Density-based weighting for imbalanced regression"; lds is label
    distribution smoothing, Yang et al. 2021, "Delving into Deep Imbalanced Regression".
    """

    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {
        "alpha": ("dense_weight",),
        "epsilon": ("dense_weight",),
        "bandwidth": ("dense_weight",),
        "bins": ("lds", "bins"),
        "form": ("lds", "bins"),
        "kernel": ("lds",),
        "kernel_bins": ("lds",),
        "sigma": ("lds",),
    }

    method: Literal["dense_weight", "lds", "bins"] = Field(
        "dense_weight", description="how rarity is told: by density, by smoothed bins, or by bins as they are"
    )
    alpha: float = Field(
        1.0, ge=0, le=10, description="of dense_weight: 0 weighs all alike, 1 takes all from the commonest value"
    )
    epsilon: float = Field(1e-6, gt=0, le=1, description="of dense_weight: least weight before scaling")
    bandwidth: float | None = Field(
        None,
        gt=0,
        description="of dense_weight: of the kernel, in units of the label; 1.06 standard deviations / n^(1/5) if left"
        " out (Silverman)",
    )
    bins: int = Field(
        100, ge=2, le=100_000, description="of lds and bins: how many between the least and largest value"
    )
    form: Literal["inverse", "sqrt_inverse"] = Field(
        "sqrt_inverse", description="of lds and bins: weight by 1/n, or by 1/sqrt(n)"
    )
    kernel: Kernel = Field("gaussian", description="of lds: shape of the smoothing")
    kernel_bins: int = Field(5, ge=1, le=1001, description="of lds: width of the smoothing in bins, an odd number")
    sigma: float = Field(2.0, gt=0, le=1000, description="of lds: spread of a gaussian or laplace kernel, in bins")
    max_weight: float | None = Field(
        None, ge=1, description="largest weight, after scaling; the others make up for it; no bound if left out"
    )

    @model_validator(mode="after")
    def _settings_of_the_method(self) -> TargetWeights:
        if self.kernel_bins % 2 == 0:
            raise ValueError(f"kernel_bins must be odd, so that a bin stands in the middle, found {self.kernel_bins}")
        return self

    def refuses(self, task: Task) -> str | None:
        """Only numbers have a density."""
        if task.kind != "regression":
            return f"{self.name} weighs values of a regression task, and this task's kind is {task.kind or 'unknown'}"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """A weight for every row with a value."""
        rows, times = weighed_rows(labels, evidence)
        if not len(rows) or labels.values is None:
            note(evidence, f"{self.name}: no training row has a value; no row is weighed")
            return Decisions()
        values = labels.values[rows]
        if values.min() == values.max():
            note(evidence, f"{self.name}: all training rows have the value {values[0]:g}; all weigh 1")
        if self.method == "dense_weight":
            density = densities(values, times, self.bandwidth)
            factors = dense_factors(density, self.alpha, self.epsilon)
            most = float(density.max())
            measured = [f"density {one:.3g} of at most {most:.3g}" for one in density.tolist()]
        else:
            place, counts = binned(values, times, self.bins)
            window = self.kernel_bins if self.method == "lds" else 1
            factors = lds_factors(counts, self.form, self.kernel, window, self.sigma)[place]
            total = int(times.sum())
            measured = [f"{count} of {total} draws in its bin" for count in counts[place].tolist()]
        weights = mean_one(factors, times, self.max_weight)
        reasons = [f"value {v:g}: {said} ({self.method})" for v, said in zip(values.tolist(), measured)]
        return row_weights(self.name, evidence, rows, weights, reasons)
