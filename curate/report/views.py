"""What the evidence looks like: histograms of measures with the bounds of checks, the embedding in two dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import CurateError
from curate.report.model import Bound, Measured

if TYPE_CHECKING:
    from curate.evidence import Evidence
    from curate.findings import Findings
    from curate.step import Check

MOST_POINTS = 1500
"""Rows on the map."""
BINS = 40
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True, eq=False)
class Views:
    """Small pictures of the evidence, kept after the evidence itself is gone.

    Attributes:
        measures: name -> its distribution over the active rows.
        rows: (m,) int64, the rows on the map: at most `MOST_POINTS`, half of them flagged ones where there are so many.
        vectors: (m, d) float32, their embedding.
    """

    measures: dict[str, Measured] = field(default_factory=dict)
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    vectors: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    @classmethod
    def of(cls, evidence: Evidence, checks: Sequence[Check], findings: Findings) -> Views:
        """The views of an audit's evidence; nothing is measured or embedded for their sake alone."""
        from curate.evidence.measures import FIELDS

        task = evidence.table.task
        flagged = np.zeros(len(evidence.table), dtype=bool)
        issues = replace(findings, table=findings.flagged)
        flagged[issues.table["row"].to_numpy()] = True
        active = evidence.active
        names = dict.fromkeys(name for check in checks for name in check.needs(task))
        measures = {}
        for name in names:
            if name in FIELDS and FIELDS[name].fields[name][1]:  # several numbers per row: a fingerprint
                continue
            values = evidence.measure(name)
            if values.ndim == 1 and values.dtype.kind in "fiub":
                measured = _measured(name, values.astype(np.float64)[active], active, checks, issues)
                if measured is not None:
                    measures[name] = measured
        if not any(check.wants_embedding(evidence.table.task) for check in checks) or not active.any():
            return cls(measures)
        try:
            embedding = evidence.embedding()
        except CurateError:  # said by the check that asked for it
            return cls(measures)
        rows = sample(np.flatnonzero(active & embedding.valid), flagged)
        return cls(measures, rows, embedding.vectors[rows].astype(np.float32))


def sample(rows: np.ndarray, flagged: np.ndarray) -> np.ndarray:
    """At most `MOST_POINTS` of the rows, evenly spaced; flagged ones are half of them where there are that many.

    Args:
        rows: (m,) int64, rows to choose from.
        flagged: (n,) bool over all rows.
    """
    if len(rows) <= MOST_POINTS:
        return rows
    marked, fine = rows[flagged[rows]], rows[~flagged[rows]]
    most_marked = max(MOST_POINTS // 2, MOST_POINTS - len(fine))
    marked = _evenly(marked, min(len(marked), most_marked))
    return np.sort(np.concatenate([marked, _evenly(fine, MOST_POINTS - len(marked))]))


def _evenly(rows: np.ndarray, count: int) -> np.ndarray:
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)] if count else rows[:0]


def _measured(
    name: str, values: np.ndarray, active: np.ndarray, checks: Iterable[Check], findings: Findings
) -> Measured | None:
    """Distribution of (m,) values of the active rows; None where there is none. `findings` are the flagged ones."""
    known = np.isfinite(values)
    known &= ~((values == -1) & (values.min(initial=0.0, where=known) == -1))  # -1 stands for broken rows
    if not known.any():
        return None
    values, rows = values[known], np.flatnonzero(active)[known]
    low, high = (float(edge) for edge in np.quantile(values, (0.002, 0.998)))
    if not high > low:
        low, high = float(values.min()), float(values.max())
    bounds = [bound for check in checks for bound in _bounds(check, name)]
    # A bound that lies beside the values is still shown where that leaves the histogram readable.
    span = high - low
    for bound in bounds:
        if low - span <= bound.value <= high + span:
            low, high = min(low, bound.value), max(high, bound.value)
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    marked = np.isin(rows, _flagged_rows(findings, bounds))
    clipped = values.clip(edges[0], edges[-1])
    return Measured(
        rows=len(values),
        mean=float(values.mean()),
        std=float(values.std()),
        quantiles=[float(q) for q in np.quantile(values, QUANTILES)],
        low=float(edges[0]),
        high=float(edges[-1]),
        counts=np.histogram(clipped, edges)[0].tolist(),
        flagged=np.histogram(clipped[marked], edges)[0].tolist(),
        bounds=bounds,
    )


def _flagged_rows(findings: Findings, bounds: Sequence[Bound]) -> np.ndarray:
    """Rows flagged for the issues that the bounds decide about."""
    found = [findings.only(bound.check, bound.issue).table["row"].to_numpy() for bound in bounds]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))


def _bounds(check: Check, measure: str) -> list[Bound]:
    """Settings called ``min_X`` and ``max_X`` bound the measure X; their description begins with the issue."""
    short = measure.rpartition(".")[2]
    role = measure.partition(".")[0]
    if check.modalities and role not in check.modalities:
        return []
    bounds = []
    for setting in (f"min_{short}", f"max_{short}"):
        value: Any = getattr(check, setting, None)
        if setting not in type(check).model_fields or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        described = type(check).model_fields[setting].description or ""
        issue = described.partition(":")[0].strip()
        bounds.append(
            Bound(
                check=check.name,
                issue=issue if issue.isidentifier() else None,
                setting=setting,
                value=float(value),
            )
        )
    return bounds


def project(vectors: np.ndarray) -> np.ndarray:
    """(m, d) float32 -> (m, 2) float32 in [0, 1]: neighbours stay near each other (t-SNE from the principal
    components, with a fixed seed); the principal components alone where there are too few rows for it.

    Source: van der Maaten and Hinton, Visualizing Data using t-SNE, 2008; scikit-learn.
    """
    if not len(vectors):
        return np.empty((0, 2), dtype=np.float32)
    from sklearn.decomposition import PCA

    centred = vectors - vectors.mean(0, dtype=np.float64).astype(np.float32)
    count = min(50, *centred.shape)
    parts = (
        PCA(count, svd_solver="full" if min(centred.shape) < 500 else "randomized", random_state=0).fit_transform(
            centred
        )
        if count > 1 and float(np.abs(centred).max()) > 0
        else np.hstack([centred[:, :1], np.zeros((len(centred), 1))])
    )
    flat = parts[:, :2]
    if len(parts) >= 30 and len(np.unique(parts.round(6), axis=0)) >= 30:
        flat = _unfolded(parts.astype(np.float32))
    low, high = flat.min(0), flat.max(0)
    return ((flat - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)


def _unfolded(parts: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = (parts[:, :2] / max(float(parts[:, 0].std()), 1e-12) * 1e-4).astype(np.float32)
    options: dict[str, Any] = {"init": start, "random_state": 0, "max_iter": 300, "n_jobs": 1}
    # One thread: the result does not depend on their number, and so few rows gain nothing from more.
    with threadpool_limits(1):
        return TSNE(2, perplexity=min(30.0, (len(parts) - 1) / 3), **options).fit_transform(parts)
