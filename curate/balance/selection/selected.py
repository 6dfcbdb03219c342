"""From the settings of `select` and the evidence to the rows that are selected, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.balance.selection import amount
from curate.balance.selection.choosing import SPREAD, Pool, choose
from curate.balance.selection.difficulty import difficulty, error_of_values, kept_first
from curate.balance.selection.distinct import distinct
from curate.balance.selection.points import Points
from curate.balance.selection.quality import by_checks, by_measure
from curate.balance.selection.strata import strata
from curate.evidence.confident import predicted
from curate.table import Labels

if TYPE_CHECKING:
    from curate.balance.select import Select


@dataclass(frozen=True)
class Selected:
    """What was selected.

    Attributes:
        rows: (k,) int64 positions in the order of selection.
        what: by what, for people.
        score: (n,) float64 by which rows were ranked, NaN where there is none; None if they were not.
        goodness: (n,) float64 in [0, 1], the same as a score for the ledger (0 worst), where there is one.
        odd: row -> why it could not be selected at all.
    """

    rows: np.ndarray
    what: str
    score: np.ndarray | None = None
    goodness: np.ndarray | None = None
    odd: Mapping[int, str] = field(default_factory=dict)

    def value_of(self, row: int) -> str:
        """What the row was ranked by."""
        if self.score is None:
            return self.what
        value = self.score[row]
        return f"{self.what} {value:.4g}" if np.isfinite(value) else f"{self.what} unknown"

    def goodness_of(self, rows: np.ndarray) -> np.ndarray | None:
        """(k,) float32 scores for the ledger; none where one of the rows has none."""
        if self.goodness is None or not np.isfinite(self.goodness[rows]).all():
            return None
        return self.goodness[rows].astype(np.float32)


def selected(step: Select, rows: np.ndarray, labels: Labels, evidence: Any) -> Selected:
    """The selection that a step's settings ask for.

    Args:
        step: the settings.
        rows: (m,) int64 pool, in a random order that depends on the ids alone.
        labels: of all rows.
        evidence: of all rows.
    """
    if not len(rows):
        return Selected(rows, step.method)
    odd: dict[int, str] = {}
    points, order, score, what = None, None, None, step.method
    if step.method in SPREAD:
        rows, points, odd = _points(step, rows, evidence)
    elif step.method in ("uncertainty", "quality"):
        score, what = _scores(step, labels, evidence)
        ranked = score[rows] if step.method == "uncertainty" or step.prefer == "highest" else -score[rows]
        order = kept_first(ranked, step.keep if step.method == "uncertainty" else "hardest")
    codes, likeliest = _strata(step, rows, labels, evidence)
    start, start_codes = _begun(step, labels, evidence, likeliest) if points is not None else (None, None)
    pool = Pool(len(rows), points, order, codes, start, start_codes, _cost(step, rows, evidence))
    size = float(step.rows or step.tokens or step.seconds or 0)
    found = choose(pool, step.method, size, step.per_class, step.min_per_class, step.share)
    goodness = None
    if score is not None and (step.method == "uncertainty" or step.checks):
        goodness = 1 - score if step.method == "uncertainty" else score
    return Selected(rows[found], what, score, goodness, odd)


def _cost(step: Select, rows: np.ndarray, evidence: Any) -> np.ndarray | None:
    if step.tokens is not None:
        return amount.tokens(evidence, rows, step.tokenizer)
    return amount.seconds(evidence, rows) if step.seconds is not None else None


def _points(step: Select, rows: np.ndarray, evidence: Any) -> tuple[np.ndarray, Points, dict[int, str]]:
    """The rows that can be compared, their vectors, and why the others can't be selected."""
    embedding = evidence.embedding()
    seen = embedding.valid[rows]
    odd = dict.fromkeys(rows[~seen].tolist(), f"it has no embedding, by which {step.method} selects")
    rows = rows[seen]
    if step.method == "diversity":
        stay = distinct(evidence, rows, step.similarity)
        odd |= dict.fromkeys(rows[~stay].tolist(), "equal or almost equal to a row that diversity takes before it")
        rows = rows[stay]
    return rows, Points(embedding.vectors, rows), odd


def _scores(step: Select, labels: Labels, evidence: Any) -> tuple[np.ndarray, str]:
    """(n,) float64 by which rows are ranked, and what it is."""
    if step.method == "quality":
        if step.measure is not None:
            return by_measure(evidence, step.measure), step.measure
        return by_checks(evidence, step.checks), f"mean score of {', '.join(step.checks)}"
    if labels.values is not None:
        return error_of_values(evidence.predictions(), labels), "absolute error, as a share of the largest,"
    return difficulty(evidence.probabilities().values, labels, step.by), f"difficulty by {step.by}"


def _strata(step: Select, rows: np.ndarray, labels: Labels, evidence: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """(m,) int64 classes of the pool, and (n,) int64 likeliest classes where unlabelled rows need one."""
    if not (step.per_class or step.min_per_class or step.method == "stratified"):
        return np.zeros(len(rows), dtype=np.int64), None
    likeliest = None
    if labels.values is None and labels.sets is None and not labels.known[rows].all():
        found = evidence.probabilities()
        judged, likeliest = np.flatnonzero(found.valid), np.full(len(labels), -1, dtype=np.int64)
        likeliest[judged] = predicted(found.values, np.zeros(len(judged), dtype=np.int64), judged).best
    return strata(labels, rows, likeliest), likeliest


def _begun(
    step: Select, labels: Labels, evidence: Any, likeliest: np.ndarray | None
) -> tuple[Points | None, np.ndarray | None]:
    """Vectors and classes of the labelled rows, which those to be labelled next should be far from."""
    if step.among != "unlabelled":
        return None, None
    embedding = evidence.embedding()
    rows = np.flatnonzero(evidence.active & evidence.table.training & labels.known & embedding.valid)
    if not len(rows):
        return None, None
    return Points(embedding.vectors, rows), strata(labels, rows, likeliest)
