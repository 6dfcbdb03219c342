"""Near-duplicate pairs as an estimate: made once, and kept under a key over all that they depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.estimates import Arrays, Estimates
from curate.evidence.measurements import registered
from curate.evidence.pairs import By, Pairs, find_pairs, methods

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

VERSION = 1


def kept_pairs(
    evidence: Evidence,
    estimates: Estimates,
    order: np.ndarray,
    made_from: tuple[object, ...],
    by: By,
    least: float | None,
) -> Pairs:
    """The pairs of `find_pairs`, from the cache where it has them.

    Args:
        evidence: of the rows.
        estimates: keeps them.
        order: canonical order of the rows.
        made_from: fingerprint of the rows, and of the embedding where a method uses it.
        by: content or embedding.
        least: least similarity; somewhat below the threshold if None.
    """
    used = methods(evidence.table.task, by)
    names = [name for method in used for name in method.needs(evidence.table.task)]
    prints = [measure.fingerprint for measure in registered(names)]
    readable = np.ones(len(order), dtype=bool)
    readable[list(evidence.broken)] = False
    readable = readable[order]
    active = evidence.active[order] if any(method.embeds for method in used) else ""
    versions = [(method.unit, method.version, method.parameters) for method in used]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))

    def compute() -> Arrays:
        found = find_pairs(evidence, by, least)
        evidence.forget([name for method in used for name in method.spent])
        return {
            "left": place[found.left],
            "right": place[found.right],
            "similarity": found.similarity,
            "threshold": np.array([found.threshold]),
        }

    key = (VERSION, *made_from, by, least, versions, prints, readable, active)
    arrays = estimates.get("near_pairs", key, compute, products=True)
    threshold = float(arrays["threshold"][0])
    return Pairs.of(order[arrays["left"]], order[arrays["right"]], arrays["similarity"], threshold)
