"""What all losses share: a loss per row, a weight per row, and how they become one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch.nn import functional

from curate.errors import ConfigError

Reduction = Literal["mean", "sum", "none"]
Weights = Sequence[float] | Any | None
_ENTRIES = ("labels", "soft_labels", "weights", "partner_labels", "share")
"""What the weight of a row follows from."""
Listener = Callable[[torch.Tensor, torch.Tensor, Any, Mapping[str, Any]], None]
"""Is told the losses (B,), the weights (B,), the logits and the batch."""


class RowLoss(torch.nn.Module):
    """A loss per row times the row's weight, summed and divided by the sum of the weights.

    A row without a label has the weight 0. The sum of the weights (`mass`) follows from the batch alone. A batch that
    is part of a larger one, as in gradient accumulation, says in its entry ``mass`` what to divide by, so that the
    losses of the parts add up to that of the whole; `curate.feed.trainers.accumulate` adds that entry.

    Args:
        reduction: ``mean`` (divided by the sum of the weights), ``sum``, or ``none`` ((B,) weighted losses).

    Attributes:
        passes: tensors of logits that it takes of each batch.
        listener: is told what each batch has given that gradients are made of; None for nobody. Copies have none.
    """

    passes = 1
    listener: Listener | None = None

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ConfigError(f"unknown reduction {reduction!r}; known: mean, sum, none")
        self.reduction = reduction

    def forward(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """The loss of a model's output on a batch, reduced.

        Args:
            logits: (B, K) for classes and sets of classes, (B,) or (B, 1) for numbers.
            batch: see `terms`.

        Raises:
            ConfigError: they are something else, or don't fit the loss.
        """
        _refuse_others(logits, batch)
        losses, weights = self.terms(logits, batch)
        if self.listener is not None and torch.is_grad_enabled():
            self.listener(losses, weights, logits, batch)
        weighted = losses * weights
        if self.reduction == "none":
            return weighted
        total = weighted.sum()
        if self.reduction == "sum":
            return total
        # Nothing that counts gives 0 with a gradient of 0, not NaN.
        mass = weights.sum() if batch.get("mass") is None else batch["mass"].to(total)
        return total / torch.where(mass > 0, mass, torch.ones_like(mass))

    def terms(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) losses, not weighted, and (B,) weights, 0 for rows that don't count; float32 at least."""
        raise NotImplementedError

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) weight of each row of a batch: its own times that of its class, 0 where it has no label."""
        raise NotImplementedError

    def mass(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Sum of the weights of a batch: what ``mean`` divides by."""
        return self.row_weights(batch).sum()

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; losses that follow a schedule heed it."""

    def __getstate__(self) -> dict[str, Any]:
        """Without who listens, which counts for the loop that it belongs to."""
        return {name: value for name, value in self.__dict__.items() if name != "listener"}


class ClassLoss(RowLoss):
    """A loss over classes: finds targets and weights of a batch, and leaves the loss of a row to its subclasses.

    Args:
        class_weights: (K,) weights, 1 for every class if left out.
        label_names: for messages about a wrong number of logits.
        reduction: as in `RowLoss`.
    """

    class_weights: torch.Tensor | None

    def __init__(
        self, class_weights: Weights = None, label_names: Sequence[str] = (), reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.label_names = tuple(label_names)
        self.register_buffer("class_weights", per_class("class_weights", class_weights, self.label_names))

    def row_losses(self, logits: torch.Tensor, soft: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) losses of (B, K) logits and soft labels, float32 at least; what rows without label get is not used."""
        raise NotImplementedError

    def terms(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) losses, not weighted, and (B,) weights.

        Args:
            logits: (B, K).
            batch: ``labels`` (B,) int64, -100 where missing, or ``soft_labels`` (B, K) whose rows sum to 1 (all 0
                where missing), or both; ``weights`` (B,), 1 if left out; ``partner_labels`` and ``share`` (B,) where
                rows are mixed.

        Raises:
            ConfigError: the batch has neither kind of label, or the number of logits is not that of the classes.
        """
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = at_least_float32(logits)
            soft = self._soft_labels(logits, batch)
            weights = self.row_weights(batch).to(logits)
            losses = self.row_losses(where_counted(logits, weights), soft, batch)
            # 0 times what can't be computed of a row that does not count must be 0.
            return torch.where(weights > 0, losses, torch.zeros_like(losses)), weights

    def row_weights(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """(B,) weight of each row: its own times that of its class, 0 where it has no label."""
        factors = self._factors()
        # Where the class weights are: what comes from there to the CPU would wait for all that a GPU has yet to do.
        there = {} if factors is None else {"device": factors.device}
        entries = {name: batch[name].to(**there) if there else batch[name] for name in _ENTRIES if _has(batch, name)}
        hard, soft = entries.get("labels"), entries.get("soft_labels")
        if soft is not None:
            known = soft.sum(1) > 0
        elif hard is not None:
            known = hard >= 0
        else:
            raise ConfigError("the batch has neither 'labels' nor 'soft_labels'")
        weights = known_weights(entries, known)
        return weights if factors is None else weights * _class_factor(factors, entries, soft, hard)

    def _factors(self) -> torch.Tensor | None:
        """(K,) weights of the classes at present."""
        return self.class_weights

    def _soft_labels(self, logits: torch.Tensor, batch: Mapping[str, Any]) -> torch.Tensor:
        classes, factors = logits.shape[-1], self._factors()
        expected = len(self.label_names) or (classes if factors is None else len(factors))
        if logits.ndim != 2 or classes != expected:
            raise ConfigError(f"logits must have the shape (rows, {expected} classes), not {tuple(logits.shape)}")
        hard, soft = batch.get("labels"), batch.get("soft_labels")
        if hard is not None and hard.ndim == 2 and soft is not None:
            raise ConfigError(
                f"labels of the shape {tuple(hard.shape)} are sets of classes, and {type(self).__name__} is for one"
                " class per row: take curated.loss(), or SoftBinaryCrossEntropy"
            )
        if soft is None:
            if hard is None:
                raise ConfigError("the batch has neither 'labels' nor 'soft_labels'")
            hard = hard.to(logits.device)
            if hard.ndim != 1 or hard.is_floating_point():
                raise ConfigError(
                    f"labels must be (rows,) whole numbers, not {tuple(hard.shape)} of {hard.dtype}; soft labels go"
                    " into 'soft_labels'"
                )
            known = hard >= 0
            one_hot = functional.one_hot(torch.where(known, hard, torch.zeros_like(hard)), classes)
            return one_hot.to(logits.dtype) * known.unsqueeze(1)
        if soft.shape != logits.shape:
            raise ConfigError(f"soft_labels have the shape {tuple(soft.shape)}, the logits {tuple(logits.shape)}")
        return soft.to(device=logits.device, dtype=logits.dtype)


def _refuse_others(logits: Any, batch: Any) -> None:
    """Raise ConfigError unless these are tensors and a batch of the loader."""
    if not isinstance(logits, torch.Tensor | tuple | list):
        entry = ", such as output.logits" if hasattr(logits, "get") or hasattr(logits, "logits") else ""
        raise ConfigError(f"a loss takes (logits, batch): logits are a tensor{entry}, not {type(logits).__name__}")
    if not hasattr(batch, "get"):
        raise ConfigError(
            f"a loss takes (logits, batch): the batch is the loader's dict, with labels and weights, not"
            f" {type(batch).__name__}"
        )


def _has(batch: Mapping[str, Any], name: str) -> bool:
    return batch.get(name) is not None


def cross_entropy(log_probabilities: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    """(B, K) log-probabilities and soft labels -> (B,) cross-entropies.

    A class that the soft label leaves out may have a log-probability of minus infinity: 0 times it is 0 here.
    """
    return -(soft * log_probabilities.masked_fill(soft == 0, 0.0)).sum(1)


def targets_of(batch: Mapping[str, Any]) -> torch.Tensor:
    """The ``soft_labels`` of a batch, its ``labels`` where it has none."""
    for name in ("soft_labels", "labels"):
        if batch.get(name) is not None:
            return batch[name]
    raise ConfigError("the batch has neither 'labels' nor 'soft_labels'")


def where_counted(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Values (B, ...) in which 0 stands for what is not finite in rows whose (B,) weight is 0.

    Zero times a NaN is NaN, in the gradient, too, whatever is left out of the sum behind it.
    """
    counted = (weights > 0).reshape(-1, *[1] * (values.ndim - 1))
    return torch.where(counted | values.isfinite(), values, 0)


def at_least_float32(values: torch.Tensor) -> torch.Tensor:
    """Half precision as float32, all else as it is."""
    return values if values.dtype == torch.float64 else values.float()


def known_weights(batch: Mapping[str, Any], known: torch.Tensor) -> torch.Tensor:
    """(B,) the rows' own weights, 1 where the batch has none, 0 where `known` is False; on the device of `known`."""
    weights = batch.get("weights")
    if weights is None:
        return known.to(torch.float32)
    weights = at_least_float32(weights.to(known.device))
    if weights.shape != known.shape:
        raise ConfigError(f"{tuple(weights.shape)} weights for {len(known)} rows")
    return torch.where(known, weights, torch.zeros_like(weights))


def per_class(name: str, values: Any, label_names: Sequence[str], positive: bool = False) -> torch.Tensor | None:
    """(K,) float32 numbers, one per class. Raises ConfigError where they can't be that."""
    if values is None:
        return None
    numbers = torch.as_tensor(values, dtype=torch.float32).detach().clone()
    if numbers.ndim != 1 or (label_names and len(numbers) != len(label_names)):
        expected = f"{len(label_names)} numbers, one per class" if label_names else "one number per class"
        raise ConfigError(f"{name} must be {expected}; found the shape {tuple(numbers.shape)}")
    wrong = ~(torch.isfinite(numbers) & ((numbers > 0) if positive else (numbers >= 0)))
    if bool(wrong.any()):
        place = int(wrong.nonzero()[0])
        of = f" of {label_names[place]!r}" if label_names else f"[{place}]"
        least = "greater than 0" if positive else "at least 0"
        raise ConfigError(f"{name} must be finite and {least}; that{of} is {float(numbers[place])}")
    return numbers


def within(name: str, value: float, least: float, most: float = float("inf")) -> float:
    """A setting as a float. Raises ConfigError if it is out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        bounds = f"at least {least:g}" if most == float("inf") else f"between {least:g} and {most:g}"
        raise ConfigError(f"{name} must be a number {bounds}, not {value!r}")
    return float(value)


def _class_factor(
    factors: torch.Tensor, batch: Mapping[str, Any], soft: torch.Tensor | None, hard: torch.Tensor | None
) -> torch.Tensor:
    """(B,) class weight of each row: by its hard label; by its soft label where it has that alone."""
    believed = None if soft is None else soft.to(factors) @ factors
    if hard is None:
        assert believed is not None
        return believed
    own = _of_class(factors, hard, believed)
    partner = batch.get("partner_labels")
    if partner is None:
        return own
    share = batch["share"].to(factors)
    return share * own + (1 - share) * _of_class(factors, partner.to(hard.device), believed)


def _of_class(factors: torch.Tensor, labels: torch.Tensor, otherwise: torch.Tensor | None) -> torch.Tensor:
    known = labels >= 0
    own = factors[torch.where(known, labels, torch.zeros_like(labels))]
    return torch.where(known, own, torch.zeros_like(own) if otherwise is None else otherwise)
