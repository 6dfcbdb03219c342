"""Heads of few wide rows are fitted in the space that the rows span, and say the same."""

from __future__ import annotations

import numpy as np

from curate.evidence.heads import in_row_space
from curate.evidence.probabilities import cross_validated


def test_products_of_rows_stay_and_no_more_columns_than_rows_are_left() -> None:
    inputs = np.random.default_rng(0).normal(size=(30, 200)).astype(np.float32)
    inputs[7:9, :-1] = 0  # rows without a vector
    inputs[:, -1] = 1
    turned = in_row_space(inputs)
    assert turned.shape == (30, 29)
    assert np.allclose(turned @ turned.T, inputs @ inputs.T, atol=1e-3)
    assert np.array_equal(turned[:, -1], inputs[:, -1])


def test_rows_are_told_apart_as_well_as_by_the_whole_width() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, 120)
    vectors = (0.15 * rng.normal(size=(3, 300))[codes] + rng.normal(size=(120, 300))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folds = (np.arange(120) % 5).astype(np.int8)
    found = cross_validated(vectors, codes, 3, folds, turned=True)["rows_values"]
    whole = cross_validated(vectors, codes, 3, folds)["rows_values"]
    assert np.abs(found - whole).max() < 0.05
    assert (found.argmax(1) == whole.argmax(1)).mean() > 0.98
