"""Which line of a plan may stand in for another."""

import numpy as np
import pyarrow as pa
import pytest

from curate.feed.alike import Alike


def plan(labels, split=None, kind=None):
    columns = {"label": pa.array(labels, kind or pa.string())}
    if split is not None:
        columns["split"] = pa.array(split).dictionary_encode()
    return pa.table(columns)


def reached(alike, position, n=200):
    return {alike.instead(position, attempt, 0, 0, "r", 0) for attempt in range(n)}


def test_the_same_class_and_no_other():
    alike = Alike.of(plan(["a", "b", "a", "b", "a"]))
    assert reached(alike, 0) == {0, 2, 4}
    assert reached(alike, 3) == {1, 3}


def test_a_row_without_a_label_is_replaced_by_one_without():
    assert reached(Alike.of(plan(["a", None, "a", None])), 1) == {1, 3}


def test_held_out_rows_stay_apart():
    alike = Alike.of(plan(["a", "a", "a", "a"], ["train", "test", "train", "test"]))
    assert reached(alike, 0) == {0, 2}
    assert reached(alike, 1) == {1, 3}


def test_several_labels_in_any_order_and_numbers():
    alike = Alike.of(plan([["a", "b"], ["b", "a"], ["a"], []], kind=pa.list_(pa.string())))
    assert reached(alike, 0) == {0, 1}
    assert reached(alike, 2) == {2}
    assert reached(Alike.of(plan([0.5, 1.5, None], kind=pa.float32())), 0) == {0, 1, 2}


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}, {"row_id": "s"}, {"copy": 1}])
def test_it_follows_from_seed_epoch_row_and_copy(change):
    alike = Alike.of(plan(["a"] * 1000))
    given = {"seed": 0, "epoch": 0, "row_id": "r", "copy": 0}
    ones = [alike.instead(0, attempt, **given) for attempt in range(8)]
    assert ones == [alike.instead(0, attempt, **given) for attempt in range(8)]
    assert ones != [alike.instead(0, attempt, **given | change) for attempt in range(8)]
    assert len(np.unique(ones)) > 5
