"""Choosing a loss by the kind of task and a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from curate.errors import ConfigError, nearest
from curate.feed.losses.agreement import Consistency, Distillation
from curate.feed.losses.focal import ClassBalanced, Focal
from curate.feed.losses.imbalance import LDAM, BalancedSoftmax, LogitAdjusted
from curate.feed.losses.multilabel import Asymmetric, SoftBinaryCrossEntropy
from curate.feed.losses.noise import Bootstrapping, EarlyLearning, GeneralisedCrossEntropy, SymmetricCrossEntropy
from curate.feed.losses.positions import (
    PositionCrossEntropy,
    PositionFocal,
    PositionGeneralisedCrossEntropy,
)
from curate.feed.losses.regression import WeightedRegression
from curate.feed.losses.row_loss import RowLoss, Weights
from curate.feed.losses.soft_cross_entropy import SoftCrossEntropy
from curate.feed.losses.transcripts import TranscriptLoss
from curate.feed.losses.transition import BackwardCorrection, ForwardCorrection
from curate.wording import with_article

LOSSES: Mapping[str, Mapping[str, tuple[Callable[..., RowLoss], Mapping[str, Any]]]] = {
    "classification": {
        "cross_entropy": (SoftCrossEntropy, {}),
        "focal": (Focal, {}),
        "class_balanced": (ClassBalanced, {}),
        "ldam": (LDAM, {}),
        "logit_adjusted": (LogitAdjusted, {}),
        "balanced_softmax": (BalancedSoftmax, {}),
        "generalised_cross_entropy": (GeneralisedCrossEntropy, {}),
        "symmetric_cross_entropy": (SymmetricCrossEntropy, {}),
        "bootstrapping_soft": (Bootstrapping, {"form": "soft"}),
        "bootstrapping_hard": (Bootstrapping, {"form": "hard"}),
        "forward_correction": (ForwardCorrection, {}),
        "backward_correction": (BackwardCorrection, {}),
        "early_learning": (EarlyLearning, {}),
        "consistency": (Consistency, {}),
        "distillation": (Distillation, {}),
    },
    "multilabel": {
        "binary_cross_entropy": (SoftBinaryCrossEntropy, {}),
        "asymmetric": (Asymmetric, {}),
        "focal": (Asymmetric, {"gamma_positive": 2.0, "gamma_negative": 2.0, "clip": 0.0}),
    },
    "regression": {
        "huber": (WeightedRegression, {"form": "huber"}),
        "squared": (WeightedRegression, {"form": "squared"}),
        "absolute": (WeightedRegression, {"form": "absolute"}),
        "log_cosh": (WeightedRegression, {"form": "log_cosh"}),
        "cauchy": (WeightedRegression, {"form": "cauchy"}),
        "quantile": (WeightedRegression, {"form": "quantile"}),
    },
    "segmentation": {
        "cross_entropy": (PositionCrossEntropy, {"background": 0}),
        "focal": (PositionFocal, {"background": 0}),
        "generalised_cross_entropy": (PositionGeneralisedCrossEntropy, {"background": 0}),
    },
    "token_classification": {
        "cross_entropy": (PositionCrossEntropy, {}),
        "focal": (PositionFocal, {}),
        "generalised_cross_entropy": (PositionGeneralisedCrossEntropy, {}),
    },
    "transcription": {
        "ctc": (TranscriptLoss, {}),
        "cross_entropy": (PositionCrossEntropy, {}),
    },
}
"""Kind of task -> name -> loss and the settings that the name stands for; the first of a kind is its default."""

_EVEN_OUT = ("class_balanced", "logit_adjusted", "balanced_softmax")
"""Losses that make up for rare classes by themselves."""
_OF_OBJECTS = (
    " (models that find objects compute their own: model(pixel_values, labels=batch['labels']) in a loop of your own)"
)


def make_loss(
    kind: str | None,
    class_weights: Weights = None,
    label_names: Sequence[str] = (),
    name: str | None = None,
    class_counts: Sequence[float] | Any | None = None,
    **settings: Any,
) -> torch.nn.Module:
    """The loss for a kind of task: classes, sets of classes, numbers, classes of pixels or tokens, transcripts.

    Args:
        kind: of `LOSSES`: ``classification``, ``multilabel``, ``regression``, ``segmentation`` ...
        class_weights: (K,) weights; none for regression.
        label_names: the K classes.
        name: of the loss, see `LOSSES`; by default cross-entropy, binary cross-entropy, or Huber's.
        class_counts: (K,) how often each class is drawn, for the losses that need it.
        settings: further arguments of the loss (`reduction`; `gamma` of focal, ...).

    Raises:
        ConfigError: there is no such loss or setting, or class weights that can't be, or that the loss would double.
    """
    if kind is None or kind not in LOSSES:
        raise ConfigError(
            f"there is no loss for {with_article(str(kind))} task; there is one for {', '.join(LOSSES)}"
            + (_OF_OBJECTS if kind == "detection" else "")
        )
    known = LOSSES[kind]
    chosen = next(iter(known)) if name is None else name
    if chosen not in known:
        elsewhere = [other for other, losses in LOSSES.items() if chosen in losses]
        hint = f" (it is for {elsewhere[0]} tasks)" if elsewhere else nearest(str(chosen), known)
        of = with_article(f"{kind} task")
        raise ConfigError(f"unknown loss {chosen!r} for {of}{hint}; known: {', '.join(known)}")
    make, stands_for = known[chosen]
    offered: dict[str, Any] = {"class_weights": class_weights, "label_names": label_names, "class_counts": class_counts}
    takes = inspect.signature(make).parameters
    if chosen in _EVEN_OUT and _uneven(class_weights):
        raise ConfigError(
            f"the loss {chosen!r} makes up for rare classes itself, and there are class weights, too: they"
            " would count twice; pass class_weights=None, or choose another loss"
        )
    if "class_counts" in takes and class_counts is None:
        raise ConfigError(f"the loss {chosen!r} needs class_counts: how often each class is drawn")
    if chosen == "ldam" and not _uneven(class_weights):
        # All equal is what a result without such a step has; LDAM then takes weights by effective number.
        offered["class_weights"] = None
    own = {key: value for key, value in offered.items() if key in takes}
    unknown = [key for key in settings if key not in takes]
    if unknown:
        free = [key for key in takes if key not in offered]
        raise ConfigError(
            f"the loss {chosen!r} has no setting {unknown[0]!r}{nearest(unknown[0], free)}; it has {', '.join(free)}"
        )
    missing = [
        key
        for key, parameter in takes.items()
        if parameter.default is parameter.empty and key not in own and key not in settings
    ]
    if missing:
        raise ConfigError(f"the loss {chosen!r} needs {' and '.join(missing)}")
    return make(**own | dict(stands_for) | settings)


def _uneven(class_weights: Weights) -> bool:
    if class_weights is None:
        return False
    weights = torch.as_tensor(class_weights, dtype=torch.float32)
    return bool(len(weights)) and bool((weights - weights.flatten()[0]).abs().max() > 1e-6)
