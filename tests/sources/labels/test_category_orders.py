"""The order of categories is the order of the classes, and is not lost without a word elsewhere."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

import curate

TEXTS = [f"this is sentence number {i} of them all" for i in range(12)]


def ordered(values, categories, is_ordered=True):
    return pd.Categorical(values, categories=categories, ordered=is_ordered)


def test_the_order_of_the_label_is_that_of_the_classes(tmp_path):
    label = ordered(["low", "high", "mid", None] * 3, ["low", "mid", "high", "never"])
    frame = pd.DataFrame({"text": TEXTS, "label": label})
    table = curate.load(frame)
    assert table.labels.names == ("low", "mid", "high")
    assert table.labels.codes.tolist() == [0, 2, 1, -1] * 3
    assert table.notes == ()
    frame.to_parquet(tmp_path / "frame.parquet")
    assert pq.read_schema(tmp_path / "frame.parquet").field("label").type.ordered
    assert curate.load(tmp_path / "frame.parquet").labels.names == ("low", "mid", "high")


@pytest.mark.parametrize(
    ("categories", "names"), [(["b", "a"], ("b", "a")), ([3, 1, 2], ("3", "1", "2")), ([" z ", "a"], ("z", "a"))]
)
def test_categories_are_named_as_labels_are(categories, names):
    label = ordered([categories[i % len(categories)] for i in range(12)], categories)
    assert curate.load(pd.DataFrame({"text": TEXTS, "label": label})).labels.names == names


def test_what_the_user_says_and_categories_without_order():
    values = ["low", "high"] * 6
    frame = pd.DataFrame({"text": TEXTS, "label": ordered(values, ["low", "high"], is_ordered=False)})
    assert curate.load(frame).labels.names == ("high", "low")
    frame["label"] = ordered(values, ["low", "high"])
    assert curate.load(frame, label_names=["high", "low"]).labels.names == ("high", "low")


def test_features_do_not_keep_an_order_and_it_is_said():
    size = ordered(["S", "L", "M"] * 4, ["S", "M", "L"])
    table = curate.load(pd.DataFrame({"x": range(12), "size": size, "label": ["a", "b"] * 6}))
    [note] = table.notes
    assert note.startswith(
        "the categories of 'size' have an order (S < M < L), which names among the features do not k"
    )
