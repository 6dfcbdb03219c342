"""Ranks with ties are those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from curate.checks.sets.ranks import average_ranks


@pytest.mark.parametrize("size", [0, 1, 2, 500])
def test_ranks_are_those_of_scipy(size: int) -> None:
    """Ties share the mean of their ranks, to the bit."""
    values = np.random.default_rng(size).integers(-40, 40, size) / 8
    assert np.array_equal(average_ranks(values), rankdata(values))
    assert np.array_equal(average_ranks(values.astype(np.float32)), rankdata(values))
