"""Losses that take ``(logits, batch)``, for batches of a loader; `curated.loss(name=...)` makes them by name."""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401  said here, so that a missing torch gives a message that helps
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    from curate.errors import MissingPackage

    raise MissingPackage("torch", "trainers", "curate.losses") from error

from curate.feed.losses import (
    LDAM,
    LOSSES,
    Asymmetric,
    BackwardCorrection,
    BalancedSoftmax,
    Bootstrapping,
    ClassBalanced,
    ClassLoss,
    Consistency,
    Distillation,
    EarlyLearning,
    Focal,
    ForwardCorrection,
    GeneralisedCrossEntropy,
    LogitAdjusted,
    RowLoss,
    SoftBinaryCrossEntropy,
    SoftCrossEntropy,
    SymmetricCrossEntropy,
    WeightedRegression,
    make_loss,
)

__all__ = [
    "LDAM",
    "LOSSES",
    "Asymmetric",
    "BackwardCorrection",
    "BalancedSoftmax",
    "Bootstrapping",
    "ClassBalanced",
    "ClassLoss",
    "Consistency",
    "Distillation",
    "EarlyLearning",
    "Focal",
    "ForwardCorrection",
    "GeneralisedCrossEntropy",
    "LogitAdjusted",
    "RowLoss",
    "SoftBinaryCrossEntropy",
    "SoftCrossEntropy",
    "SymmetricCrossEntropy",
    "WeightedRegression",
    "make_loss",
]
