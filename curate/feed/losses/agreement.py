"""Losses that ask for agreement: of two draws of a row, or of a model with its teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import (
    ClassLoss,
    Reduction,
    Weights,
    at_least_float32,
    cross_entropy,
    where_counted,
    within,
)


class _Agreement(ClassLoss):
    """A loss with a term that needs no label; `unlabelled` rows count in it where asked."""

    def __init__(
        self, unlabelled: bool, class_weights: Weights, label_names: Sequence[str], reduction: Reduction
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        self.unlabelled = bool(unlabelled)

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) weights; rows without label have their own weight where `unlabelled` rows count, else 0."""
        weights = super().row_weights(batch)
        if not self.unlabelled:
            return weights
        soft = batch.get("soft_labels")
        known = batch["labels"] >= 0 if soft is None else soft.sum(1) > 0
        own = batch.get("weights")
        own = torch.ones_like(weights) if own is None else own.to(weights)
        return torch.where(known.to(weights.device), weights, own)


class Consistency(_Agreement):
    """Cross-entropy of two draws of each row, plus `strength` times how far their predictions are apart.

    Takes two tensors of logits, ``loss((first, second), batch)``: of two augmented draws of the rows, or of two passes
    under dropout. The cross-entropies of both are averaged. With `strength` 0, or one tensor of logits, as in
    evaluation, it is cross-entropy.

    Two loaders with one order and two seeds of augmentation give two draws of the same rows::

        first, second = (curated.loader(seed=k, sampler=Sampler(lines, batch_size=64, seed=0)) for k in (0, 1))
        for one, other in zip(first, second):
            loss((model(one["pixel_values"]), model(other["pixel_values"])), one)

    Source: Wu, Li, Wang, Meng, Qin, Chen, Zhang, Liu, R-Drop, 2021 (``symmetric_kl``); Laine, Aila, Temporal Ensembling
    for Semi-Supervised Learning, 2017 (``squared``).

    Args:
        strength: of the agreement, at least 0.
        form: ``symmetric_kl`` (mean of both divergences) or ``squared`` (mean squared difference of probabilities).
        unlabelled: let rows without label count for their agreement.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    passes = 2

    def __init__(
        self,
        strength: float = 1.0,
        form: Literal["symmetric_kl", "squared"] = "symmetric_kl",
        unlabelled: bool = False,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(unlabelled, class_weights, label_names, reduction)
        if form not in ("symmetric_kl", "squared"):
            raise ConfigError(f"unknown form {form!r} of consistency; known: symmetric_kl, squared")
        self.strength, self.form = within("strength", strength, 0), form

    def terms(
        self, logits: torch.Tensor | tuple[torch.Tensor, torch.Tensor], batch: Mapping[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) losses of one (B, K) tensor of logits or two, and (B,) weights."""
        if isinstance(logits, torch.Tensor):
            return super().terms(logits, batch)
        if len(logits) != 2:
            raise ConfigError(f"consistency compares two tensors of logits, not {len(logits)}")
        (first, weights), (second, _) = (super(Consistency, self).terms(one, batch) for one in logits)
        with torch.autocast(device_type=first.device.type, enabled=False):
            counted = (where_counted(at_least_float32(one), weights) for one in logits)
            apart = self._apart(*(functional.log_softmax(one, dim=1) for one in counted))
            return (first + second) / 2 + self.strength * apart, weights

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) cross-entropies, 0 without label."""
        return cross_entropy(functional.log_softmax(logits, dim=1), soft)

    def _apart(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """(B, K) log-probabilities twice -> (B,)."""
        if self.form == "squared":
            return (one.exp() - other.exp()).square().mean(1)
        # KL(one, other) + KL(other, one), in one sum.
        return ((one.exp() - other.exp()) * (one - other)).sum(1) / 2


class Distillation(_Agreement):
    """Cross-entropy, and the divergence from a teacher's predictions at a temperature.

    ``(1 - share) * CE + share * T² * KL(teacher at T, student at T)``; T² keeps the gradients of both alike. The
    teacher's logits stand in the batch as ``teacher_logits`` (B, K). With `share` 0 it is cross-entropy.

    Source: Hinton, Vinyals, Dean, Distilling the Knowledge in a Neural Network, 2015.

    Args:
        share: of the teacher, in [0, 1].
        temperature: greater than 0.
        unlabelled: let rows without label count for what the teacher says.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        share: float = 0.5,
        temperature: float = 2.0,
        unlabelled: bool = False,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(unlabelled, class_weights, label_names, reduction)
        self.share = within("share", share, 0, 1)
        if not within("temperature", temperature, 0):
            raise ConfigError("temperature must be greater than 0")
        self.temperature = float(temperature)

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses. The batch needs ``teacher_logits``."""
        own = cross_entropy(functional.log_softmax(logits, dim=1), soft)
        if not self.share:
            return own
        teacher = batch.get("teacher_logits")
        if teacher is None or teacher.shape != logits.shape:
            found = "none" if teacher is None else f"the shape {tuple(teacher.shape)}"
            raise ConfigError(
                f"distillation needs 'teacher_logits' of {tuple(logits.shape)} in the batch; found {found} (a function"
                " that is the loader's transform can add them, by row_id)"
            )
        hot = self.temperature
        said = functional.log_softmax(teacher.to(logits) / hot, dim=1).detach()
        student = functional.log_softmax(logits / hot, dim=1)
        apart = functional.kl_div(student, said, reduction="none", log_target=True).sum(1)
        return (1 - self.share) * own + self.share * hot**2 * apart
