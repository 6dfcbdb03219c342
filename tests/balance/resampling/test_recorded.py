"""What the library's samplers are handed instead of what they would take."""

from __future__ import annotations

import numpy as np
import pytest

from curate.balance.resampling import recorded


@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (1_000, 64), (40_001, 17)])
def test_the_width_of_the_kernel_is_scikit_learns_to_the_bit(rows: int, columns: int) -> None:
    values = np.random.default_rng(rows).standard_normal((rows, columns)).astype(np.float32) * 3 + 5
    assert recorded.scale_gamma(values) == 1.0 / (columns * values.astype(np.float64).var())


def test_constant_rows_have_the_width_that_scikit_learn_gives_them() -> None:
    assert recorded.scale_gamma(np.full((10, 4), 2.5, dtype=np.float32)) == 1.0
