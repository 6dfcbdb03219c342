"""Which draws of a plan may be mixed into others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import texts, truths, values_of
from curate.table import HELD_OUT


def partners(plan: pa.Table) -> np.ndarray:
    """(m,) positions in a plan that may be mixed into another draw.

    None of a held-out split beside training lines, and none that counts for nothing beside others that do.
    """
    counts = values_of(plan["weight"], 1.0) > 0
    may = counts if counts.any() else ~counts
    if "split" in plan.column_names:
        held_out = pc.is_in(plan["split"].cast(pa.string()), value_set=texts(HELD_OUT))
        training = may & ~truths(held_out)
        may = training if training.any() else may
    return np.flatnonzero(may)
