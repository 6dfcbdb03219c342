"""Whether two samples come from one distribution: tests with effect sizes, corrected for their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.checks.sets.columns import Column


@dataclass(frozen=True)
class Difference:
    """How a column differs between two samples.

    Attributes:
        column: its name.
        statistic: ``KS`` (largest difference of the distribution functions) or ``V`` (Cramér's V of the categories).
        effect: its value in [0, 1].
        p: of no difference.
        usual: median, or most frequent category, of the reference, for people.
        found: the same of the sample.
        origin: of the column.
    """

    column: str
    statistic: str
    effect: float
    p: float
    usual: str
    found: str
    origin: str = "measure"


def difference(column: Column, reference: np.ndarray, sample: np.ndarray) -> Difference | None:
    """A column's difference between two sets of rows (positions); None where one has fewer than 5 values."""
    a, b = (column.values[rows][np.isfinite(column.values[rows])] for rows in (reference, sample))
    if min(len(a), len(b)) < 5:
        return None
    if column.categories:
        effect, p = cramers_v(a.astype(np.int64), b.astype(np.int64), len(column.categories))
        usual, found = (column.told(float(np.bincount(part.astype(np.int64)).argmax())) for part in (a, b))
        return Difference(column.name, "V", effect, p, usual, found, column.origin)
    from scipy.stats import ks_2samp

    effect, p = (float(value) for value in tuple(ks_2samp(a, b, method="asymp"))[:2])
    usual, found = column.told(float(np.median(a))), column.told(float(np.median(b)))
    return Difference(column.name, "KS", effect, p, usual, found, column.origin)


def cramers_v(a: np.ndarray, b: np.ndarray, categories: int) -> tuple[float, float]:
    """Cramér's V of two samples of codes, less what chance gives (Bergsma, 2013), and the p of the chi-squared test."""
    table = np.stack([np.bincount(a, minlength=categories), np.bincount(b, minlength=categories)])
    return association(table)


def association(table: np.ndarray) -> tuple[float, float]:
    """(r, c) counts -> Cramér's V corrected for bias, and p of independence.

    Rare columns are put together until each is expected 5 times in the smaller row, as the test asks.
    """
    from scipy.special import chdtrc

    table = table[table.sum(1) > 0].astype(np.float64)
    order = np.argsort(-table.sum(0), kind="stable")
    table = table[:, order]
    total = table.sum()
    if not total or len(table) < 2:
        return 0.0, 1.0
    expected = table.sum(0) * table.sum(1).min() / total
    rare = expected < 5
    if rare.any():
        table = np.concatenate([table[:, ~rare], table[:, rare].sum(1, keepdims=True)], axis=1)
    table = table[:, table.sum(0) > 0]
    rows, columns = table.shape
    if columns < 2:
        return 0.0, 1.0
    expected = np.outer(table.sum(1), table.sum(0)) / total
    squared = float(((table - expected) ** 2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    phi = max(0.0, squared / total - freedom / max(total - 1, 1))
    smaller = min(rows - (rows - 1) ** 2 / max(total - 1, 1), columns - (columns - 1) ** 2 / max(total - 1, 1))
    return float(np.sqrt(min(1.0, phi / max(smaller - 1, 1e-9)))), float(chdtrc(freedom, squared))


def holm(p: np.ndarray) -> np.ndarray:
    """(m,) p-values -> (m,) p-values corrected for their number (Holm, 1979)."""
    if not len(p):
        return p
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(raised, 1.0)
    return out
