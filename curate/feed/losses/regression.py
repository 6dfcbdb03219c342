"""Losses over numbers, from squared error to those that outliers hardly move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import torch
from torch.nn import functional

from curate.errors import ConfigError, nearest
from curate.feed.losses.row_loss import (
    Reduction,
    RowLoss,
    at_least_float32,
    known_weights,
    targets_of,
    where_counted,
    within,
)

Form = Literal["huber", "squared", "absolute", "log_cosh", "cauchy", "quantile"]


class WeightedRegression(RowLoss):
    """A regression loss times the row's weight, divided by the sum of the weights.

    With the error e, in units of the label, and d = `delta`: ``huber`` is e² / 2 up to d, then d (|e| - d / 2);
    ``log_cosh`` d² log cosh(e / d), a smooth Huber; ``cauchy`` d² / 2 log(1 + (e / d)²), in which far outliers hardly
    count; ``squared`` e²; ``absolute`` |e|; ``quantile`` the pinball loss, whose optimum is that quantile. For
    large `delta` the first three are half the squared error.

    Source: Huber, Robust Estimation of a Location Parameter, 1964; Black, Anandan, 1996 (Cauchy, or Lorentzian);
    Koenker, Bassett, Regression Quantiles, 1978.

    Args:
        form: ``huber``, ``squared``, ``absolute``, ``log_cosh``, ``cauchy`` or ``quantile``.
        delta: from what error on a row counts less, in units of the label.
        reduction: as in `SoftCrossEntropy`.
        quantile: in (0, 1), of the form ``quantile``.
    """

    def __init__(
        self,
        form: Form = "huber",
        delta: float = 1.0,
        reduction: Reduction = "mean",
        quantile: float = 0.5,
    ) -> None:
        super().__init__(reduction)
        known = get_args(Form)
        if form not in known:
            raise ConfigError(
                f"unknown form {form!r} of a regression loss{nearest(str(form), known)}; known: {', '.join(known)}"
            )
        if not delta > 0:
            raise ConfigError(f"delta must be greater than 0, not {delta!r}")
        if not 0 < within("quantile", quantile, 0, 1) < 1:
            raise ConfigError(f"quantile must lie between 0 and 1, not at {quantile!r}")
        self.form, self.delta, self.quantile = form, float(delta), float(quantile)

    def terms(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) losses of (B,) or (B, 1) predictions, and (B,) weights.

        ``soft_labels`` (mixed values) count where there are any, else ``labels``; a row whose label is NaN counts for
        nothing.
        """
        with torch.autocast(device_type=logits.device.type, enabled=False):
            predictions = at_least_float32(logits)
            if predictions.ndim == 2 and predictions.shape[1] == 1:
                predictions = predictions.squeeze(1)
            targets = targets_of(batch).to(device=predictions.device, dtype=predictions.dtype)
            if targets.shape != predictions.shape:
                raise ConfigError(f"{tuple(targets.shape)} labels, but predictions of {tuple(predictions.shape)}")
            weights = self.row_weights(batch).to(predictions)
            losses = self._losses(where_counted(predictions, weights), where_counted(targets, weights))
            return losses, weights

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) the rows' own weights, 0 where the label is NaN."""
        targets = targets_of(batch)
        if targets.ndim != 1:
            raise ConfigError(f"labels must be (rows,) numbers, not {tuple(targets.shape)}")
        return known_weights(batch, torch.isfinite(targets))

    def _losses(self, predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.form == "huber":
            return functional.huber_loss(predictions, targets, reduction="none", delta=self.delta)
        if self.form == "squared":
            return functional.mse_loss(predictions, targets, reduction="none")
        if self.form == "absolute":
            return functional.l1_loss(predictions, targets, reduction="none")
        error = targets - predictions
        if self.form == "quantile":
            return torch.maximum(self.quantile * error, (self.quantile - 1) * error)
        scaled = error / self.delta
        if self.form == "cauchy":
            return self.delta**2 / 2 * torch.log1p(scaled**2)
        # log cosh x without overflow: x + log(1 + exp(-2 x)) - log 2, with x at least 0.
        size = scaled.abs()
        return self.delta**2 * (size + functional.softplus(-2 * size) - 0.6931471805599453)
