"""Matrices that become double where they stand."""

from __future__ import annotations

import numpy as np
import pytest

from curate.balance.resampling.widened import in_double, roomy


@pytest.mark.parametrize("rows", [0, 1, 7, 16_384, 40_001])
def test_it_is_the_same_in_double_and_afterwards(rows: int) -> None:
    given = np.random.default_rng(rows).standard_normal((rows, 3)).astype(np.float32)
    values = roomy(rows, 3)
    values[:] = given
    with in_double(values) as wide:
        assert wide.dtype == np.float64
        assert np.array_equal(wide, given.astype(np.float64))
        assert rows == 0 or np.shares_memory(wide, values)
    assert np.array_equal(values, given)


def test_it_is_put_back_when_the_work_fails() -> None:
    values = roomy(50, 4)
    values[:] = given = np.arange(200, dtype=np.float32).reshape(50, 4)
    with pytest.raises(ValueError, match="broken"), in_double(values):
        raise ValueError("broken")
    assert np.array_equal(values, given)


@pytest.mark.parametrize(
    "values", [np.ones((4, 3), np.float32), np.ones((4, 3)), np.ones((8, 6), np.float32)[::2, ::2]]
)
def test_any_other_matrix_is_copied_or_taken_as_it_is(values: np.ndarray) -> None:
    before = values.copy()
    with in_double(values) as wide:
        assert wide.dtype == np.float64
        assert np.array_equal(wide, before)
    assert np.array_equal(values, before)
