"""Measured values against a bound, as scores, and findings of many issues that are judged so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from curate.findings import Findings

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class Bounded(NamedTuple):
    """One issue: scores below 0.5 are on the wrong side of the bound.

    Attributes:
        issue: its name.
        score: (m,) in [0, 1], 0.5 at the bound.
        reason: place (0..m-1) -> sentence with the measured value.
    """

    issue: str
    score: np.ndarray
    reason: Callable[[int], str]


def at_least(value: np.ndarray, bound: float | np.ndarray) -> np.ndarray:
    """(m,) values that are 0 or more -> scores: 0 at 0, 0.5 at the bound, 1 from twice the bound on; NaN scores 1."""
    value = np.nan_to_num(np.asarray(value, dtype=np.float64), nan=np.inf)
    bound = np.maximum(bound, 1e-12)
    return np.clip(np.minimum(value, 2 * bound) / (2 * bound), 0.0, 1.0)


def at_most(value: np.ndarray, bound: float) -> np.ndarray:
    """(m,) values -> scores: 1 up to half the (positive) bound, 0.5 at the bound, towards 0 above; NaN scores 1."""
    value = np.nan_to_num(np.asarray(value, dtype=np.float64), nan=0.0)
    return np.clip(bound / np.maximum(2 * value, 1e-12), 0.0, 1.0)


def usual(value: np.ndarray, evidence: Evidence, rows: np.ndarray) -> float:
    """Median of (m,) values over training rows (over all where none is), NaN aside; 0 where there are none."""
    base = value[evidence.table.training[rows]]
    base = base if np.isfinite(base).any() else value
    base = base[np.isfinite(base)]
    return float(np.median(base)) if len(base) else 0.0


def findings(check: str, evidence: Evidence, rows: np.ndarray, issues: Iterable[Bounded]) -> Findings:
    """The findings of several issues about the same (m,) rows; the facts count each issue.

    Issues that are judged one by one while they are asked for (by a generator) are not held beside each other.
    """
    parts, counts = [], {}
    for bounded in issues:
        part, counts[bounded.issue] = _judged(check, evidence, rows, bounded)
        parts.append(part)
        del bounded  # before the next one is judged
    return Findings(Findings.join(parts).table, {check: {"rows": len(rows), **counts}})


def _judged(check: str, evidence: Evidence, rows: np.ndarray, bounded: Bounded) -> tuple[Findings, int]:
    """The findings of one issue, and how many are flagged."""
    issue, score, reason = bounded
    flagged = score < 0.5 - 1e-9
    reasons = {int(place): reason(int(place)) for place in np.flatnonzero(flagged)}
    found = Findings.of(check, issue, rows, evidence.table.row_ids, score, flagged, reason=reasons)
    return found, int(flagged.sum())
