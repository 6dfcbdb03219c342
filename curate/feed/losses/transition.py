"""Losses that know how labels were confused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import ClassLoss, Reduction, Weights, cross_entropy

LEAST_SINGULAR_VALUE = 1e-3
"""A matrix whose smallest singular value is less can't be inverted without blowing up the loss a thousand times."""


class _Transition(ClassLoss):
    """A loss with a transition matrix, ``transition[i, j]`` = share of the rows truly of class i with label j."""

    transition: torch.Tensor

    def __init__(
        self,
        transition: Sequence[Sequence[float]] | Any,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        matrix = torch.as_tensor(transition, dtype=torch.float64).detach().clone()
        classes = len(self.label_names) or (matrix.shape[0] if matrix.ndim else 0)
        if matrix.ndim != 2 or matrix.shape != (classes, classes):
            raise ConfigError(
                f"transition must be {classes} x {classes} numbers; found the shape {tuple(matrix.shape)}"
            )
        if not bool((torch.isfinite(matrix) & (matrix >= 0)).all()):
            raise ConfigError("transition must be finite and at least 0")
        off = (matrix.sum(1) - 1).abs()
        if bool((off > 1e-3).any()):
            row = int(off.argmax())
            of = f" ({self.label_names[row]!r})" if self.label_names else ""
            raise ConfigError(
                f"every row of transition must sum to 1 (what becomes of one true class); row {row}{of} sums to"
                f" {float(matrix[row].sum()):.4g}"
            )
        self.register_buffer("transition", (matrix / matrix.sum(1, keepdim=True)).to(torch.float32))

    def _matrix(self, matrix: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if len(matrix) != logits.shape[1]:
            raise ConfigError(f"transition is of {len(matrix)} classes, the logits of {logits.shape[1]}")
        return matrix.to(logits)


class ForwardCorrection(_Transition):
    """Cross-entropy between the given label and the prediction sent through the transition matrix.

    The model learns the true classes, and what is compared with the labels is how these would be confused. With the
    unit matrix it is cross-entropy.

    Source: Patrini, Rozza, Menon, Nock, Qu, Making Deep Neural Networks Robust to Label Noise: a Loss Correction
    Approach, 2017.

    Args:
        transition: (K, K); row i: how the labels of rows that are truly of class i are spread. Rows sum to 1.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses."""
        matrix = self._matrix(self.transition, logits)
        log_p = functional.log_softmax(logits, dim=1)
        seen = log_p.exp() @ matrix
        least = 1e-30
        # Where the sum underflows, its term on the diagonal bounds it from below and keeps the gradient alive.
        diagonal = log_p + matrix.diagonal().clamp_min(least).log()
        return cross_entropy(torch.where(seen > least, seen.clamp_min(least).log(), diagonal), soft)


class BackwardCorrection(_Transition):
    """Cross-entropies of all classes, combined by the inverse transition matrix: unbiased, at the price of variance.

    The loss of a row may be negative. With the unit matrix it is cross-entropy.

    Source: Patrini and others, 2017 (see `ForwardCorrection`).

    Args:
        transition: as in `ForwardCorrection`; it must be well enough invertible.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    inverse: torch.Tensor

    def __init__(
        self,
        transition: Sequence[Sequence[float]] | Any,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(transition, class_weights, label_names, reduction)
        exact = self.transition.double()
        least = float(torch.linalg.svdvals(exact)[-1])
        if least < LEAST_SINGULAR_VALUE:
            raise ConfigError(
                f"transition can't be inverted (smallest singular value {least:.2g}, needed"
                f" {LEAST_SINGULAR_VALUE:g}): take forward correction, which needs no inverse"
            )
        self.register_buffer("inverse", torch.linalg.inv(exact).to(torch.float32))

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses."""
        # A label y has the loss sum_j inverse[y, j] * l_j, whose mean over the labels of a true class is its own l.
        corrected = soft @ self._matrix(self.inverse, logits)
        return cross_entropy(functional.log_softmax(logits, dim=1), corrected)
