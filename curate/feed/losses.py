"""Losses over batches of the feed: soft labels, class weights and row weights that don't get in each other's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch.nn import functional

from curate.errors import ConfigError

MISSING = -100
"""The label of a row that has none; torch's own losses leave it out too."""

Reduction = Literal["mean", "sum", "none"]


class _RowLoss(torch.nn.Module):
    """A loss per row times the row's weight, summed and divided by the sum of the weights."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ConfigError(f"unknown reduction {reduction!r}; known: mean, sum, none")
        self.reduction = reduction

    def _reduce(self, losses: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """(B,) losses and weights, 0 for rows that don't count -> scalar, or (B,) for ``none``."""
        weighted = losses * weights
        if self.reduction == "none":
            return weighted
        total = weighted.sum()
        if self.reduction == "sum":
            return total
        # Nothing that counts gives 0 with a gradient of 0, not NaN.
        mass = weights.sum()
        return total / torch.where(mass > 0, mass, torch.ones_like(mass))

    @staticmethod
    def _row_weights(batch: Mapping[str, Any], known: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        weights = batch.get("weights")
        own = torch.ones_like(like) if weights is None else weights.to(device=like.device, dtype=like.dtype)
        return torch.where(known, own, torch.zeros_like(own))


class SoftCrossEntropy(_RowLoss):
    """Cross-entropy on soft labels, in which class weight and row weight multiply the loss of the whole row.

    With logits z, soft label q, row weight w and class weight c of row i::

        loss = sum_i w_i c_i CE(q_i, softmax(z_i)) / sum_i w_i c_i

    c_i is the class weight of the row's hard label. It does not depend on the logit, so for rows that look alike the
    optimum is the soft label whatever the weights are. (torch's ``CrossEntropyLoss(weight, label_smoothing)`` weights
    each term of the inner sum instead, which moves the optimum to q * weight, normalised.) The hard label and not the
    soft one chooses the class weight because class weights are made from the counts of hard labels: with smoothing,
    ``q @ class_weights`` would give back part of what they were to even out. Where two rows are mixed (the batch has
    ``partner_labels`` and ``share``) the class weights of both are mixed with the same shares; a row that has a soft
    label alone takes ``q @ class_weights``.

    Rows without any label (-100, and a soft label of all 0) count for nothing; a batch of such rows alone gives 0.
    Computed in float32 at least, under autocast too.

    Args:
        class_weights: (K,) weights, 1 for every class if left out.
        label_names: for messages about a wrong number of logits.
        reduction: ``mean`` (divided by the sum of the weights), ``sum``, or ``none`` ((B,) weighted losses).
    """

    class_weights: torch.Tensor | None

    def __init__(
        self,
        class_weights: Sequence[float] | Any | None = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.label_names = tuple(label_names)
        self.register_buffer("class_weights", _weights("class_weights", class_weights, self.label_names))

    def forward(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """The loss.

        Args:
            logits: (B, K).
            batch: ``labels`` (B,) int64, -100 where missing, or ``soft_labels`` (B, K) whose rows sum to 1 (all 0
                where missing), or both; ``weights`` (B,), 1 if left out; ``partner_labels`` and ``share`` (B,) where
                rows are mixed.

        Raises:
            ConfigError: the batch has neither kind of label, or the number of logits is not that of the classes.
        """
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = _at_least_float32(logits)
            hard = _on(batch.get("labels"), logits.device)
            soft = self._soft_labels(logits, batch.get("soft_labels"), hard)
            # A class that the soft label leaves out may have a logit of minus infinity: 0 times it must be 0.
            losses = -(soft * functional.log_softmax(logits, dim=1).masked_fill(soft == 0, 0.0)).sum(1)
            weights = self._row_weights(batch, soft.sum(1) > 0, losses)
            if self.class_weights is not None:
                weights = weights * self._class_factor(batch, soft, hard)
            return self._reduce(losses, weights)

    def _soft_labels(self, logits: torch.Tensor, soft: Any, hard: torch.Tensor | None) -> torch.Tensor:
        classes = logits.shape[-1]
        expected = len(self.label_names) or (classes if self.class_weights is None else len(self.class_weights))
        if logits.ndim != 2 or classes != expected:
            raise ConfigError(f"logits must have the shape (rows, {expected} classes), not {tuple(logits.shape)}")
        if soft is None:
            if hard is None:
                raise ConfigError("the batch has neither 'labels' nor 'soft_labels'")
            known = hard >= 0
            one_hot = functional.one_hot(torch.where(known, hard, torch.zeros_like(hard)), classes)
            return one_hot.to(logits.dtype) * known.unsqueeze(1)
        if soft.shape != logits.shape:
            raise ConfigError(f"soft_labels have the shape {tuple(soft.shape)}, the logits {tuple(logits.shape)}")
        return soft.to(device=logits.device, dtype=logits.dtype)

    def _class_factor(self, batch: Mapping[str, Any], soft: torch.Tensor, hard: torch.Tensor | None) -> torch.Tensor:
        """(B,) class weight of each row."""
        assert self.class_weights is not None
        weights = self.class_weights.to(device=soft.device, dtype=soft.dtype)
        believed = soft @ weights
        if hard is None:
            return believed
        own = _of_class(weights, hard, believed)
        partner = _on(batch.get("partner_labels"), soft.device)
        if partner is None:
            return own
        share = batch["share"].to(device=soft.device, dtype=soft.dtype)
        return share * own + (1 - share) * _of_class(weights, partner, believed)


class SoftBinaryCrossEntropy(_RowLoss):
    """Binary cross-entropy of each class of a multilabel task, mean over classes, times the row's weight.

    Args:
        class_weights: (K,) factors of the positive term of each class (torch's `pos_weight`), 1 if left out.
        label_names: for messages about a wrong number of logits.
        reduction: as in `SoftCrossEntropy`.
    """

    class_weights: torch.Tensor | None

    def __init__(
        self,
        class_weights: Sequence[float] | Any | None = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.label_names = tuple(label_names)
        self.register_buffer("class_weights", _weights("class_weights", class_weights, self.label_names))

    def forward(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """The loss of (B, K) logits; ``soft_labels`` where the batch has them, else ``labels``, (B, K) in [0, 1].

        A row whose ``labels`` are -100 has no label and counts for nothing.
        """
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = _at_least_float32(logits)
            targets = batch["soft_labels"] if batch.get("soft_labels") is not None else batch["labels"]
            targets = targets.to(device=logits.device, dtype=logits.dtype)
            if targets.shape != logits.shape:
                raise ConfigError(f"labels have the shape {tuple(targets.shape)}, the logits {tuple(logits.shape)}")
            labels = batch.get("labels")
            known = (targets if labels is None else labels.to(logits.device)).ge(0).all(1)
            positive = None if self.class_weights is None else self.class_weights.to(logits)
            losses = functional.binary_cross_entropy_with_logits(
                logits, targets.clamp(0, 1), pos_weight=positive, reduction="none"
            ).mean(1)
            return self._reduce(losses, self._row_weights(batch, known, losses))


class WeightedRegression(_RowLoss):
    """A regression loss times the row's weight, divided by the sum of the weights.

    Args:
        form: ``huber`` (quadratic up to `delta`, then linear), ``squared`` or ``absolute``.
        delta: where ``huber`` turns linear, in units of the label.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        form: Literal["huber", "squared", "absolute"] = "huber",
        delta: float = 1.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        if form not in ("huber", "squared", "absolute"):
            raise ConfigError(f"unknown form {form!r} of a regression loss; known: huber, squared, absolute")
        if not delta > 0:
            raise ConfigError(f"delta must be greater than 0, not {delta!r}")
        self.form, self.delta = form, float(delta)

    def forward(self, predictions: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """The loss of (B,) or (B, 1) predictions; ``soft_labels`` (mixed values) where there are any, else ``labels``.

        A row whose label is NaN counts for nothing.
        """
        with torch.autocast(device_type=predictions.device.type, enabled=False):
            predictions = _at_least_float32(predictions)
            if predictions.ndim == 2 and predictions.shape[1] == 1:
                predictions = predictions.squeeze(1)
            targets = batch["soft_labels"] if batch.get("soft_labels") is not None else batch["labels"]
            targets = targets.to(device=predictions.device, dtype=predictions.dtype)
            if targets.shape != predictions.shape:
                raise ConfigError(f"{tuple(targets.shape)} labels, but predictions of {tuple(predictions.shape)}")
            known = torch.isfinite(targets)
            targets = torch.where(known, targets, predictions.detach())
            if self.form == "huber":
                losses = functional.huber_loss(predictions, targets, reduction="none", delta=self.delta)
            elif self.form == "squared":
                losses = functional.mse_loss(predictions, targets, reduction="none")
            else:
                losses = functional.l1_loss(predictions, targets, reduction="none")
            return self._reduce(losses, self._row_weights(batch, known, losses))


def make_loss(
    kind: str | None,
    class_weights: Sequence[float] | Any | None = None,
    label_names: Sequence[str] = (),
    **settings: Any,
) -> torch.nn.Module:
    """The loss for a kind of task: classes, sets of classes, or numbers.

    Args:
        kind: ``classification``, ``multilabel`` or ``regression``.
        class_weights: (K,) weights; none for regression.
        label_names: the K classes.
        settings: further arguments of the loss (`reduction`; `form` and `delta` for regression).

    Raises:
        ConfigError: there is no loss for that kind, or class weights that can't be.
    """
    if kind == "classification":
        return SoftCrossEntropy(class_weights, label_names, **settings)
    if kind == "multilabel":
        return SoftBinaryCrossEntropy(class_weights, label_names, **settings)
    if kind == "regression":
        return WeightedRegression(**settings)
    raise ConfigError(f"there is no loss for a {kind} task; there is one for classification, multilabel and regression")


def _on(tensor: torch.Tensor | None, device: torch.device) -> torch.Tensor | None:
    return None if tensor is None else tensor.to(device)


def _at_least_float32(values: torch.Tensor) -> torch.Tensor:
    return values if values.dtype == torch.float64 else values.float()


def _of_class(weights: torch.Tensor, labels: torch.Tensor, otherwise: torch.Tensor) -> torch.Tensor:
    known = labels >= 0
    return torch.where(known, weights[torch.where(known, labels, torch.zeros_like(labels))], otherwise)


def _weights(name: str, values: Any, label_names: Sequence[str]) -> torch.Tensor | None:
    if values is None:
        return None
    weights = torch.as_tensor(values, dtype=torch.float32).detach().clone()
    if weights.ndim != 1 or (label_names and len(weights) != len(label_names)):
        expected = f"{len(label_names)} numbers, one per class" if label_names else "one number per class"
        raise ConfigError(f"{name} must be {expected}; found the shape {tuple(weights.shape)}")
    wrong = ~(torch.isfinite(weights) & (weights >= 0))
    if bool(wrong.any()):
        place = int(wrong.nonzero()[0])
        of = f" of {label_names[place]!r}" if label_names else f"[{place}]"
        raise ConfigError(f"{name} must be finite and at least 0; that{of} is {float(weights[place])}")
    return weights
