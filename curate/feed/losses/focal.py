"""Losses that turn to the rows that are not yet got right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from curate.feed.losses.imbalance import effective_number_weights
from curate.feed.losses.row_loss import ClassLoss, Reduction, Weights, per_class, within


class Focal(ClassLoss):
    """Focal loss: the cross-entropy of each class times ``(1 - p) ** gamma``, so that easy rows count little.

    With a soft label q: ``sum_k q_k (1 - p_k) ** gamma (-log p_k)``. Class weights are the paper's alpha. With
    `gamma` 0 it is cross-entropy.

    Source: Lin, Goyal, Girshick, He, Dollár, Focal Loss for Dense Object Detection, 2017.

    Args:
        gamma: how fast easy rows lose weight, at least 0.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        self.gamma = within("gamma", gamma, 0)

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) focal losses."""
        # Masked before the power: a class left out may have a logit of minus infinity.
        log_p = functional.log_softmax(logits, dim=1).masked_fill(soft == 0, 0.0)
        # The power's slope at 0 is infinite for gamma below 1; the floor keeps it finite.
        missed = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).eps)
        return -(soft * missed**self.gamma * log_p).sum(1)


class ClassBalanced(Focal):
    """Cross-entropy (or focal loss, with `gamma`) with weights from the effective number of rows of each class.

    A class of n rows has the weight ``(1 - beta) / (1 - beta ** n)``, scaled to a mean of 1 over the classes. With
    `beta` 0 all weights are 1. The same weights in the plan, for any loss, come from the step `class_weights`.

    Source: Cui, Jia, Lin, Song, Belongie, Class-Balanced Loss Based on Effective Number of Samples, 2019.

    Args:
        class_counts: (K,) rows of each class, or the sum of their weights.
        beta: in [0, 1); near 1 the weights near 1 / n.
        gamma: of `Focal`, 0 for cross-entropy.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        class_counts: Sequence[float] | Any,
        beta: float = 0.999,
        gamma: float = 0.0,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        counts = per_class("class_counts", class_counts, label_names)
        assert counts is not None
        super().__init__(gamma, effective_number_weights(counts, beta), label_names, reduction)
