"""How training rows and the rows of a target differ: density ratios, and the shares of the target's classes."""

from __future__ import annotations

import numpy as np

from curate.balance.weighing.rows import effective_rows
from curate.evidence.heads import design, fit_logistic

FOLDS = 5
RIDGES = (0.3, 0.03, 0.003)
MOST_FITTED = 20_000
"""Rows of either side that the classifier learns from; all are asked about."""
ROUNDS, CLOSE = 1000, 1e-7


def density_ratios(vectors: np.ndarray, is_target: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, float]:
    """How much likelier each row is in the target than in training, by a classifier that did not see it.

    A logistic regression is taught to tell the two sides apart, both counting alike; p/(1 - p) is the ratio of their
    densities (Bickel, Brückner, Scheffer 2007; Sugiyama, Suzuki, Kanamori 2012). Its ridge is the one under which left
    out rows are likeliest.

    Args:
        vectors: (n, d) float32, finite, in an order that hangs on nothing but the rows.
        is_target: (n,) bool.
        unit: (n,) int, rows that must stay in one fold (equal content).

    Returns:
        (n,) float64 ratios above 0, and the AUROC of the classifier.
    """
    from scipy.stats import rankdata

    fold = np.random.default_rng(0).permutation(int(unit.max()) + 1)[unit] % FOLDS
    fitted = np.zeros(len(vectors), dtype=bool)
    for side in (np.flatnonzero(is_target), np.flatnonzero(~is_target)):
        fitted[side[np.linspace(0, len(side) - 1, min(len(side), MOST_FITTED)).astype(np.int64)]] = True
    inputs = design(vectors, fitted)
    best, margin = np.inf, np.zeros(len(vectors))
    even = np.where(is_target, 0.5 / is_target.sum(), 0.5 / (~is_target).sum())
    for ridge in RIDGES:
        found = _margins(inputs, is_target, fold, fitted, ridge)
        loss = float((even * np.logaddexp(0, np.where(is_target, -found, found))).sum())
        if loss < best:
            best, margin = loss, found
    ranks = rankdata(margin)[is_target].sum()
    t = int(is_target.sum())
    auroc = (ranks - t * (t + 1) / 2) / (t * (len(margin) - t))
    return np.exp(np.clip(margin, -30, 30)), float(auroc)


def _margins(
    inputs: np.ndarray, is_target: np.ndarray, fold: np.ndarray, fitted: np.ndarray, ridge: float
) -> np.ndarray:
    """(n,) log ratios of each row by a classifier fitted on the other folds."""
    rows = np.flatnonzero(fitted)
    own, side = inputs[rows], is_target[rows]
    targets = side[:, None].astype(np.float32)
    margin = np.zeros(len(inputs))
    start = None
    for k in range(FOLDS):
        learn = fold[rows] != k
        sizes = [max(1, int((side[learn] == one).sum())) for one in (False, True)]
        weights = np.where(learn, np.where(side, 1 / sizes[1], 1 / sizes[0]), 0.0).astype(np.float32)
        start = fit_logistic(own, targets, weights, ridge, link="sigmoid", start=start, iterations=30)
        held = fold == k
        margin[held] = (inputs[held] @ start)[:, 0]
    return margin


def shifted_shares_by_confusion(predicted: np.ndarray, codes: np.ndarray, there: np.ndarray, k: int) -> np.ndarray:
    """(K,) shares of the classes in the target, from how its rows are predicted and which errors are usual.

    Solves ``C w = mu`` for w >= 0, C[i, j] the share of training rows of class j that are predicted as i (out of
    sample) and mu[i] the share of the target's rows that are. Source: BBSE, Lipton, Wang, Smola 2018, "Detecting and
    Correcting for Label Shift with Black Box Predictors"; by non-negative least squares.

    Args:
        predicted: (m,) int predicted classes of training rows.
        codes: (m,) int their classes.
        there: (t,) int predicted classes of the target's rows.
        k: number of classes.
    """
    from scipy.optimize import nnls

    joint = np.zeros((k, k))
    np.add.at(joint, (predicted, codes), 1.0 / len(codes))
    mu = np.bincount(there, minlength=k) / len(there)
    ratio, _ = nnls(joint, mu)
    shares = ratio * np.bincount(codes, minlength=k) / len(codes)
    return shares / shares.sum() if shares.sum() > 0 else np.bincount(codes, minlength=k) / len(codes)


def shifted_shares_by_em(there: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(K,) shares of the classes in the target: those under which its probabilities are likeliest.

    Source: Saerens, Latinne, Decaestecker 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities".

    Args:
        there: (t, K) probabilities of the target's rows by a classifier of the training rows.
        shares: (K,) of the classes among the training rows.
    """
    some = shares > 0
    base, values = shares[some], there[:, some].astype(np.float64)
    now = base.copy()
    for _ in range(ROUNDS):
        posterior = values * (now / base)
        posterior /= np.maximum(posterior.sum(1, keepdims=True), 1e-300)
        new = posterior.mean(0)
        done = np.abs(new - now).max() < CLOSE
        now = new
        if done:
            break
    found = np.zeros(len(shares))
    found[some] = now
    return found


def flattened(weights: np.ndarray, times: np.ndarray, least: float) -> tuple[np.ndarray, float]:
    """Weights to the largest power in [0, 1] under which the effective sample size is at least a share of the draws.

    Source: Shimodaira 2000, "Improving predictive inference under covariate shift" (the power); Kish 1965 (the size).

    Args:
        weights: (m,) float64, at least 0, not all 0.
        times: (m,) draws of each.
        least: share of the draws, in [0, 1).

    Returns:
        (m,) weights, and the power.
    """
    wanted = least * times.sum()
    if effective_rows(weights, times) >= wanted:
        return weights, 1.0
    logs = np.log(np.maximum(weights / weights.max(), 1e-12))
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if effective_rows(np.exp(middle * logs), times) >= wanted:
            low = middle
        else:
            high = middle
    return np.exp(low * logs), low
