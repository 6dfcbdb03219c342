"""Rows that are unlike all others, or unlike the rest of their class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from curate.checks.detectors.methods import pyod_name
from curate.checks.detectors.pyod import refusal
from curate.checks.detectors.views import View, views
from curate.checks.groups.grouping import rank_ids
from curate.checks.series.curves import is_one_curve
from curate.findings import Findings
from curate.step import Check

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

Own = Literal["ensemble", "isolation_forest", "knn", "lof", "ecod", "mahalanobis", "autoencoder"]
Method = (
    Own
    | Annotated[str, Field(pattern=r"^pyod\.[A-Za-z][A-Za-z0-9_]*$")]
    | Annotated[dict[str, str | bool | int | float], Field(json_schema_extra={"required": ["pyod"]})]
)

TOLD = 10
"""Times the training rows: nothing is called rarer than once in so many, for so few rows cannot tell."""


class Outliers(Check):
    """Finds rows that lie unusually far from the others, overall or within their class.

    Tables are judged by their columns on robust scales, everything else, and one column of vectors of 64 numbers or
    more, by the embedding; the ensemble leaves rows that
    are a time and one value to series_anomalies. What is usual is learned from training rows alone; rows of held-out
    splits are judged against them. Anomaly scores become probabilities by a tail that is fitted to the bulk of them,
    and a row is flagged where a usual row would be as strange less often than `false_alarms`; few rows say less of a
    tail, and so a row must lie farther out among few. The score is 0.5 at that
    limit, near 1 for usual rows and near 0 far out.
    Cost: embedding: nearest neighbours (shared with near_duplicates), rows squared up to 32,000 rows of 384 numbers,
    then by cells with a recall that is measured and noted, about rows to the power of 1.5; tables: rows times 10,000
    compared rows, 200 trees.
    Source: the ensemble combines the distance to the nearest neighbours (Ramaswamy, Rastogi, Shim, 2000), isolation
    forest (Liu, Ting, Zhou, 2008) and robust Mahalanobis distance on tables, and distance and local outlier factor
    (Breunig and others, 2000) on embeddings.
    """

    embeds: ClassVar[bool] = True
    issues: ClassVar[tuple[str, ...]] = ("outlier",)

    method: Method = Field(
        "ensemble",
        description="ensemble; isolation_forest, knn (mean distance to the nearest neighbours), lof, ecod, mahalanobis"
        " (robust, shrunk), autoencoder (needs torch); or a detector of PyOD: pyod.COPOD, or {pyod: KNN, method: mean}",
    )
    neighbours: int = Field(10, ge=1, le=100, description="nearest rows that count for knn, lof and the ensemble")
    false_alarms: float = Field(
        0.005,
        gt=0,
        lt=0.5,
        description="share of usual rows that may be flagged by mistake, as the tail of the usual scores foretells",
    )
    max_share: float = Field(
        0.05, ge=0, le=1, description="flag at most this share of the training rows, the strangest first"
    )
    per_class: bool = Field(True, description="also compare each row with its own class")

    @field_validator("method")
    @classmethod
    def _known_method(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not isinstance(value.get("pyod"), str):
            raise ValueError("a mapping names a detector of PyOD: {pyod: COPOD}")
        if (isinstance(value, Mapping) or value.startswith("pyod.")) and (why := refusal(pyod_name(value)[0])):
            raise ValueError(why)
        return value

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row that has an embedding or features."""
        table, rank = evidence.table, rank_ids(evidence.table.row_ids)
        if self.method == "ensemble" and is_one_curve(evidence):
            sentence = "its rows are points of one curve, which series_anomalies judges by the points around them"
            return Findings(Findings.none().table, {self.name: {"sentence": sentence}})
        found = views(evidence, rank, self.method, self.neighbours, self.per_class)
        surprise = np.stack([v.surprise for v in found]) if found else np.full((1, len(table)), np.nan)
        rows = np.flatnonzero(evidence.active & np.isfinite(surprise).any(0))
        filled = np.where(np.isfinite(surprise[:, rows]), surprise[:, rows], -1.0)
        worst, strangest = filled.argmax(0), np.maximum(filled.max(0), 0.0)
        # Two views of a row are two chances of a false alarm.
        limit = -np.log10(self.false_alarms / max(1, len(found)))
        flagged = self._flagged(strangest, limit, table.training[rows], rank[rows])
        known = TOLD * int(table.training[rows].sum())
        reasons = {
            int(place): self._reason(found[worst[place]], int(rows[place]), float(strangest[place]), limit, known)
            for place in np.flatnonzero(flagged)
        }
        facts = self._facts(evidence, found, rows, worst, flagged)
        score = strangeness_score(strangest, limit)
        return Findings.of(self.name, "outlier", rows, table.row_ids, score, flagged, reason=reasons, facts=facts)

    def _flagged(self, strangest: np.ndarray, limit: float, training: np.ndarray, rank: np.ndarray) -> np.ndarray:
        flagged = strangest > limit
        order = np.lexsort([rank, -strangest])
        allowed = int(np.floor(self.max_share * training.sum() + 1e-9))
        flagged[order[training[order]][allowed:]] = False
        return flagged

    def _reason(self, view: View, row: int, surprise: float, limit: float, known: int) -> str:
        often = 10 ** min(surprise, 9)
        rare = f"1 in {often:,.0f}" if often <= known else f"less than 1 in {known:,}"
        return f"{view.sentence(row, limit, self.neighbours)} (as strange as {rare} usual rows)"

    def _facts(
        self, evidence: Evidence, found: list[View], rows: np.ndarray, worst: np.ndarray, flagged: np.ndarray
    ) -> dict[str, Any]:
        splits = evidence.table.splits[rows]
        return {
            "rows": len(rows),
            "flagged": int(flagged.sum()),
            "flagged_by_view": {v.name: int((flagged & (worst == place)).sum()) for place, v in enumerate(found)},
            "detectors": sorted({name for v in found for name in v.detectors}),
            "expected_false_alarms": round(self.false_alarms * len(rows), 1),
            "share_flagged_by_split": {
                str(split): round(float(flagged[splits == split].mean()), 4) for split in np.unique(splits)
            },
        }


def strangeness_score(surprise: np.ndarray, limit: float) -> np.ndarray:
    """(m,) surprises -> (m,) scores 1 / (1 + (s / limit)^2): 0.5 at the limit; far rows stay apart."""
    return 1.0 / (1.0 + np.square(surprise / limit))
