"""The methods that judge class labels: each gives scores, flags and suggestions, and tells why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from curate.checks.labels import confident_learning, ensemble
from curate.evidence.confident import predicted
from curate.evidence.exact_search import Chosen
from curate.wording import of_all

if TYPE_CHECKING:
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
        given, p, r = codes[rows], Chosen(probabilities, rows), Chosen(posterior, rows)
        views = ensemble.Views.of(given, p, r)
        log_odds = ensemble.doubt(views)
        score = 1 / (1 + np.exp(log_odds))
        rate = ensemble.noise_rate(given, p, views) if informed else ensemble.NoiseRate(0.0, 0.0, 1.0)
        facts: dict[str, Any] = {}
        if informed:
            facts = {
                "estimated_noise_rate": round(rate.rate, 4),
                "noise_rate_interval": [round(rate.low, 4), round(rate.high, 4)],
                "noise_rate_level": ensemble.LEVEL,
            }
        else:
            _say(evidence, UNINFORMED)
        thin = np.unique(given[ensemble.thin(given, len(names))])
        if len(thin):
            facts["thin_classes"] = {"classes": len(thin), "rows_below": ensemble.THIN_ROWS}
            small = of_all(len(thin), len(names), "class", "classes", ("has", "have"))
            bound = f"{ensemble.THIN_ROWS} rows with labels that can be judged"
            _say(evidence, f"{small} fewer than {bound}: in them only labels that are surely wrong are flagged")
        if min_doubt is not None:
            found = score <= 1 - min_doubt
            threshold = f"flagged from {min_doubt:g} on"
        else:
            found = ensemble.flagged(given, log_odds, rate.rate, len(names)) & informed
            least = 1 - score[found].max() if found.any() else 1.0
            threshold = f"flagged from {least:.2f} on"
        suggested = ensemble.suggestions(given, p, r, views, found)
        return Verdicts(score, found, suggested, facts, threshold)

    return judge


def _say(evidence: Evidence, note: str) -> None:
    if note not in evidence.notes:
        evidence.notes.append(note)


def by_noise_model(evidence: Evidence, min_confidence: float) -> Judge:
    """The posterior of the true class alone."""
    codes, noise = evidence.labels.codes, evidence.noise()

    def judge(rows: np.ndarray) -> Verdicts:
        given = codes[rows]
        seen = predicted(noise.posterior, given, rows)
        best = seen.best.astype(np.int64)
        found = (best != given) & (seen.top >= min_confidence)
        score = np.clip(seen.own, 0.0, 1.0)
        facts = {"estimated_noise_rate": round(float(noise.rate), 4)}
        threshold = f"another class with at least {min_confidence:g} is flagged"
        return Verdicts(score, found, np.where(best == given, -1, best), facts, threshold)

    return judge


def by_confident_learning(evidence: Evidence, score: str, filter_by: str) -> Judge:
    """Cleanlab's filter, and its score."""
    codes, probabilities = evidence.labels.codes, evidence.probabilities().values

    def judge(rows: np.ndarray) -> Verdicts:
        given = codes[rows]
        judged = confident_learning.judged(given, probabilities, filter_by, rows)
        found, best = judged.issues, judged.seen.best
        scores = confident_learning.quality(given, probabilities, score, rows=rows, seen=judged.seen)
        return Verdicts(scores, found, np.where(best == given, -1, best), {}, f"cleanlab's {filter_by} names the row")

    return judge


def by_cleanlab_score(evidence: Evidence, score: str, adjust: bool) -> Judge:
    """Cleanlab's score, and the lowest of it flagged: as many as its `num_label_issues` counts."""
    codes, probabilities = evidence.labels.codes, evidence.probabilities().values

    def judge(rows: np.ndarray) -> Verdicts:
        given, seen = codes[rows], predicted(probabilities, codes[rows], rows)
        scores = confident_learning.quality(given, probabilities, score, adjust, rows, seen)
        found = np.zeros(len(rows), dtype=bool)
        found[np.argsort(scores, kind="stable")[: confident_learning.count(given, probabilities, rows)]] = True
        least = f"up to {scores[found].max():.3g} " if found.any() else ""
        threshold = f"the {int(found.sum())} rows with the lowest {score}, {least}here, are flagged"
        return Verdicts(scores, found, np.where(seen.best == given, -1, seen.best), {}, threshold)

    return judge


def told_by_probabilities(evidence: Evidence, allowing_for_noise: bool) -> Tell:
    """What the out-of-sample probabilities say of a row.

    Args:
        evidence: of the table.
        allowing_for_noise: whether it is said that a flagged label is likelier right than wrong under the estimated
            noise, where it is: such rows are flagged for their number alone.
    """
    labels, values = evidence.labels, evidence.probabilities().values
    posterior = evidence.noise().posterior if allowing_for_noise else None

    def tell(row: int, best: int) -> str:
        given = int(labels.codes[row])
        own = f"the label {labels.names[given]!r}"
        other = f"{labels.names[best]!r} probability {values[row, best]:.2f} and " if best >= 0 else ""
        said = f"a model that has not seen the row gives {other}{own} {values[row, given]:.2f}"
        if posterior is not None and posterior[row, given] >= 0.5:
            said += (
                f"; the label is likelier right than wrong ({posterior[row, given]:.2f} with the usual noise between"
                " classes), but among the most doubted, and as many are flagged as labels are estimated to be wrong"
            )
        return said

    return tell


def told_by_noise_model(evidence: Evidence) -> Tell:
    """What the posterior of the true class under the estimated noise says of a row."""
    labels, posterior = evidence.labels, evidence.noise().posterior

    def tell(row: int, best: int) -> str:
        given = int(labels.codes[row])
        return (
            f"with the noise between classes allowed for, {labels.names[best]!r} has probability"
            f" {posterior[row, best]:.2f} and the label {labels.names[given]!r} {posterior[row, given]:.2f}"
        )

    return tell
