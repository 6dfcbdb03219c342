"""Losses that know how often each class is drawn in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import ClassLoss, Reduction, Weights, cross_entropy, per_class, within


class _Prior(ClassLoss):
    """A loss over classes that are drawn `class_counts` times. A class that is never drawn counts as drawn once."""

    class_counts: torch.Tensor

    def __init__(
        self,
        class_counts: Sequence[float] | Any,
        class_weights: Weights,
        label_names: Sequence[str],
        reduction: Reduction,
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        counts = per_class("class_counts", class_counts, self.label_names)
        if counts is None or not float(counts.sum()):
            raise ConfigError("class_counts must say how often each class is drawn, and not be all 0")
        self.register_buffer("class_counts", torch.where(counts > 0, counts, torch.ones_like(counts)))

    def _prior_of(self, logits: torch.Tensor) -> torch.Tensor:
        """(K,) counts on the device and in the type of the logits."""
        counts = self.class_counts.to(logits)
        if len(counts) != logits.shape[1]:
            raise ConfigError(f"{len(counts)} class_counts, but logits of {logits.shape[1]} classes")
        return counts


class LogitAdjusted(_Prior):
    """Cross-entropy of logits to which ``tau * log(prior)`` is added in training.

    The model then learns scores for classes that are equally frequent: at test time take the logits as they are. With
    `tau` 0, or equal counts, it is cross-entropy. Together with class weights, or a sampler that evens out the
    classes, rare classes would be made up for twice.

    Source: Menon, Jayasumana, Rawat, Jain, Veit, Kumar, Long-Tail Learning via Logit Adjustment, 2021.

    Args:
        class_counts: (K,) how often each class is drawn in training (rows, or the sum of their weights).
        tau: strength, at least 0; 1 is what balanced accuracy asks for.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        class_counts: Sequence[float] | Any,
        tau: float = 1.0,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_counts, class_weights, label_names, reduction)
        self.tau = within("tau", tau, 0)

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) cross-entropies of the adjusted logits."""
        counts = self._prior_of(logits)
        adjusted = logits + self.tau * torch.log(counts / counts.sum())
        return cross_entropy(functional.log_softmax(adjusted, dim=1), soft)


class BalancedSoftmax(LogitAdjusted):
    """Cross-entropy of a softmax in which every class counts as often as it is drawn.

    The same as `LogitAdjusted` with `tau` 1, under the name of its own paper; with equal counts, cross-entropy.

    Source: Ren, Yu, Sheng, Ma, Zhao, Yi, Li, Balanced Meta-Softmax for Long-Tailed Visual Recognition, 2020.

    Args:
        class_counts: as in `LogitAdjusted`.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        class_counts: Sequence[float] | Any,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_counts, 1.0, class_weights, label_names, reduction)


class LDAM(_Prior):
    """Label-distribution-aware margins, with class weights from a later epoch on (DRW: deferred re-weighting).

    The logit of a row's class is lowered by a margin in proportion to ``n ** -0.25``, `max_margin` for the rarest
    class, before cross-entropy; a soft label lowers each class by its share. With `max_margin` 0 and `scale` 1 it is
    cross-entropy. Weights (those given, else of the effective number of rows with `beta`) count from epoch
    `reweight_from` on, as `set_epoch` says; the trainers of `curate.feed.trainers` call it.

    Source: Cao, Wei, Gaidon, Arechiga, Ma, Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss,
    2019.

    Args:
        class_counts: (K,) how often each class is drawn in training.
        max_margin: largest margin, in units of the logit before scaling.
        scale: factor of the logits; the paper's 30 is for logits that are cosines.
        reweight_from: first epoch with class weights; None for never.
        beta: of the effective number of rows, in [0, 1).
        class_weights: (K,) in place of the weights by effective number.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    deferred_weights: torch.Tensor
    margins: torch.Tensor

    def __init__(
        self,
        class_counts: Sequence[float] | Any,
        max_margin: float = 0.5,
        scale: float = 1.0,
        reweight_from: int | None = None,
        beta: float = 0.9999,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_counts, class_weights, label_names, reduction)
        within("max_margin", max_margin, 0)
        if not within("scale", scale, 0):
            raise ConfigError("scale must be greater than 0")
        if reweight_from is not None:
            within("reweight_from", reweight_from, 0)
        self.scale, self.reweight_from = float(scale), reweight_from
        margins = self.class_counts**-0.25
        self.register_buffer("margins", margins * (max_margin / margins.max()))
        own = self.class_weights
        self.register_buffer(
            "deferred_weights", effective_number_weights(self.class_counts, beta) if own is None else own
        )
        self.class_weights = None
        # A flag and not the epoch: compiled code is made anew once, when it turns, and not for every epoch.
        self._reweights = reweight_from == 0

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch: from `reweight_from` on, classes have weights."""
        self._reweights = self.reweight_from is not None and epoch >= self.reweight_from

    def _factors(self) -> torch.Tensor | None:
        return self.deferred_weights if self._reweights else None

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) cross-entropies with margins."""
        self._prior_of(logits)
        lowered = self.scale * (logits - soft * self.margins.to(logits))
        return cross_entropy(functional.log_softmax(lowered, dim=1), soft)


def effective_number_weights(counts: torch.Tensor, beta: float) -> torch.Tensor:
    """(K,) counts -> (K,) weights ``(1 - beta) / (1 - beta ** n)`` with a mean of 1; no rows count as one."""
    beta = within("beta", beta, 0, 1)
    if beta == 1:
        raise ConfigError("beta must be less than 1")
    exact = counts.double().clamp_min(1)
    weights = (1 - beta) / (1 - beta**exact)
    return (weights / weights.mean()).to(counts.dtype)
