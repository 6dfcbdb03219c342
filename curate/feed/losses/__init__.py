"""Losses over batches of the feed: soft labels, class weights and row weights that don't get in each other's way.

Each is a torch module that takes ``(logits, batch)``.
"""

from curate.feed.losses.agreement import Consistency, Distillation
from curate.feed.losses.focal import ClassBalanced, Focal
from curate.feed.losses.imbalance import LDAM, BalancedSoftmax, LogitAdjusted
from curate.feed.losses.making import LOSSES, make_loss
from curate.feed.losses.multilabel import Asymmetric, SoftBinaryCrossEntropy
from curate.feed.losses.noise import Bootstrapping, EarlyLearning, GeneralisedCrossEntropy, SymmetricCrossEntropy
from curate.feed.losses.positions import (
    PositionCrossEntropy,
    PositionFocal,
    PositionGeneralisedCrossEntropy,
    PositionLoss,
)
from curate.feed.losses.regression import WeightedRegression
from curate.feed.losses.row_loss import ClassLoss, RowLoss
from curate.feed.losses.soft_cross_entropy import SoftCrossEntropy
from curate.feed.losses.transcripts import TranscriptLoss
from curate.feed.losses.transition import BackwardCorrection, ForwardCorrection

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
    "PositionCrossEntropy",
    "PositionFocal",
    "PositionGeneralisedCrossEntropy",
    "PositionLoss",
    "RowLoss",
    "SoftBinaryCrossEntropy",
    "SoftCrossEntropy",
    "SymmetricCrossEntropy",
    "TranscriptLoss",
    "WeightedRegression",
    "make_loss",
]
