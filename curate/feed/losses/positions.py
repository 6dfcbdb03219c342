"""Losses over the positions of a row: the pixels of an image, the tokens of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import Reduction, RowLoss, Weights, at_least_float32, per_class, within
from curate.task import BACKGROUND_NAMES
from curate.wording import counted, some_of


class PositionLoss(RowLoss):
    """A loss for each position with a label: weighted by its class and by its row, divided by the sum of the weights.

    Positions whose label is negative or `ignore_index` count for nothing. Class weights are those of the label's class.
    Logits of images that are smaller than the labels, as many models give them, are brought to their size (bilinear).

    Args:
        class_weights: (K,) weights, 1 for every class if left out.
        label_names: the K classes.
        background: what the value 0 of masks is where the names have no background: 0 for a class of its own, before
            the others and with weight 1; None where there is none.
        ignore_index: label that does not count.
        reduction: ``mean`` (divided by the sum of the weights), ``sum``, or ``none`` (weighted losses, of the shape of
            the labels).
    """

    class_weights: torch.Tensor | None

    def __init__(
        self,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        background: int | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        weights = per_class("class_weights", class_weights, label_names)
        names = tuple(label_names)
        if background == 0 and names and not any(name.lower() in BACKGROUND_NAMES for name in names):
            names = ("background", *names)
            weights = None if weights is None else torch.cat([torch.ones(1), weights])
        self.label_names, self.ignore_index = names, ignore_index
        self.register_buffer("class_weights", weights)

    def position_losses(self, log_p: torch.Tensor) -> torch.Tensor:
        """Losses, of the same shape, from the log-probability of each position's label."""
        raise NotImplementedError

    def terms(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses, not weighted, and weights, both of the shape of the labels.

        Args:
            logits: (B, K, h, w) for pixels, (B, T, K) for tokens.
            batch: ``labels`` (B, H, W) or (B, T) int64; ``weights`` (B,), 1 if left out.

        Raises:
            ConfigError: the shapes do not go together.
        """
        with torch.autocast(device_type=logits.device.type, enabled=False):
            labels = self._labels(batch).to(logits.device)
            logits = self._checked(at_least_float32(logits), labels)
            axis = 1 if labels.ndim == 3 else -1
            weights = self.row_weights(batch).to(logits)
            counted = weights > 0
            chosen = torch.where(counted, labels, torch.zeros_like(labels)).unsqueeze(axis)
            # Before the softmax: 0 times the NaN of a position that does not count would reach the gradient.
            logits = torch.where(counted.unsqueeze(axis), logits, 0)
            log_p = functional.log_softmax(logits, dim=axis).gather(axis, chosen).squeeze(axis)
            losses = self.position_losses(log_p)
            return torch.where(counted, losses, torch.zeros_like(losses)), weights

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Weight of each position: that of its row times that of its class, 0 where it has no label."""
        labels = self._labels(batch)
        if self.class_weights is not None:
            labels = labels.to(self.class_weights.device)
        known = self._known(labels)
        weights = known.to(torch.float32)
        if self.class_weights is not None:
            weights = self.class_weights[torch.where(known, labels, torch.zeros_like(labels))] * known
        own = batch.get("weights")
        if own is None:
            return weights
        if own.shape != labels.shape[:1]:
            raise ConfigError(f"{tuple(own.shape)} weights for {len(labels)} rows")
        return weights * at_least_float32(own.to(labels.device)).reshape(-1, *[1] * (labels.ndim - 1))

    def _known(self, labels: torch.Tensor) -> torch.Tensor:
        return (labels >= 0) & (labels != self.ignore_index)

    def _labels(self, batch: Mapping[str, Any]) -> torch.Tensor:
        labels = batch.get("labels")
        if not isinstance(labels, torch.Tensor) or labels.is_floating_point() or labels.ndim not in (2, 3):
            found = f"{tuple(labels.shape)} of {labels.dtype}" if isinstance(labels, torch.Tensor) else type(labels)
            raise ConfigError(f"labels must be whole numbers, (rows, tokens) or (rows, height, width), not {found}")
        return labels

    def _checked(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        form = ("rows", "classes", "height", "width") if labels.ndim == 3 else ("rows", "tokens", "classes")
        if logits.ndim != len(form):
            raise ConfigError(f"logits must have the shape ({', '.join(form)}), not {tuple(logits.shape)}")
        if labels.ndim == 3 and logits.shape[2:] != labels.shape[1:]:
            logits = functional.interpolate(logits, labels.shape[1:], mode="bilinear", align_corners=False)
        classes = logits.shape[1 if labels.ndim == 3 else -1]
        if (self.label_names and classes != len(self.label_names)) or (
            labels.ndim == 2 and logits.shape[1] != labels.shape[1]
        ):
            wanted = [f"{labels.shape[1]} tokens"] if labels.ndim == 2 else []
            if self.label_names:
                wanted.append(f"{len(self.label_names)} classes ({some_of(self.label_names, 3)})")
            raise ConfigError(f"logits must be of {' and '.join(wanted)}; they have the shape {tuple(logits.shape)}")
        self._refuse_too_few(classes, labels)
        return logits

    def _refuse_too_few(self, classes: int, labels: torch.Tensor) -> None:
        """Raise ConfigError for labels beyond the outputs of a model, where no names say how many classes there are.

        Not on a device, which would have to be waited for.
        """
        if self.label_names or labels.device.type != "cpu" or torch.compiler.is_compiling() or not labels.numel():
            return
        largest = int(torch.where(self._known(labels), labels, -1).max())
        if largest >= classes:
            raise ConfigError(
                f"the labels go up to {largest}, and the logits are of {counted(classes, 'class', 'classes')}: the"
                f" model needs {largest + 1} outputs or more"
            )


class PositionCrossEntropy(PositionLoss):
    """Cross-entropy of every pixel or token; see `PositionLoss`."""

    def position_losses(self, log_p: torch.Tensor) -> torch.Tensor:
        """Cross-entropies."""
        return -log_p


class PositionFocal(PositionLoss):
    """Focal loss of every pixel or token: ``-(1 - p) ** gamma log p``; see `PositionLoss` and `Focal`.

    Source: Lin, Goyal, Girshick, He, Dollár, Focal Loss for Dense Object Detection, 2017.

    Args:
        gamma: how fast easy positions lose weight, at least 0; 0 is cross-entropy.
        settings: of `PositionLoss`.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        background: int | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, background, ignore_index, reduction)
        self.gamma = within("gamma", gamma, 0)

    def position_losses(self, log_p: torch.Tensor) -> torch.Tensor:
        """Focal losses."""
        # The power's slope at 0 is infinite for gamma below 1; the floor keeps it finite.
        return -((-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).eps) ** self.gamma) * log_p


class PositionGeneralisedCrossEntropy(PositionLoss):
    """``(1 - p ** q) / q`` of every pixel or token; see `PositionLoss` and `GeneralisedCrossEntropy`.

    Source: Zhang, Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018.

    Args:
        q: in [0, 1]; 0 is cross-entropy; the larger, the less a label that seems wrong counts.
        settings: of `PositionLoss`.
    """

    def __init__(
        self,
        q: float = 0.7,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        background: int | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, background, ignore_index, reduction)
        self.q = within("q", q, 0, 1)

    def position_losses(self, log_p: torch.Tensor) -> torch.Tensor:
        """Losses."""
        return -log_p if self.q == 0 else -torch.expm1(self.q * log_p) / self.q
