import numpy as np
import pyarrow as pa
import pytest

from curate.media import series
from curate.media.item import DecodeError


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.int16()), pa.list_(pa.float32(), 3)])
def test_lists_are_one_channel(kind):
    [first, second] = series.decode(pa.array([[1, 2, 3], [4, 5, 6]], kind))
    assert first.dtype == np.float32
    assert first.tolist() == [[1, 2, 3]]
    assert second.tolist() == [[4, 5, 6]]


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.list_(pa.float64())), pa.list_(pa.list_(pa.float32(), 2), 2), pa.large_list(pa.list_(pa.int8()))],
)
def test_lists_of_lists_are_channels(kind):
    [first, second] = series.decode(pa.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], kind).slice(0, 2))
    assert first.tolist() == [[1, 2], [3, 4]]
    assert second.tolist() == [[5, 6], [7, 8]]


def test_slices_are_their_own_rows():
    for kind in (pa.list_(pa.float64()), pa.list_(pa.float64(), 2)):
        whole = pa.array([[1, 2], [3, 4], None, [5, 6]], kind)
        found = series.decode(whole.slice(1))
        assert found[0].tolist() == [[3, 4]]
        assert isinstance(found[1], DecodeError)
        assert found[2].tolist() == [[5, 6]]


def test_rows_of_other_lengths_nulls_and_empties():
    found = series.decode(pa.chunked_array([[[1.0, None, 3.0], []], [None, [4.0]]], pa.list_(pa.float64())))
    np.testing.assert_array_equal(found[0], [[1, np.nan, 3]])
    assert "empty" in str(found[1])
    assert "no series" in str(found[2])
    assert found[3].tolist() == [[4]]


def test_ragged_channels_are_named():
    [bad, good, none] = series.decode(pa.array([[[1, 2], [3]], [[1], [2]], []], pa.list_(pa.list_(pa.int64()))))
    assert "2, 1" in str(bad)
    assert good.tolist() == [[1], [2]]
    assert isinstance(none, DecodeError)


@pytest.mark.parametrize("column", [pa.array(["a"]), pa.array([["a"]]), pa.array([1.0]), pa.array([[[["x"]]]])])
def test_what_holds_no_numbers_is_refused(column):
    with pytest.raises(DecodeError, match="must"):
        series.decode(column)
