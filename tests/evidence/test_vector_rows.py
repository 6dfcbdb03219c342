"""Columns of vectors read as rows of an array: where they stand, in any order, gaps as NaN."""

import numpy as np
import pyarrow as pa
import pytest

from curate.evidence.vector_rows import VectorRows, finite_rows


def column(kind, values):
    if kind == "fixed":
        parts = [pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), 3) for part in np.split(values, [4, 4])]
        return pa.chunked_array(parts)
    lists = pa.array(
        values.tolist(), (pa.list_ if kind == "list" else pa.large_list)(pa.from_numpy_dtype(values.dtype))
    )
    return pa.chunked_array([lists[:5], lists[5:]])


@pytest.mark.parametrize("kind", ["fixed", "list", "large"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_to_the_array(kind, dtype):
    values = np.random.default_rng(0).random((11, 3)).astype(dtype)
    rows = VectorRows(column(kind, values), 3)
    assert rows.shape == (11, 3)
    assert rows.dtype == dtype
    for some in (slice(0, 11), slice(3, 9), slice(5, 5), slice(8, 40)):
        assert np.array_equal(rows[some], values[some])
    order = np.random.default_rng(1).permutation(11)
    assert np.array_equal(rows[order], values[order])
    assert rows[np.zeros(0, dtype=np.int64)].shape == (0, 3)


def test_one_piece_is_not_copied():
    values = np.random.default_rng(0).random((10, 3)).astype(np.float32)
    flat = pa.array(values.reshape(-1))
    whole = VectorRows(pa.chunked_array([pa.FixedSizeListArray.from_arrays(flat, 3)[2:8]]), 3).whole()
    assert np.array_equal(whole, values[2:8])
    assert np.shares_memory(whole, flat.to_numpy())
    assert VectorRows(pa.chunked_array([pa.FixedSizeListArray.from_arrays(flat, 3)] * 2), 3).whole() is None


def test_gaps_and_other_lengths_are_nan():
    lists = pa.array([[1, 2, 3], None, [4, 5], [6, None, 8], [9, 10, 11]], pa.list_(pa.float32()))
    rows = VectorRows(pa.chunked_array([lists]), 3)
    assert rows.whole() is None
    nan = np.nan
    expected = [[1, 2, 3], [nan] * 3, [nan] * 3, [6, nan, 8], [9, 10, 11]]
    np.testing.assert_array_equal(rows[0:5], expected)
    np.testing.assert_array_equal(rows[np.array([4, 1, 3])], np.array(expected)[[4, 1, 3]])


def test_integers_become_numbers():
    rows = VectorRows(pa.chunked_array([pa.array([[1, 2], [3, 4]], pa.list_(pa.int64()))]), 2)
    assert rows[0:2].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert rows.dtype == np.float64


def test_rows_of_finite_numbers():
    values = np.ones((6, 4), dtype=np.float32)
    values[1, 2], values[3, 0], values[4] = np.nan, np.inf, 3e38
    assert finite_rows(values).tolist() == [True, False, True, False, True, True]
    assert finite_rows(np.ones((3, 0), dtype=np.float32)).tolist() == [False] * 3
