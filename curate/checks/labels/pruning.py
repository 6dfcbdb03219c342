"""Which rows confident learning calls label errors: cleanlab's filters, without copies of the probabilities.

All filters leave alone rows whose given label is the likeliest class; so only the other rows, few where a model knows
anything, are looked at closely, one given class at a time.
Source: Northcutt, Jiang, Chuang, Confident Learning, 2021; equal to `cleanlab.filter.find_label_issues` row for row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.evidence.confident import (
    NEAR,
    ByClass,
    Predicted,
    block_rows,
    calibrated,
    confident_counts,
    guesses,
    largest_other,
    predicted,
    rounded,
    thresholds,
)
from curate.evidence.vector_rows import Rows

LEAST_ROWS = 1
"""Rows that are left of each class."""
BLOCK_CELLS = 1_000_000
"""Rows times classes whose margins are compared at a time."""


@dataclass(frozen=True)
class Judged:
    """Which rows are label errors.

    Attributes:
        issues: (m,) bool.
        seen: what the probabilities of each row come to.
    """

    issues: np.ndarray
    seen: Predicted


def label_issues(labels: np.ndarray, probabilities: Rows, filter_by: str, rows: np.ndarray | None = None) -> Judged:
    """The rows that a filter names.

    Peak memory: about 50 bytes per row and 20 MB, whatever the number of classes; nothing of the size of the
    probabilities. Cost: one pass over them, and one more over the rows that disagree with their label.

    Args:
        labels: (m,) integer codes below K.
        probabilities: (n, K) float array, mapped or not, or a column of vectors; rows sum to 1.
        filter_by: one of `curate.checks.labels.confident_learning.Filter`.
        rows: (m,) positions of the rows, in the order in which they are considered; all n as they stand if left out.
    """
    classes = probabilities.shape[1]
    seen = predicted(probabilities, labels, rows)
    doubted = ~_given_is_best(labels, seen)
    if filter_by == "predicted_neq_given":
        return Judged((seen.best != labels) & doubted, seen)
    members = ByClass.of(labels, classes)
    guessed = guesses(probabilities, seen, thresholds(seen.own, members), rows)
    confident = (guessed >= 0) & (guessed != labels)
    if filter_by == "confident_learning":
        return Judged(confident & doubted, seen)
    if filter_by in ("low_self_confidence", "low_normalized_margin"):
        score = seen.own if filter_by == "low_self_confidence" else normalized_margin(probabilities, labels, seen, rows)
        issues = np.zeros(len(labels), dtype=bool)
        issues[np.argsort(score)[: int((confident & doubted).sum())]] = True
        return Judged(issues, seen)
    counts = _kept(calibrated(confident_counts(labels, guessed, classes), labels).T)
    del guessed, confident
    found = doubted
    if filter_by in ("prune_by_class", "both"):
        found = found & _by_class(members, seen.own, counts)
    if filter_by in ("prune_by_noise_rate", "both"):
        found = found & _by_noise_rate(members, probabilities, seen, counts, rows)
    return Judged(found, seen)


def _given_is_best(labels: np.ndarray, seen: Predicted) -> np.ndarray:
    """(m,) bool: the given label is the likeliest class once `NEAR` is added to it; the first of those that tie."""
    raised = seen.own + seen.own.dtype.type(NEAR)
    return (seen.best == labels) | (raised > seen.top) | ((raised == seen.top) & (labels < seen.best))


def normalized_margin(
    probabilities: Rows, labels: np.ndarray, seen: Predicted, rows: np.ndarray | None = None
) -> np.ndarray:
    """(m,) probability of the given label less the largest other one, brought to [0, 1]."""
    return (seen.own - largest_other(probabilities, labels, seen, rows) + 1) / 2


def _kept(counts: np.ndarray) -> np.ndarray:
    """(K, K) rows to prune, true label (row) and given one (column), so that each class keeps `LEAST_ROWS`."""
    diagonal = counts.diagonal()
    raised = np.maximum(diagonal, LEAST_ROWS)
    others = np.maximum(np.count_nonzero(counts, axis=0) - 1.0, 1.0)
    kept = counts - (raised - diagonal) / others
    kept[kept < 0] = 0
    np.fill_diagonal(kept, raised)
    return rounded(kept.astype(np.int64))


def _by_class(members: ByClass, own: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(m,) bool: of each given class the least self-confident rows, as many as are counted off the diagonal."""
    issues = np.zeros(len(own), dtype=bool)
    for k in range(len(members)):
        given = members[k]
        wrong = len(given) - int(counts[k, k])
        if len(given) > LEAST_ROWS and wrong >= 1:
            issues[given[np.argsort(own[given])[:wrong]]] = True
    return issues


def _by_noise_rate(
    members: ByClass, probabilities: Rows, seen: Predicted, counts: np.ndarray, rows: np.ndarray | None
) -> np.ndarray:
    """(m,) bool: of each given class k and other class j as many rows as are counted, by largest margin p(j) - p(k).

    Only rows whose likeliest class is another are in question.
    """
    issues, best = np.zeros(len(seen.own), dtype=bool), seen.best[members.order]
    for k in range(len(members)):
        given = members[k]
        wanted = counts[:, k].copy()
        wanted[k] = 0
        doubted = given[best[members.begins[k] : members.begins[k + 1]] != k]
        if len(given) <= LEAST_ROWS or not len(doubted) or not wanted.any():
            continue
        step = max(1, BLOCK_CELLS // len(doubted))
        for first in range(0, len(wanted), step):
            columns = slice(first, min(first + step, len(wanted)))
            if not wanted[columns].any():
                continue
            named, unclear = _largest(_margins(probabilities, seen.own, doubted, columns, rows), wanted[columns])
            issues[doubted[named]] = True
            # Equal margins, or rows without doubt among the largest: the whole class, sorted as cleanlab does.
            for some in _parts(first + np.flatnonzero(unclear), len(given)):
                for j, margins in zip(some, _margins(probabilities, seen.own, given, some, rows), strict=True):
                    issues[given[np.argsort(-margins)[: wanted[j]]]] = True
    return issues


def _parts(columns: np.ndarray, rows: int) -> list[np.ndarray]:
    """As many columns at a time as make a block with so many rows."""
    step = max(1, BLOCK_CELLS // max(1, rows))
    return [columns[begin : begin + step] for begin in range(0, len(columns), step)]


def _margins(
    probabilities: Rows, own: np.ndarray, places: np.ndarray, columns: slice | np.ndarray, rows: np.ndarray | None
) -> np.ndarray:
    """(c, q) p(column) - p(given) of some rows."""
    count = columns.stop - columns.start if isinstance(columns, slice) else len(columns)
    margins = np.empty((count, len(places)), dtype=probabilities.dtype)
    step = block_rows(probabilities)
    for begin in range(0, len(places), step):
        block = slice(begin, begin + step)
        some = places[block]
        values = probabilities[some if rows is None else rows[some]]
        np.subtract(values[:, columns].T, own[some], out=margins[:, block])
    return margins


def _largest(margins: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of q rows are among the `wanted` largest margins of any of c classes.

    Args:
        margins: (c, q), of all rows of a class that can have a margin above 0.
        wanted: (c,) int.

    Returns:
        (q,) bool, and (c,) bool: classes for which these rows alone do not tell (they are left out of the first).
    """
    count = margins.shape[1]
    most = min(int(wanted.max()) + 1, count)
    tops = np.partition(margins, count - most, axis=1)[:, count - most :]
    tops.sort(axis=1)
    here, asked = np.arange(len(wanted)), (wanted > 0) & (wanted <= most)
    least = tops[here, np.where(asked, most - wanted, 0)]
    # The next one must be smaller: where several tie, which of them count is a matter of the sort.
    next_one = np.where(asked & (wanted < most), tops[here, np.maximum(most - wanted - 1, 0)], -np.inf)
    clear = asked & (least > 0) & (next_one < least)
    named = np.asarray((margins >= np.where(clear, least, np.inf).astype(margins.dtype)[:, None]).any(0))
    return named, (wanted > 0) & ~clear
