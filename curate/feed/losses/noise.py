"""Losses that wrong labels lead less astray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.losses.row_loss import ClassLoss, Reduction, Weights, cross_entropy, within


class GeneralisedCrossEntropy(ClassLoss):
    """``(1 - p ** q) / q`` of the label's probability p: between cross-entropy (q = 0) and absolute error (q = 1).

    Source: Zhang, Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018.

    Args:
        q: in [0, 1]; the larger, the less a row with a label that seems wrong counts.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        q: float = 0.7,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        self.q = within("q", q, 0, 1)

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses."""
        log_p = functional.log_softmax(logits, dim=1)
        if self.q == 0:
            return cross_entropy(log_p, soft)
        return -(soft * torch.expm1(self.q * log_p.masked_fill(soft == 0, 0.0)) / self.q).sum(1)


class SymmetricCrossEntropy(ClassLoss):
    """``alpha`` times cross-entropy plus ``beta`` times reverse cross-entropy (of the label, under the prediction).

    The reverse term is bounded: log 0 of a label is taken as `log_zero`. With `alpha` 1 and `beta` 0 it is
    cross-entropy.

    Source: Wang, Ma, Chen, Luo, Yi, Bailey, Symmetric Cross Entropy for Robust Learning with Noisy Labels, 2019.

    Args:
        alpha: factor of cross-entropy.
        beta: factor of reverse cross-entropy.
        log_zero: what stands for the logarithm of a label's 0, less than 0.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 1.0,
        log_zero: float = -4.0,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        self.alpha, self.beta = within("alpha", alpha, 0), within("beta", beta, 0)
        if not log_zero < 0:
            raise ConfigError(f"log_zero must be less than 0, not {log_zero!r}")
        self.log_zero = float(log_zero)

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses."""
        log_p = functional.log_softmax(logits, dim=1)
        log_label = soft.clamp_min(torch.finfo(soft.dtype).tiny).log().clamp_min(self.log_zero)
        return self.alpha * cross_entropy(log_p, soft) - self.beta * (log_p.exp() * log_label).sum(1)


class Bootstrapping(ClassLoss):
    """Cross-entropy against a mixture of the label and the model's own prediction.

    ``soft`` mixes in the predicted probabilities, ``hard`` the predicted class. With `beta` 1 it is cross-entropy.

    Source: Reed, Lee, Anguelov, Szegedy, Erhan, Rabinovich, Training Deep Neural Networks on Noisy Labels with
    Bootstrapping, 2015.

    Args:
        form: ``soft`` or ``hard``.
        beta: share of the label in [0, 1]; by default the paper's 0.95 for soft, 0.8 for hard.
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    def __init__(
        self,
        form: Literal["soft", "hard"] = "soft",
        beta: float | None = None,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        if form not in ("soft", "hard"):
            raise ConfigError(f"unknown form {form!r} of bootstrapping; known: soft, hard")
        self.form = form
        self.beta = within("beta", {"soft": 0.95, "hard": 0.8}[form] if beta is None else beta, 0, 1)

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses."""
        log_p = functional.log_softmax(logits, dim=1)
        own = cross_entropy(log_p, soft)
        if self.beta == 1:
            return own
        if self.form == "hard":
            believed = -log_p.max(1).values
        else:
            p = log_p.exp()
            believed = -(p * log_p.masked_fill(p == 0, 0.0)).sum(1)
        return self.beta * own + (1 - self.beta) * believed


class EarlyLearning(ClassLoss):
    """Early-learning regularisation: cross-entropy that keeps the model near what it said of each row before.

    Adds ``strength * log(1 - <p, t>)``, with t the running mean of the row's predictions. Networks fit right labels
    before wrong ones; what was learned early is so kept when wrong labels pull the other way. With `strength` 0 it is
    cross-entropy.

    The memory takes (rows, K) float32 and is part of the `state_dict`. It is written in training mode only. Rows
    that are mixed with others have none: their prediction is not that of one row. Under data parallelism every
    process remembers the rows that it draws.

    Source: Liu, Niles-Weed, Razavian, Fernandez-Granda, Early-Learning Regularization Prevents Memorization of Noisy
    Labels, 2020.

    Args:
        strength: of the regularisation (lambda), at least 0.
        momentum: share of the old in the running mean, in [0, 1).
        class_weights: as in `SoftCrossEntropy`.
        label_names: as in `SoftCrossEntropy`.
        reduction: as in `SoftCrossEntropy`.
    """

    memory: torch.Tensor

    def __init__(
        self,
        strength: float = 3.0,
        momentum: float = 0.7,
        class_weights: Weights = None,
        label_names: Sequence[str] = (),
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(class_weights, label_names, reduction)
        self.strength, self.momentum = within("strength", strength, 0), within("momentum", momentum, 0, 1)
        if self.momentum == 1:
            raise ConfigError("momentum must be less than 1: the running means would never learn anything")
        self.register_buffer("memory", torch.zeros(0, 0))
        self._places: dict[str, int] = {}

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses. The batch needs ``row_id``."""
        log_p = functional.log_softmax(logits, dim=1)
        own = cross_entropy(log_p, soft)
        if not self.strength:
            return own
        # Never all the mass on one class, so that the logarithm below stays finite.
        p = log_p.exp().clamp(1e-4, 1 - 1e-4)
        remember: Any = self._remember
        remembered = remember(p.detach(), batch)
        return own + self.strength * torch.log1p(-(remembered * p).sum(1).clamp_max(1 - 1e-4))

    @torch.compiler.disable
    def _remember(self, p: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B, K) running means of the rows of a batch, brought up to date in training mode."""
        row_ids = batch.get("row_id")
        if row_ids is None and not self.training:
            return torch.zeros_like(p)
        if row_ids is None or len(row_ids) != len(p):
            raise ConfigError("early-learning regularisation remembers rows, and the batch has no 'row_id' for each")
        share = batch.get("share")
        alone = [True] * len(p) if share is None else (share >= 1).tolist()
        if self.training:
            for row_id in row_ids:
                self._places.setdefault(row_id, len(self._places))
        self._make_room(p)
        places = [self._places.get(row_id, -1) if one else -1 for row_id, one in zip(row_ids, alone)]
        at = torch.tensor(places, dtype=torch.long, device=p.device)
        kept = (at >= 0).unsqueeze(1)
        means = torch.where(kept, self.memory[at.clamp_min(0)].to(p), torch.zeros_like(p))
        if not self.training:
            return means
        means = torch.where(kept, self.momentum * means + (1 - self.momentum) * p / p.sum(1, keepdim=True), means)
        # A row that a batch holds twice is written once: its last draw.
        last = {place: row for row, place in enumerate(places) if place >= 0}
        rows = torch.tensor(list(last.values()), dtype=torch.long, device=p.device)
        self.memory[at[rows]] = means[rows].to(self.memory.dtype)
        return means

    def _make_room(self, p: torch.Tensor) -> None:
        rows, classes = max(len(self._places), 1), p.shape[1]
        if self.memory.device != p.device:
            self.memory = self.memory.to(p.device)
        if self.memory.shape[0] < rows:
            grown = torch.zeros(max(rows, 2 * self.memory.shape[0]), classes, device=p.device)
            if self.memory.numel():
                grown[: len(self.memory)] = self.memory
            self.memory = grown

    def get_extra_state(self) -> dict[str, Any]:
        """The remembered rows, in the order of the memory."""
        return {"row_ids": list(self._places)}

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take over remembered rows."""
        self._places = {row_id: place for place, row_id in enumerate(state["row_ids"])}

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        saved = state_dict.get(f"{prefix}memory")
        if saved is not None:
            self.memory = torch.zeros_like(saved, device=self.memory.device)
        load: Any = super()._load_from_state_dict
        load(state_dict, prefix, *rest)
