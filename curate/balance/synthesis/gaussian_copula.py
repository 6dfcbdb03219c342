"""A Gaussian copula per class: each column's own distribution, joined by the correlations of normal scores.

A category is a normal number cut at thresholds, in the order in which its values go with the other columns, and so is
a column with few different values; what the cutting takes from a correlation is given back before new rows are drawn.
Of a class with few rows the correlations are drawn toward those within all classes; of one with many, several normal
distributions may stand behind the columns instead of one, where they describe the rows better (by BIC). Values stay
within the range that the class has. Missing values come as often as in the class, each column for itself.
Source: Patki, Wedge, Veeramachaneni 2016, "The Synthetic Data Vault"; Nelsen 2006, "An Introduction to Copulas".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.balance.synthesis.frame import Values
from curate.balance.synthesis.mixture import Mixture, parts_of, possible

FEW_VALUES = 20
"""A column with at most so many different values is cut at thresholds."""
STRONGEST = 0.995
"""Largest correlation of two columns."""
FARTHEST = 1e-6
"""Share of a normal distribution that is left out at either end."""
TURNS = 5
"""Draws of each column of few values, each given the last draws of the others."""


@dataclass(frozen=True)
class Margin:
    """One column of one class.

    Attributes:
        values: sorted values: all that are known of a continuous column, the different ones of a discrete column, codes
            of a category.
        ends: (v,) upper ends of the values' shares, for a discrete column or category; None for a continuous one.
        missing: share of missing values.
        kept: how much of a correlation the cutting leaves, in (0, 1].
    """

    values: np.ndarray
    ends: np.ndarray | None
    missing: float
    kept: float

    def at(self, shares: np.ndarray) -> np.ndarray:
        """(m,) shares in (0, 1) -> (m,) values."""
        if not len(self.values):
            return np.full(len(shares), np.nan)
        if self.ends is not None:
            return self.values[np.minimum(np.searchsorted(self.ends, shares, side="right"), len(self.values) - 1)]
        return np.interp(shares * (len(self.values) - 1), np.arange(len(self.values)), self.values)


@dataclass(frozen=True)
class Copula:
    """A fitted class.

    Attributes:
        margins: of the columns of numbers, then of the categories.
        joint: what joins the columns.
        numbers: how many of the columns are numbers.
    """

    margins: list[Margin]
    joint: Mixture
    numbers: int

    def draw(self, count: int, rng: np.random.Generator) -> Values:
        """New rows."""
        shares = self.joint.draw(count, rng)
        found = np.empty((count, len(self.margins)))
        for place, margin in enumerate(self.margins):
            found[:, place] = margin.at(shares[:, place])
            found[rng.random(count) < margin.missing, place] = np.nan
        return Values(found[:, : self.numbers], found[:, self.numbers :].astype(np.int64))


def fit(values: Values, codes: np.ndarray, rng: np.random.Generator) -> dict[int, Copula]:
    """Class -> its copula.

    Args:
        values: m rows.
        codes: (m,) int64 classes.
        rng: where between its thresholds a value of few stands.
    """
    own: dict[int, tuple[list[Margin], np.ndarray, Mixture | None, int]] = {}
    width = values.numbers.shape[1] + values.codes.shape[1]
    pooled = np.zeros((width, width))
    for k in np.unique(codes):
        rows = values.only(np.flatnonzero(codes == k))
        margins, scores, places = _margins(rows)
        correlations = _correlations(scores, np.array([m.kept for m in margins]))
        parts = parts_of(_spread_out(scores, places, margins, correlations, rng), int(rng.integers(2**31)))
        own[int(k)] = margins, correlations, parts, len(rows)
        pooled += len(rows) / max(len(codes), 1) * correlations
    return {
        k: Copula(margins, parts or Mixture.single(_leaning(alone, pooled, n)), values.numbers.shape[1])
        for k, (margins, alone, parts, n) in own.items()
    }


def _leaning(correlations: np.ndarray, pooled: np.ndarray, rows: int) -> np.ndarray:
    """Correlations of a class, drawn toward the pooled ones where it has few rows for its columns."""
    trust = rows / (rows + len(correlations))
    mixed = trust * correlations + (1 - trust) * pooled
    np.fill_diagonal(mixed, 1.0)
    return mixed


def _spread_out(
    scores: np.ndarray,
    places: dict[int, np.ndarray],
    margins: list[Margin],
    correlations: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """The scores, columns of few values spread between their thresholds as normal numbers that go with the others.

    Each is drawn from its distribution given the row's other columns, in several turns (Hoff 2007, "Extending the rank
    likelihood"): spread evenly they would go with the others less than they do.
    """
    from scipy.special import ndtr, ndtri

    found, limits = scores.copy(), {}
    for column, place in places.items():
        ends = margins[column].ends
        assert ends is not None
        edges = ndtri(np.clip(np.concatenate([[0.0], ends]), FARTHEST, 1 - FARTHEST))
        known = place >= 0
        limits[column] = np.where(known, edges[place], -np.inf), np.where(known, edges[place + 1], np.inf)
    axes = np.linalg.inv(possible(correlations))
    for _ in range(TURNS if limits else 0):
        for column, (low, high) in limits.items():
            spread = 1 / np.sqrt(axes[column, column])
            others = np.delete(np.arange(len(axes)), column)
            middle = -found[:, others] @ axes[others, column] * spread**2
            least, most = ndtr((low - middle) / spread), ndtr((high - middle) / spread)
            share = np.clip(least + rng.random(len(found)) * (most - least), FARTHEST, 1 - FARTHEST)
            found[:, column] = np.clip(middle + spread * ndtri(share), low, high)
    return found


def _margins(rows: Values) -> tuple[list[Margin], np.ndarray, dict[int, np.ndarray]]:
    """The columns' distributions, (m, c) normal scores of the rows (0 where missing), and the places of cut columns.

    The places say for each row between which thresholds it is, -1 where it is missing.
    """
    margins, scores, places = [], [], {}
    for column in rows.numbers.T:
        known = np.isfinite(column)
        different = np.unique(column[known])
        missing = float(1 - known.mean()) if len(column) else 0.0
        score = np.zeros(len(column))
        if len(different) <= min(FEW_VALUES, known.sum() / 2):
            place = np.full(len(column), -1, dtype=np.int64)
            place[known] = np.searchsorted(different, column[known])
            margin, score[known] = _cut(place[known], different, missing)
            places[len(margins)] = place
        else:
            margin = Margin(np.sort(column[known]), None, missing, 1.0)
            score[known] = _normal_scores(column[known])
        margins.append(margin)
        scores.append(score)
    beside = np.stack(scores, axis=1) if scores else np.empty((len(rows), 0))
    for one, column in enumerate(rows.codes.T):
        place, values = _in_order(column, beside, np.delete(rows.codes, one, axis=1))
        margin, score = _cut(place, values, 0.0)
        places[len(margins)] = place
        margins.append(margin)
        scores.append(score)
    return margins, np.stack(scores, axis=1) if scores else np.empty((len(rows), 0)), places


def _in_order(column: np.ndarray, scores: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the codes when categories that go with like values stand side by side, and those codes.

    The order is that of the categories' means on the axis on which they differ most: in the scores of the numbers, and
    in what the other categories are.

    Args:
        column: (m,) int64 codes.
        scores: (m, p) normal scores of the numbers.
        others: (m, q) int64 codes of the other categories.
    """
    different, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    parts = [scores]
    for other in others.T:
        one_hot = (other[:, None] == np.unique(other)).astype(np.float64)
        parts.append((one_hot - one_hot.mean(0)) / np.sqrt(np.maximum(one_hot.mean(0), 1e-12)))
    beside = np.concatenate(parts, axis=1)
    sums = np.zeros((len(different), beside.shape[1]))
    np.add.at(sums, inverse, beside)
    means = (sums / counts[:, None] - beside.mean(0)) * np.sqrt(counts)[:, None]
    along = np.zeros(len(different))
    if means.size:
        left, size, _ = np.linalg.svd(means, full_matrices=False)
        along = left[:, 0] * size[0] / np.sqrt(counts)
        along *= np.sign(along[np.abs(along).argmax()]) or 1.0
    order = np.lexsort((-counts, np.round(along, 9)))
    return np.argsort(order)[inverse], different[order].astype(np.float64)


def _cut(places: np.ndarray, values: np.ndarray, missing: float) -> tuple[Margin, np.ndarray]:
    """A column of few values: thresholds, and the mean normal score between a row's two thresholds."""
    from scipy.stats import norm

    if not len(places):
        return Margin(values, np.ones(len(values)), missing, 1.0), np.zeros(0)
    share = np.bincount(places, minlength=len(values)) / len(places)
    ends = np.cumsum(share)
    edges = norm.pdf(norm.ppf(np.clip(np.concatenate([[0.0], ends]), 0, 1)))
    middle = (edges[:-1] - edges[1:]) / np.maximum(share, 1e-12)
    kept = float(np.sqrt((share * middle**2).sum()))
    return Margin(values, ends, missing, kept if kept > 1e-6 else 1.0), middle[places]


def _normal_scores(column: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return ndtri((rankdata(column) - 0.5) / len(column))


def _correlations(scores: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(c, c) correlations of the normal numbers behind the scores."""
    centred = scores - scores.mean(0) if len(scores) else scores
    spread = np.sqrt((centred**2).mean(0)) if len(scores) else np.ones(scores.shape[1])
    usable = spread > 1e-9
    scaled = np.where(usable, centred / np.where(usable, spread, 1.0), 0.0)
    found = scaled.T @ scaled / max(len(scores), 1) / np.outer(kept, kept)
    found = np.clip(found, -STRONGEST, STRONGEST)
    np.fill_diagonal(found, 1.0)
    return found
