"""Classes that can hardly be told apart by what their rows hold."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.sets.ranks import average_ranks
from curate.evidence.parts.lying import elsewhere
from curate.findings import Findings
from curate.step import Check
from curate.task import Task
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

CANDIDATES = 5
"""Classes that each class is compared with: those that its rows are most taken for."""
LISTED = 20
"""Pairs of classes that the facts name."""


class ClassOverlap(Check):
    """Finds pairs of classes that nearly coincide: one thing under two names, or a distinction that nobody can draw.

    For each class and those that its rows are most taken for, the AUROC with which the out-of-sample probabilities tell
    the two classes' rows apart: 0.5 is chance, and wrong labels alone take as much from 1 as there are wrong labels. A
    pair is flagged where the AUROC, even with its standard error on top, is below `max_auroc`. The rows of the rarer
    class of such a pair are flagged and the other class is suggested, so that `fix: {relabel: {min_confidence: 0}}`
    merges the two. The score is 2 AUROC - 1 of the row's worst pair. Where half of all pairs compared are that close,
    the probabilities know too little for a verdict: nothing is flagged and the facts say so. Cost: one sort for each
    pair, at most five per class. Source: Hanley and McNeil, The meaning and use of the area under a ROC curve, 1982
    (standard error); cleanlab's `find_overlapping_classes` asks a like question.
    """

    embeds: ClassVar[bool] = True
    issues: ClassVar[tuple[str, ...]] = ("overlapping_class",)
    suggests: ClassVar[tuple[str, ...]] = issues

    max_auroc: float = Field(0.65, gt=0.5, le=1, description="AUROC below which two classes count as one")
    min_rows: int = Field(10, ge=2, description="classes with fewer training rows are not judged")

    def refuses(self, task: Task) -> str | None:
        """Compares classes."""
        if task.kind != "classification":
            return f"class_overlap compares classes, and the task is {task.kind or 'undefined'}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row whose class has enough rows, and no line where there are fewer than three classes."""
        table, labels = evidence.table, evidence.labels
        active = evidence.active & labels.known
        learned = active & table.training
        enough = labels.counts(learned) >= self.min_rows
        if enough.sum() < 3:  # with two classes, all that could be said is that nothing was learned
            large = int(enough.sum())
            sentence = "it compares three classes or more of at least"
            sentence += (
                f" {counted(self.min_rows, 'training row')}, and there {noun(large, 'is', 'are')} {large or 'none'}"
            )
            facts = {"classes": int(enough.sum()), "pairs": [], "sentence": sentence}
            return Findings(Findings.none().table, {self.name: facts})
        probabilities = evidence.probabilities()
        rows = np.flatnonzero(learned & probabilities.valid)
        pairs = elsewhere(partial(_compared, labels.codes[rows], rows, enough), probabilities.values)
        close = pairs["auroc"] + pairs["error"] < self.max_auroc
        unlearned = bool(len(close)) and np.median(pairs["auroc"]) < self.max_auroc
        separation = np.ones(len(labels.names))
        for a, b, auroc in zip(pairs["first"], pairs["second"], pairs["auroc"]):
            separation[[a, b]] = np.minimum(separation[[a, b]], max(0.0, 2 * auroc - 1))
        counts, partner, sentence = labels.counts(learned), np.full(len(labels.names), -1), {}
        for place in np.argsort(pairs["auroc"], kind="stable"):
            a, b = int(pairs["first"][place]), int(pairs["second"][place])
            rare, other = (a, b) if (counts[a], a) < (counts[b], b) else (b, a)
            if close[place] and not unlearned and partner[rare] < 0:
                partner[rare] = other
                sentence[rare] = (
                    f"the class {labels.names[rare]!r} ({counted(int(counts[rare]), 'row')}) can hardly be told from"
                    f" {labels.names[other]!r} ({counted(int(counts[other]), 'row')}): AUROC"
                    f" {pairs['auroc'][place]:.2f} ± {pairs['error'][place]:.2f}, below {self.max_auroc:g}"
                )
        judged = np.flatnonzero(active & enough[np.maximum(labels.codes, 0)])
        own = labels.codes[judged]
        flagged = partner[own] >= 0
        return Findings.of(
            self.name,
            "overlapping_class",
            judged,
            table.row_ids,
            separation[own],
            flagged,
            suggested_label=[labels.names[partner[code]] if on else None for code, on in zip(own, flagged)],
            reason={int(place): sentence[int(own[place])] for place in np.flatnonzero(flagged)},
            facts=_facts(pairs, close, unlearned, labels.names, int(enough.sum())),
        )


def _compared(codes: np.ndarray, rows: np.ndarray, judged: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    return compare(codes, values[rows], judged)


def compare(codes: np.ndarray, probabilities: np.ndarray, judged: np.ndarray) -> dict[str, np.ndarray]:
    """How well probabilities tell each class from those that it is most taken for.

    Args:
        codes: (m,) int.
        probabilities: (m, K) float, out of sample.
        judged: (K,) bool, classes with enough rows.

    Returns:
        first, second: (p,) int64 codes, first < second; auroc: (p,) float64; error: (p,) float64, its standard error.
    """
    k = probabilities.shape[1]
    order = np.argsort(codes, kind="stable")
    begins = np.searchsorted(codes[order], np.arange(k + 1))
    found: dict[tuple[int, int], tuple[float, float]] = {}
    for a in np.flatnonzero(judged).tolist():
        own = order[begins[a] : begins[a + 1]]
        if not len(own):
            continue
        taken = np.where(judged, probabilities[own].mean(0), -np.inf)
        taken[a] = -np.inf
        for b in np.argsort(-taken, kind="stable")[:CANDIDATES].tolist():
            pair = (min(a, b), max(a, b))
            theirs = order[begins[b] : begins[b + 1]]
            if pair in found or not np.isfinite(taken[b]) or not len(theirs):
                continue
            found[pair] = _auroc(_leaning(probabilities[own], a, b), _leaning(probabilities[theirs], a, b))
    pairs = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    values = np.array([found[pair] for pair in sorted(found)]).reshape(-1, 2)
    return {"first": pairs[:, 0], "second": pairs[:, 1], "auroc": values[:, 0], "error": values[:, 1]}


def _leaning(probabilities: np.ndarray, a: int, b: int) -> np.ndarray:
    """How much more a row is of class a than of b."""
    return np.log(np.maximum(probabilities[:, a], 1e-12)) - np.log(np.maximum(probabilities[:, b], 1e-12))


def _auroc(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """Chance that a positive stands above a negative, ties by half, and its standard error."""
    m, n = len(positive), len(negative)
    ranks = average_ranks(np.concatenate([positive, negative]))
    area = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (m - 1) * (one - area**2) + (n - 1) * (two - area**2)) / (m * n)
    return area, float(np.sqrt(max(variance, 0.0)))


def _facts(
    pairs: dict[str, np.ndarray], close: np.ndarray, unlearned: bool, names: tuple[str, ...], classes: int
) -> dict[str, Any]:
    shown = np.argsort(pairs["auroc"], kind="stable")[:LISTED]
    facts: dict[str, Any] = {
        "classes": classes,
        "overlapping_pairs": 0 if unlearned else int(close.sum()),
        "pairs": [
            {
                "first": names[pairs["first"][p]],
                "second": names[pairs["second"][p]],
                "auroc": round(float(pairs["auroc"][p]), 4),
                "standard_error": round(float(pairs["error"][p]), 4),
            }
            for p in shown
        ],
    }
    if unlearned:
        facts["sentence"] = "the probabilities tell hardly any classes apart, so nothing can be said of single pairs"
    return facts
