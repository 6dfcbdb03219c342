"""Draws and soft labels of a plan."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.plan import draws, schema, soft_matrix


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=30))
def test_every_living_row_is_drawn_once_and_as_often_again_as_it_is_repeated(rows):
    alive = np.array([a for a, _ in rows], dtype=bool)
    repeats = np.array([r for _, r in rows], dtype=np.int64)
    drawn, copies = draws(alive, repeats)
    counts = np.bincount(drawn, minlength=len(rows)) if len(rows) else np.zeros(0)
    assert counts.tolist() == np.where(alive, 1 + repeats, 0).tolist()
    for row in set(drawn.tolist()):
        assert copies[drawn == row].tolist() == list(range(1 + repeats[row]))


def test_own_soft_labels_are_smoothed_by_the_class_targets():
    smooth = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    own = {1: np.array([0.5, 0.5], dtype=np.float32)}
    got = soft_matrix(np.array([0, 1, -1]), own, smooth, np.array([0, 1, 2]))
    assert got[0] == pytest.approx([0.9, 0.1])
    assert got[1] == pytest.approx([0.55, 0.45])
    assert got[2].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("classification", pa.dictionary(pa.int32(), pa.string())),
        (None, pa.dictionary(pa.int32(), pa.string())),
        ("regression", pa.float64()),
        ("multilabel", pa.list_(pa.string())),
    ],
)
def test_labels_of_a_plan_are_of_the_kind_of_the_task(kind, label):
    fields = schema(kind)
    assert fields.field("label").type == label
    assert fields.names == ["row", "row_id", "label", "soft_label", "weight", "origin", "recipe", "split", "copy"]
    assert fields.field("origin").type == pa.dictionary(pa.int8(), pa.string())
