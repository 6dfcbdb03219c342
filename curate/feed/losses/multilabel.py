"""Losses over sets of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import (
    Reduction,
    RowLoss,
    Weights,
    at_least_float32,
    known_weights,
    per_class,
    targets_of,
    where_counted,
    within,
)


class SoftBinaryCrossEntropy(RowLoss):
    """Binary cross-entropy of each class of a multilabel task, mean over classes, times the row's weight.

    Args:
        class_weights: (K,) factors of the positive term of each class (torch's `pos_weight`), 1 if left out.
        label_names: for messages about a wrong number of logits.
        reduction: as in `SoftCrossEntropy`.
    """

    class_weights: torch.Tensor | None

    def __init__(
        self, class_weights: Weights = None, label_names: Sequence[str] = (), reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.label_names = tuple(label_names)
        self.register_buffer("class_weights", per_class("class_weights", class_weights, self.label_names))

    def terms(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) losses of (B, K) logits, and (B,) weights.

        ``soft_labels`` count where the batch has them, else ``labels``, (B, K) in [0, 1]. A row whose ``labels`` are
        -100 has no label and counts for nothing.
        """
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = at_least_float32(logits)
            targets = targets_of(batch).to(device=logits.device, dtype=logits.dtype)
            if targets.shape != logits.shape:
                raise ConfigError(f"labels have the shape {tuple(targets.shape)}, the logits {tuple(logits.shape)}")
            weights = self.row_weights(batch).to(logits)
            return self.class_losses(where_counted(logits, weights), targets.clamp(0, 1)).mean(1), weights

    def class_losses(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(B, K) losses of each class of logits and targets in [0, 1]."""
        positive = None if self.class_weights is None else self.class_weights.to(logits)
        return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=positive, reduction="none")

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) the rows' own weights, 0 for rows without label; class weights stand in the loss of a row."""
        labels = batch.get("labels")
        labels = targets_of(batch) if labels is None else labels
        if labels.ndim != 2:
            raise ConfigError(
                f"labels must be (rows, classes) of 0 and 1 for sets of classes, not {tuple(labels.shape)}"
            )
        return known_weights(batch, labels.ge(0).all(1))


class Asymmetric(SoftBinaryCrossEntropy):
    """Binary cross-entropy that turns away from the many classes that a row easily has not.

    The positive term has the factor ``(1 - p) ** gamma_positive``, the negative one ``p ** gamma_negative``, with p in
    the negative term shifted down by `clip`, so that very easy negatives count for nothing. With both gammas and
    `clip` 0 it is binary cross-entropy, with equal gammas and no `clip` the binary focal loss.

    Source: Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, Asymmetric Loss for Multi-Label
    Classification, 2021.

    Args:
        gamma_positive: at least 0.
        gamma_negative: at least 0.
        clip: by which probabilities of classes that a row has not are lowered, in [0, 1].
        class_weights: as in `SoftBinaryCrossEntropy`.
        label_names: as in `SoftBinaryCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        gamma_positive: float = 1.0,
        gamma_negative: float = 4.0,
        clip: float = 0.05,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        self.gamma_positive = within("gamma_positive", gamma_positive, 0)
        self.gamma_negative = within("gamma_negative", gamma_negative, 0)
        self.clip = within("clip", clip, 0, 1)

    def class_losses(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(B, K) losses of each class."""
        least = torch.finfo(logits.dtype).eps
        log_p, log_not = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        positive = targets * log_not.exp().clamp_min(least) ** self.gamma_positive * log_p
        if self.class_weights is not None:
            positive = positive * self.class_weights.to(logits)
        p = log_p.exp()
        if self.clip:
            p = (p - self.clip).clamp_min(0)
            log_not = torch.log1p(-p.clamp_max(1 - least))
        negative = (1 - targets) * p.clamp_min(least) ** self.gamma_negative * log_not
        return -(positive + negative)
