"""The methods by name, what each of them measures, and how the ensemble makes one judgement of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from curate.checks.detectors import scores
from curate.checks.detectors.autoencoder import autoencoder
from curate.checks.detectors.pyod import pyod_scores
from curate.checks.detectors.space import Space
from curate.checks.detectors.tails import FEWEST, Tail, fit_tail

Scorer = Callable[[Space], np.ndarray]

SCORERS: dict[str, Scorer] = {
    "isolation_forest": scores.isolation_forest,
    "knn": scores.knn,
    "wide_knn": scores.wide_knn,
    "lof": scores.lof,
    "ecod": scores.ecod,
    "mahalanobis": scores.mahalanobis,
    "autoencoder": autoencoder,
}
TABLE_MEMBERS = ("wide_knn", "knn", "isolation_forest", "mahalanobis")
"""Members of the ensemble on columns: wide and near surroundings (the wide search serves both), cuts along the columns,
and correlations between them."""
EMBEDDING_MEMBERS = ("knn", "lof")
"""Members on an embedding: the distance itself, and the distance beside that of the neighbours."""
CLASS_MEMBERS = ("knn",)
PRIOR_ROWS = 20
"""Rows that the typical deviation of classes counts as beside a class's own."""
LOGARITHMS = ("knn", "wide_knn", "lof", "mahalanobis", "autoencoder")
"""Scores that are logarithms of what people are told."""
MEANINGS = {
    "knn": "its mean distance to the {k} nearest rows",
    "wide_knn": "its mean distance to the nearest rows of a wide neighbourhood",
    "lof": "its local outlier factor",
    "isolation_forest": "its isolation",
    "ecod": "the sum of its columns' tail scores",
    "mahalanobis": "its Mahalanobis distance",
    "autoencoder": "the error of its copy by an autoencoder",
}


@dataclass(frozen=True)
class Judgement:
    """How strange rows are.

    Attributes:
        surprise: (n,) -log10 of the probability that a usual row is as strange; NaN where it can't be said.
        parts: detector -> its (n,) scores and their tail.
        units: detector -> (n,) middle and (n,) spread by which its scores were brought to one scale, empty if they
            were not.
    """

    surprise: np.ndarray
    parts: Mapping[str, tuple[np.ndarray, Tail]]
    units: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def sentence(self, row: int, limit: float, neighbours: int) -> str:
        """What was measured of a row (position), beside what is usual, by the detector that finds it strangest."""
        name = max(self.parts, key=lambda n: _finite(self.parts[n][1].surprise(self.parts[n][0][row : row + 1])[0]))
        values, tail = self.parts[name]
        middle, spread = (float(part[row]) for part in self.units[name]) if name in self.units else (0.0, 1.0)
        found, usual, bound = (middle + spread * value for value in (values[row], tail.middle, tail.limit(limit)))
        if name in LOGARITHMS:
            found, usual, bound = np.exp(found), np.exp(usual), np.exp(bound)
        meaning = MEANINGS.get(name, f"its score by PyOD's {name}").format(k=neighbours)
        together = "" if values[row] > tail.limit(limit) else " alone, and rare as the detectors together see it"
        return f"{meaning} is {found:.3g}, usual is {usual:.3g}, rare above {bound:.3g}{together}"


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else -np.inf


def scorers(method: str | Mapping[str, Any], members: tuple[str, ...]) -> dict[str, Scorer]:
    """The detectors of a method: `members` for the ensemble, else the one that is named."""
    if method == "ensemble":
        return {name: SCORERS[name] for name in members}
    if isinstance(method, str) and method in SCORERS:
        return {method: SCORERS[method]}
    name, settings = pyod_name(method)
    return {name: partial(pyod_scores, name=name, settings=settings)}


def pyod_name(method: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and settings of a detector of PyOD: ``pyod.COPOD``, or ``{pyod: COPOD}`` with settings beside it."""
    if isinstance(method, str):
        return method.partition(".")[2], {}
    settings = dict(method)
    return str(settings.pop("pyod")), settings


def judge(space: Space, chosen: Mapping[str, Scorer]) -> Judgement:
    """How strange each row of a space is by these detectors.

    Each detector's scores become surprises by their own tail, learned from training rows; the mean of the surprises is
    calibrated again, since detectors agree more than chance would have it.
    """
    if space.fit.sum() < FEWEST or not space.width:
        return Judgement(np.zeros(len(space)), {})
    found = {name: scorer(space) for name, scorer in chosen.items()}
    return combined(found, space.fit)


def judge_classes(space: Space, chosen: Mapping[str, Scorer], codes: np.ndarray, fewest: int) -> Judgement:
    """How strange each row is among the rows of its own class; NaN in classes with fewer than `fewest` training rows.

    Scores are counted in deviations from the median of the class, so that wide and narrow classes compare; the
    deviation of a small class leans on that of the others.

    Args:
        space: the rows.
        chosen: detectors.
        codes: (n,) int64 class, -1 for none.
        fewest: training rows that a class must have.
    """
    found = {name: np.full(len(space), np.nan) for name in chosen}
    for code in np.unique(codes[codes >= 0]):
        rows = np.flatnonzero(codes == code)
        part = space.part(rows, f"class {code}")
        if part.fit.sum() >= fewest:
            for name, scorer in chosen.items():
                found[name][rows] = scorer(part)
    if not any(np.isfinite(values).any() for values in found.values()):
        return Judgement(np.full(len(space), np.nan), {})
    units = {name: _class_units(values, codes, space.fit) for name, values in found.items()}
    scaled = {name: (values - units[name][0]) / units[name][1] for name, values in found.items()}
    return replace(combined(scaled, space.fit), units=units)


def _class_units(values: np.ndarray, codes: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) median and (n,) deviation above the median of each row's class among rows to learn from; NaN without any."""
    middle, spread, count = np.full(len(values), np.nan), np.full(len(values), np.nan), np.zeros(len(values))
    usual = fit & np.isfinite(values)
    for code in np.unique(codes[usual & (codes >= 0)]):
        own, base = codes == code, values[usual & (codes == code)]
        above = base[base > np.median(base)] - np.median(base)
        middle[own], count[own] = np.median(base), len(base)
        spread[own] = 1.4826 * np.median(above) if len(above) else 0.0
    typical = float(np.nanmedian(spread[usual])) if usual.any() else 1.0
    leaning = (count * spread + PRIOR_ROWS * typical) / (count + PRIOR_ROWS)
    return middle, np.where(leaning > 1e-6, leaning, 1.0)


def combined(found: Mapping[str, np.ndarray], fit: np.ndarray) -> Judgement:
    """One judgement of the (n,) scores of several detectors."""
    parts = {name: (values, fit_tail(values[fit])) for name, values in found.items()}
    surprises = [tail.surprise(values) for values, tail in parts.values()]
    if len(surprises) == 1:
        return Judgement(surprises[0], parts)
    mean = np.mean(surprises, axis=0)
    return Judgement(fit_tail(mean[fit]).surprise(mean), parts)
