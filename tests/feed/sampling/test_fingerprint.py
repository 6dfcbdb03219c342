"""The hash of what a plan says of its lines: it follows the values, and not how they are stored."""

import numpy as np
import pyarrow as pa

from curate.feed.sampling.fingerprint import targets_key


def plan_of(n=50, **columns):
    return pa.table({
        "row_id": [f"r{i}" for i in range(n)], "label": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
        "soft_label": pa.array([None, [0.5, 0.5]] * (n // 2), pa.list_(pa.float32())),
        "weight": np.ones(n, np.float32),
    } | columns)  # fmt: skip


def test_what_is_told_of_lines_changes_it_and_how_it_is_stored_does_not():
    plan = plan_of()
    key = targets_key(plan)
    turned = pa.DictionaryArray.from_arrays(pa.array([1, 0] * 25, pa.int32()), pa.array(["b", "a"]))
    assert targets_key(plan.set_column(1, "label", turned)) == key
    assert targets_key(pa.concat_tables([plan.slice(0, 20), plan.slice(20)])) == key
    assert targets_key(pa.concat_tables([plan, plan]).slice(50)) == key
    assert targets_key(plan.set_column(0, "row_id", pa.array(["x"] * 50))) == key  # rows have a hash of their own
    weights = np.ones(50, np.float32)
    weights[49] = 2
    for number, name, values in (
        (1, "label", ["a", "b"] * 24 + ["b", "b"]),
        (2, "soft_label", [None, [0.5, 0.5]] * 24 + [None, [0.5, 0.25]]),
        (3, "weight", weights),
    ):
        column = pa.array(values, pa.float32()) if name == "weight" else pa.array(values)
        changed = plan.set_column(number, name, column)
        assert targets_key(changed) != targets_key(plan.set_column(number, name, plan[name].cast(column.type))), name


def test_numbers_and_sets_of_classes_are_hashed_as_well():
    for one, other in (([1.0, 2.0], [1.0, 2.5]), ([["a"], ["a", "b"]], [["a"], ["b", "a"]])):
        assert len({targets_key(plan_of(2, label=pa.array(label))) for label in (one, other, one)}) == 2
