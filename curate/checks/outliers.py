"""Rows that are unlike all others, or unlike the rest of their class."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks._grouping import rank_ids
from curate.checks._isolation import feature_matrix, isolation
from curate.checks._remoteness import (
    class_distance,
    deviations,
    log_distance,
    neighbour_distance,
    within_class,
)
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.step import Check


class Outliers(Check):
    """Finds rows that lie unusually far from their nearest neighbours, overall or within their class.

    Each view (all rows; the row's class; for tables of features also an isolation forest) is measured in robust
    deviations above its median, and the row has the largest of them. The score is 0.5 at `threshold` deviations, near 1
    for usual rows and near 0 far out. Held-out rows are compared with training rows and do not shape what is usual.
    Cost: nearest neighbours, rows squared; per class, rows of the class squared.
    Source: distance to the k nearest neighbours (Ramaswamy, Rastogi, Shim, 2000); isolation forest (Liu, Ting, Zhou,
    2008).
    """

    embeds: ClassVar[bool] = True

    neighbours: int = Field(10, ge=1, le=100, description="nearest rows whose mean distance counts")
    threshold: float = Field(3.0, gt=0, description="robust deviations above the median from which a row is flagged")
    max_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="flag at most this share of the training rows, and of the held-out ones, the most remote first",
    )
    per_class: bool = Field(True, description="also compare each row with its own class")

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row that has an embedding or features."""
        table, rank = evidence.table, rank_ids(evidence.table.row_ids)
        views = self._views(evidence, rank)
        names = list(views)
        stacked = np.stack([views[name][1] for name in names]) if names else np.zeros((0, len(table)))
        judged = evidence.active & np.isfinite(stacked).any(0) if names else np.zeros(len(table), dtype=bool)
        rows = np.flatnonzero(judged)
        filled = np.where(np.isfinite(stacked[:, rows]), stacked[:, rows], -np.inf)
        worst = filled.argmax(0) if names else rows
        deviation = filled.max(0) if names else np.zeros(0)
        score = remoteness_score(deviation, self.threshold)
        flagged = deviation > self.threshold
        order = np.lexsort([rank[rows], -deviation])
        for part in (table.training[rows], ~table.training[rows]):  # held-out rows take no place from training rows
            allowed = int(np.floor(self.max_share * part.sum() + 1e-9))
            flagged[order[part[order]][allowed:]] = False
        reasons = {}
        for place in np.flatnonzero(flagged):
            name, row = names[int(worst[place])], int(rows[place])
            value = views[name][0][row]
            reasons[int(place)] = _reason(name, value, float(deviation[place]), self.neighbours, evidence, row)
        return Findings.of(
            self.name,
            "outlier",
            rows,
            table.row_ids,
            score,
            flagged,
            reason=reasons,
            facts=_facts(names, worst, flagged),
        )

    def _views(self, evidence: Evidence, rank: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """View -> (n,) what was measured and (n,) deviations above what is usual."""
        table, active = evidence.table, evidence.active
        usual = active & table.training
        if active.sum() < 3:
            return {"overall": (np.zeros(len(table)), np.where(active, 0.0, np.nan))}
        distance = neighbour_distance(evidence.neighbours(self.neighbours, training=True).similarity)
        # distances in a table spread over orders of magnitude, those of learned embeddings do not
        scale = log_distance if "features" in table.task.modalities else np.asarray
        views = {"overall": (distance, deviations(scale(distance), usual))}
        if self.per_class and table.task.kind == "classification" and evidence.labels.known.any():
            found = evidence.embedding()
            codes = np.where(active & found.valid, evidence.labels.codes, -1)
            own = class_distance(found.vectors, codes, usual & (codes >= 0), rank, self.neighbours)
            views["class"] = (own, deviations(within_class(scale(own), codes), usual))
        if "features" in table.task.modalities:
            fit = np.flatnonzero(usual)
            apart = isolation(feature_matrix(table, usual), fit[np.argsort(rank[fit], kind="stable")], evidence.seed)
            views["isolation"] = (apart, deviations(apart, usual))
        return views


def remoteness_score(deviation: np.ndarray, threshold: float) -> np.ndarray:
    """(m,) deviations -> (m,) scores: 1 / (1 + e^(d - t)) up to the threshold t, 0.5 (t / d)^3 beyond it.

    The power law keeps far rows apart where the exponential would round all of them to 0.
    """
    below = 1.0 / (1.0 + np.exp(np.minimum(deviation - threshold, 0.0)))
    return np.where(deviation <= threshold, below, 0.5 * (threshold / np.maximum(deviation, threshold)) ** 3)


def _reason(view: str, value: float, deviation: float, neighbours: int, evidence: Evidence, row: int) -> str:
    unusual = f"{deviation:.1f} robust deviations above the median"
    if view == "isolation":
        return f"its features set it apart from the other rows (isolation {value:.2f}, {unusual})"
    if view == "class":
        name = evidence.labels.name(row)
        return f"mean cosine distance {value:.3f} to its {neighbours} nearest rows of the class {name!r}, {unusual}"
    return f"mean cosine distance {value:.3f} to its {neighbours} nearest rows, {unusual}"


def _facts(names: list[str], worst: np.ndarray, flagged: np.ndarray) -> dict[str, Any]:
    by_view = {name: int((flagged & (worst == place)).sum()) for place, name in enumerate(names)}
    return {"rows": len(flagged), "flagged": int(flagged.sum()), "flagged_by_view": by_view}
