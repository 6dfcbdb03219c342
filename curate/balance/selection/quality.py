"""How good rows are: by a measure, or by the mean score that checks give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curate import registry
from curate.errors import ConfigError


def by_measure(evidence: Any, name: str) -> np.ndarray:
    """(n,) float64 values of a measure, NaN where there is none. Raises ConfigError if it is no number per row."""
    values = evidence.measure(name)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise ConfigError(f"select: the measure {name!r} is no single number per row, so rows can't be ordered by it")
    found = values.astype(np.float64)
    return np.where(found == -1, np.nan, found) if values.dtype.kind == "i" else found


def by_checks(evidence: Any, names: Sequence[str]) -> np.ndarray:
    """(n,) float64 mean score in [0, 1] of each row over the findings of some checks; NaN where none judged it.

    The checks run on the evidence as it stands, with their default settings; what they ask for is measured and
    estimated once for all steps.
    """
    total, judged = np.zeros(len(evidence.table)), np.zeros(len(evidence.table), dtype=np.int64)
    for name in names:
        lines = registry.step(name)().find(evidence).table
        rows = lines["row"].to_numpy()
        np.add.at(total, rows, lines["score"].to_numpy().astype(np.float64))
        np.add.at(judged, rows, 1)
    return np.where(judged > 0, total / np.maximum(judged, 1), np.nan)
