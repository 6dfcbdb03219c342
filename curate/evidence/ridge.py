"""The strength of the penalty of linear heads, by the likelihood of held-out labels."""

from __future__ import annotations

import numpy as np

from curate.evidence.heads import FLOOR, Link, fit_logistic, linear, sigmoid, softmax

RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
STEPS = 12
"""Of L-BFGS, for each strength."""


def likeliest_head(
    inputs: np.ndarray, targets: np.ndarray, learn: np.ndarray, folds: np.ndarray, link: Link
) -> tuple[float, np.ndarray]:
    """The ridge under which the labels of the first fold are likeliest, and the coefficients that were found with it.

    Each fit starts from the last one.

    Args:
        inputs: (n, d) float32 from `design`.
        targets: (n, K) float32 in [0, 1], hard or soft.
        learn: (n,) bool, rows that may be learned from.
        folds: (n,) fold of each row.
        link: as of `fit_logistic`.
    """
    fold = folds[learn].min()
    train = learn & (folds != fold)
    held_out = np.flatnonzero(learn & (folds == fold))
    start = np.zeros((inputs.shape[1], targets.shape[1]), dtype=np.float32)
    best, least, likeliest = RIDGES[2], np.inf, start
    for ridge in RIDGES if train.any() else ():
        start = fit_logistic(inputs, targets, train.astype(np.float32), ridge, link=link, start=start, iterations=STEPS)
        logits = linear(inputs, held_out, start)
        p = softmax(logits) if link == "softmax" else sigmoid(logits)
        loss = _cross_entropy(p, targets[held_out], link)
        if loss >= least:
            break
        best, least, likeliest = ridge, loss, start
    return best, likeliest


def _cross_entropy(p: np.ndarray, targets: np.ndarray, link: Link) -> float:
    """Summed over (m, K) probabilities and targets in [0, 1], which may be soft."""
    said = targets * np.log(np.maximum(p, FLOOR))
    if link == "sigmoid":
        said += (1 - targets) * np.log(np.maximum(1 - p, FLOOR))
    return -float(said.sum())


def best_ridge(inputs: np.ndarray, targets: np.ndarray, learn: np.ndarray, folds: np.ndarray, link: Link) -> float:
    """The ridge of `likeliest_head` alone."""
    return likeliest_head(inputs, targets, learn, folds, link)[0]
