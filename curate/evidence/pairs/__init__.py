"""Near-duplicate pairs: found once by the main modality's own method, confirmed by the others, shared by all checks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

import numpy as np

from curate.evidence.pairs.compared import kept_similarity
from curate.evidence.pairs.embedding import METHOD as EMBEDDING
from curate.evidence.pairs.embedding import content_nodes
from curate.evidence.pairs.method import Method, Pairs, above

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

__all__ = [
    "By",
    "Method",
    "Pairs",
    "above",
    "content_nodes",
    "find_pairs",
    "floor_of",
    "method",
    "methods",
    "needs",
    "similarity_of",
]

By = Literal["content", "embedding"]
MODULES = {
    "image": "image",
    "video": "video",
    "text": "text",
    "audio": "audio",
    "series": "embedding",
    "features": "records",
}
"""Modality -> the module of this package that finds its pairs."""


def method(modality: str, by: By = "content") -> Method:
    """How pairs of that modality are found: by its own fingerprint, or by the embedding."""
    if by == "embedding":
        return EMBEDDING
    return import_module(f"{__name__}.{MODULES[modality]}").METHOD


def methods(task: Task, by: By = "content") -> list[Method]:
    """The method of the main modality, then those of the others, each once.

    Series and features beside text or media are remarks on a row, and don't have their say. A column of vectors is
    compared as the embedding that it is.
    """
    roles = [role for role in task.modalities if role == task.modality or role not in ("series", "features")]
    found = [EMBEDDING if role == "features" and isinstance(task.features, str) else method(role, by) for role in roles]
    return list({id(one): one for one in found}.values())


def needs(task: Task, by: By = "content") -> tuple[str, ...]:
    """The per-row measures that finding pairs will ask for."""
    return tuple(dict.fromkeys(name for found in methods(task, by) for name in found.needs(task)))


def floor_of(threshold: float) -> float:
    """Pairs are looked for below the threshold, too, so that scores rank what just misses it."""
    return max(0.0, 1.0 - 2.0 * (1.0 - threshold))


def find_pairs(evidence: Evidence, by: By = "content", least: float | None = None) -> Pairs:
    """Pairs of rows with other content that are alike, one row standing for each content (see `content_nodes`).

    The main modality finds pairs; of a task with several the others must find them alike, too, by their own
    thresholds. `Evidence.near_pairs` gives the same and keeps it.

    Args:
        evidence: of the rows.
        by: content (the modality's own fingerprints) or embedding.
        least: least similarity; `floor_of` the default threshold if left out.
    """
    first, *others = methods(evidence.table.task, by)
    rows = np.unique(content_nodes(evidence))
    rows = rows[rows >= 0]
    if len(rows) < 2:
        return Pairs.none()
    rows = rows[np.argsort(evidence.table.row_ids[rows], kind="stable")]
    threshold = first.threshold(evidence)
    pairs = first.find(evidence, rows, floor_of(threshold) if least is None else least)
    for other in others:
        alike = other.compare(evidence, pairs.left, pairs.right) >= np.float32(other.threshold(evidence))
        pairs = pairs.where(alike)
    swapped = evidence.table.row_ids[pairs.left] > evidence.table.row_ids[pairs.right]
    left, right = np.where(swapped, pairs.right, pairs.left), np.where(swapped, pairs.left, pairs.right)
    return Pairs.of(left, right, pairs.similarity, threshold)


def similarity_of(evidence: Evidence, left: np.ndarray, right: np.ndarray, by: By = "content") -> np.ndarray:
    """(p,) float32 similarity of given pairs by the main modality, 0 where another modality finds them unlike.

    Args:
        evidence: of the rows.
        left: (p,) int64 rows; each pair of contents once.
        right: (p,) int64 rows.
        by: as of `find_pairs`.
    """
    first, *others = methods(evidence.table.task, by)
    swapped = evidence.table.row_ids[left] > evidence.table.row_ids[right]
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    similarity = kept_similarity(evidence, first, left, right) if first.kept else first.compare(evidence, left, right)
    for other in others:
        unlike = other.compare(evidence, left, right) < np.float32(other.threshold(evidence))
        similarity = np.where(unlike, np.float32(0), similarity)
    return similarity.astype(np.float32)
