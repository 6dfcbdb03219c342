"""How sure a model must be of each class before its label is believed.

Calibrated thresholds: what a threshold would let through is judged on labelled rows by models that did not see them.
For each class the threshold is the lowest at which the share of wrong labels above it, drawn toward that of all
classes, is at most lambda; of several lambda the one is taken that accepts most, among those at which the accepted rows
of parts of the data that had no say in the thresholds are wrong in at most `max_error`, with 90 % confidence.
Sources: the bound is Clopper and Pearson 1934, the choice of lambda follows Angelopoulos et al. 2021, "Learn then
Test"; flexible thresholds are Zhang et al. 2021, "FlexMatch: Boosting Semi-Supervised Learning with Curriculum Pseudo
Labeling".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PARTS = 5
"""Parts of the labelled rows; thresholds that judge one are made from the others."""
LAMBDAS = np.array([0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.25, 1.5])
"""Tried shares of wrong labels, in units of `max_error`."""
DOUBT = 0.1
"""Chance that the bound does not hold, over all lambda together."""
PRIOR_ROWS = 10.0
"""Weight of all classes' share of wrong labels in that of one class, in rows."""


@dataclass(frozen=True)
class Judged:
    """What a model says of rows whose label is known, without having seen them.

    Attributes:
        predicted: (m,) int64 likeliest class.
        confidence: (m,) float64 its probability.
        right: (m,) bool, whether it is the given label.
    """

    predicted: np.ndarray
    confidence: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.predicted)

    def only(self, rows: np.ndarray) -> Judged:
        """Some of the rows."""
        return Judged(self.predicted[rows], self.confidence[rows], self.right[rows])

    def accepted(self, least: np.ndarray) -> np.ndarray:
        """(m,) bool: rows at or above the (K,) thresholds."""
        return self.confidence >= least[self.predicted]


@dataclass(frozen=True)
class Thresholds:
    """The least confidence of each class, and what is known of it.

    Attributes:
        least: (K,) float64; infinite for a class of which nothing is accepted.
        error: estimated share of wrong labels among accepted rows; NaN where no labelled row would be accepted.
        bound: upper bound of it with 90 % confidence; NaN likewise.
        rows: labelled rows behind the estimate.
    """

    least: np.ndarray
    error: float
    bound: float
    rows: int


def calibrated(judged: Judged, classes: int, max_error: float) -> Thresholds:
    """Thresholds under which at most `max_error` of the accepted labels are wrong.

    Args:
        judged: labelled rows, in an order that does not depend on that of the table.
        classes: K.
        max_error: wanted largest share of wrong labels, in (0, 1).
    """
    nothing = Thresholds(np.full(classes, np.inf), float("nan"), float("nan"), 0)
    parts = np.arange(len(judged)) % PARTS
    best, most = nothing, 0
    for share in LAMBDAS * max_error:
        wrong = rows = 0
        for part in range(PARTS):
            least = at_most(judged.only(parts != part), classes, float(share))
            other = judged.only(parts == part)
            passed = other.accepted(least)
            rows, wrong = rows + int(passed.sum()), wrong + int((passed & ~other.right).sum())
        bound = upper_bound(wrong, rows, DOUBT / len(LAMBDAS))
        if bound <= max_error and rows > most:
            most = rows
            best = Thresholds(at_most(judged, classes, float(share)), wrong / rows, bound, rows)
    return best


def at_most(judged: Judged, classes: int, share: float) -> np.ndarray:
    """(K,) lowest thresholds above which the share of wrong labels, drawn toward that of all, is at most `share`."""
    least = np.full(classes, np.inf)
    order = np.argsort(-judged.confidence, kind="stable")
    confidence, right, predicted = judged.confidence[order], judged.right[order], judged.predicted[order]
    among_all = np.cumsum(~right) / np.arange(1, len(order) + 1)
    for k in np.unique(predicted):
        own = np.flatnonzero(predicted == k)
        rows = np.arange(1, len(own) + 1)
        wrong = (np.cumsum(~right[own]) + PRIOR_ROWS * among_all[own]) / (rows + PRIOR_ROWS)
        fine = np.flatnonzero(wrong <= share)
        if len(fine):
            least[k] = confidence[own[fine[-1]]]
    return least


def upper_bound(wrong: int, rows: int, doubt: float = DOUBT) -> float:
    """Largest share of wrong labels that `wrong` of `rows` don't contradict (Clopper and Pearson); 1 for no rows."""
    if not rows or wrong >= rows:
        return 1.0
    from scipy.stats import beta

    return float(beta.ppf(1 - doubt, wrong + 1, rows - wrong))


def judged_at(judged: Judged, least: np.ndarray) -> Thresholds:
    """Thresholds that were set otherwise, with what the labelled rows say of them."""
    passed = judged.accepted(least)
    rows, wrong = int(passed.sum()), int((passed & ~judged.right).sum())
    if not rows:
        return Thresholds(least, float("nan"), float("nan"), 0)
    return Thresholds(least, wrong / rows, upper_bound(wrong, rows), rows)


def flexible(predicted: np.ndarray, confidence: np.ndarray, classes: int, least: float) -> np.ndarray:
    """(K,) thresholds of FlexMatch: lower for classes of which fewer rows are sure, and never below an even guess.

    Args:
        predicted: (u,) int64 likeliest classes of the unlabelled rows.
        confidence: (u,) float64.
        classes: K.
        least: threshold of the class of which most are sure.
    """
    sure = np.bincount(predicted[confidence >= least], minlength=classes).astype(np.float64)
    status = sure / max(sure.max(initial=0.0), len(predicted) - sure.sum(), 1.0)
    return np.maximum(status / (2 - status) * least, 1 / classes)


def error_of_rows(judged: Judged, confidence: np.ndarray) -> np.ndarray:
    """(u,) float64 estimated chance that a label of that confidence is wrong: falling steps through labelled rows."""
    from sklearn.isotonic import IsotonicRegression

    if not len(judged) or not len(confidence):
        return np.full(len(confidence), np.nan)
    steps = IsotonicRegression(y_min=0.0, y_max=1.0, increasing=False, out_of_bounds="clip")
    # One wrong and one right row more keep an estimate of 0 from being taken for certainty.
    pad = np.array([judged.confidence.max(), judged.confidence.min()])
    steps.fit(np.append(judged.confidence, pad), np.append((~judged.right).astype(np.float64), [1.0, 0.0]))
    return steps.predict(confidence)
