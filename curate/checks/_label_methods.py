"""The methods that judge class labels: each gives scores, flags and suggestions, and tells why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from curate.checks import _confident_learning as confident_learning
from curate.checks import _label_ensemble as ensemble
from curate.evidence.evidence import Evidence

Method = Literal["ensemble", "noise_model", "confident_learning", "cleanlab", "neighbours", "training_dynamics"]


@dataclass(frozen=True)
class Verdicts:
    """What a method says of m rows.

    Attributes:
        score: (m,) in [0, 1], 0 worst.
        found: (m,) bool, rows whose label is probably wrong.
        suggested: (m,) codes, -1 where no other class is better.
        facts: what the method learned about these rows as a set.
        threshold: what the reason of a flagged row says after what was measured.
    """

    score: np.ndarray
    found: np.ndarray
    suggested: np.ndarray
    facts: dict[str, Any]
    threshold: str


UNINFORMED = (
    "label_errors: what the rows hold tells the labels apart no better than chance, so no label can be called wrong"
)
Judge = Callable[[np.ndarray], Verdicts]
"""Judges rows (positions) beside each other."""
Tell = Callable[[int, int], str]
"""(row, suggested code or -1) -> what was measured, as the beginning of a sentence."""


def by_ensemble(evidence: Evidence, min_doubt: float | None) -> Judge:
    """Scores combined; flagged is the estimated number of wrong labels, or what is doubted at least so much."""
    codes, names = evidence.labels.codes, evidence.labels.names
    noise = evidence.noise()
    probabilities, posterior, informed = evidence.probabilities().values, noise.posterior, noise.informed

    def judge(rows: np.ndarray) -> Verdicts:
        given, p, r = codes[rows], probabilities[rows], posterior[rows]
        log_odds = ensemble.doubt(given, p, r)
        score = 1 / (1 + np.exp(log_odds))
        rate = ensemble.noise_rate(given, p, r) if informed else ensemble.NoiseRate(0.0, 0.0, 1.0)
        facts: dict[str, Any] = {
            "estimated_noise_rate": round(rate.rate, 4),
            "noise_rate_interval": [round(rate.low, 4), round(rate.high, 4)],
            "noise_rate_level": ensemble.LEVEL,
        }
        if not informed:
            _say(evidence, UNINFORMED)
        thin = np.unique(given[ensemble.thin(given, len(names))])
        if len(thin):
            facts["thin_classes"] = {"classes": len(thin), "rows_below": ensemble.THIN_ROWS}
            note = (
                f"{len(thin)} of {len(names)} classes have fewer than {ensemble.THIN_ROWS} rows with labels that can be"
                " judged: in them only labels that are surely wrong are flagged"
            )
            _say(evidence, note)
        if min_doubt is not None:
            found = score <= 1 - min_doubt
            threshold = f"doubt from {min_doubt:g} is flagged"
        else:
            found = ensemble.flagged(given, log_odds, rate.rate, len(names))
            least = f"from {1 - score[found].max():.2f} " if found.any() else ""
            threshold = (
                f"the most doubted rows, {least}on, are flagged: an estimated {rate.rate:.1%} of the labels are wrong"
                f" ({rate.low:.1%} to {rate.high:.1%})"
            )
        suggested = ensemble.suggestions(given, p, r, found)
        return Verdicts(score, found, suggested, facts, threshold)

    return judge


def _say(evidence: Evidence, note: str) -> None:
    if note not in evidence.notes:
        evidence.notes.append(note)


def by_noise_model(evidence: Evidence, min_confidence: float) -> Judge:
    """The posterior of the true class alone."""
    codes, noise = evidence.labels.codes, evidence.noise()

    def judge(rows: np.ndarray) -> Verdicts:
        given, posterior = codes[rows], noise.posterior[rows]
        here, best = np.arange(len(given)), posterior.argmax(1)
        found = (best != given) & (posterior[here, best] >= min_confidence)
        score = np.clip(posterior[here, given], 0.0, 1.0)
        facts = {"estimated_noise_rate": round(float(noise.rate), 4)}
        threshold = f"another class with at least {min_confidence:g} is flagged"
        return Verdicts(score, found, np.where(best == given, -1, best), facts, threshold)

    return judge


def by_confident_learning(evidence: Evidence, score: str, filter_by: str) -> Judge:
    """Cleanlab's filter, and its score."""
    codes, probabilities = evidence.labels.codes, evidence.probabilities().values

    def judge(rows: np.ndarray) -> Verdicts:
        given, p = codes[rows], confident_learning.clean(probabilities[rows])
        found = confident_learning.issues(given, p, filter_by)
        best, scores = p.argmax(1), confident_learning.quality(given, p, score)
        return Verdicts(scores, found, np.where(best == given, -1, best), {}, f"cleanlab's {filter_by} names the row")

    return judge


def by_cleanlab_score(evidence: Evidence, score: str, adjust: bool) -> Judge:
    """Cleanlab's score, and the lowest of it flagged: as many as its `num_label_issues` counts."""
    codes, probabilities = evidence.labels.codes, evidence.probabilities().values

    def judge(rows: np.ndarray) -> Verdicts:
        given, p = codes[rows], confident_learning.clean(probabilities[rows])
        scores = confident_learning.quality(given, p, score, adjust)
        found = np.zeros(len(rows), dtype=bool)
        found[np.argsort(scores, kind="stable")[: confident_learning.count(given, p)]] = True
        least = f"up to {scores[found].max():.3g} " if found.any() else ""
        threshold = f"the {int(found.sum())} rows with the lowest {score}, {least}here, are flagged"
        best = p.argmax(1)
        return Verdicts(scores, found, np.where(best == given, -1, best), {}, threshold)

    return judge


def told_by_probabilities(evidence: Evidence, with_posterior: bool) -> Tell:
    """What the out-of-sample probabilities say of a row."""
    labels, values = evidence.labels, evidence.probabilities().values
    posterior = evidence.noise().posterior if with_posterior else None

    def tell(row: int, best: int) -> str:
        given = int(labels.codes[row])
        own = f"the label {labels.names[given]!r} has probability {values[row, given]:.2f}"
        if posterior is not None:
            own += f", and {posterior[row, given]:.2f} once the noise between classes is allowed for"
        if best < 0:
            return f"by a model that has not seen the row {own}"
        return (
            f"a model that has not seen the row gives {labels.names[best]!r} probability {values[row, best]:.2f}; {own}"
        )

    return tell
