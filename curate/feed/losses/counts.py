"""How often training draws each class, for losses that make up for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def class_counts(plan: pa.Table, label_names: Sequence[str], sampler: str = "shuffled") -> np.ndarray:
    """(K,) sum of the weights of a plan's training lines of each class: what the loss sees of it in an epoch.

    A sampler ``balanced`` draws all classes equally often, so that it has equal counts.

    Args:
        plan: lines with ``label``, ``weight`` and ``split`` (`curate.plan.schema`), of classes.
        label_names: the K classes.
        sampler: mode of the sampler that draws them.
    """
    split = plan["split"].cast(pa.string())
    lines = plan.filter(pc.and_(pc.equal(split, "train"), pc.is_valid(plan["label"])))
    names = lines["label"].cast(pa.string()).combine_chunks()
    codes = pc.index_in(names, value_set=pa.array(label_names, pa.string())).to_numpy(zero_copy_only=False)
    weights = pc.fill_null(lines["weight"], 1.0).to_numpy().astype(np.float64)
    counts = np.bincount(codes.astype(np.int64), weights, len(label_names))
    if sampler == "balanced":
        return np.where(counts > 0, counts.sum() / max(1, np.count_nonzero(counts)), 0.0)
    return counts
