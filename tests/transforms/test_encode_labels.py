import json

import numpy as np
import pytest
from sklearn.preprocessing import MultiLabelBinarizer, OneHotEncoder

import curate
from curate.errors import ConfigError, DataError
from curate.transforms.encode_labels import EncodeLabels


def encoded(table, **settings):
    step = EncodeLabels(**settings)
    made = step.apply(table, json.loads(json.dumps(step.fit(table))))
    assert made.content.tolist() == table.content.tolist()
    return made.column(made.dataset.column_names[-1]).to_pylist(), made


@pytest.fixture
def sizes(table_of):
    return table_of({"x": [1.0, 2.0, 3.0, 4.0], "label": ["m", "s", None, "l"]}, features="x")


def test_one_hot_equals_scikit_learn(sizes):
    found, made = encoded(sizes)
    peer = OneHotEncoder(sparse_output=False).fit_transform([["m"], ["s"], ["l"]])
    assert [one for one in found if one] == peer.tolist()
    assert found[2] is None
    assert made.dataset.column_names[-1] == "label_one_hot"
    assert made.task == sizes.task


def test_order_of_ordinal_and_cumulative(sizes):
    assert encoded(sizes, method="ordinal", order=("s", "m", "l"))[0] == [1, 0, None, 2]
    assert encoded(sizes, method="cumulative", order=("s", "m", "l"))[0] == [[1, 0], [0, 0], None, [1, 1]]
    assert encoded(sizes, method="ordinal", column="size")[1].dataset.column_names[-1] == "size"


def test_places_can_become_the_label(sizes):
    _, made = encoded(sizes, method="ordinal", order=("s", "m", "l"), as_label=True)
    assert (made.task.kind, made.task.label) == ("regression", "label_ordinal")
    np.testing.assert_array_equal(made.labels.values, [1, 0, np.nan, 2])
    curated = curate.Pipeline(steps=[EncodeLabels(method="ordinal", as_label=True)]).run(sizes, cache=None)
    assert curated.plan["label"].to_pylist() == [1.0, 2.0, None, 0.0]


def test_sets_of_labels():
    sets = [["a", "c"], [], None, ["b"]]
    table = curate.load(
        {"x": [[1.0], [2.0], [3.0], [4.0]], "label": sets}, features="x", label="label", kind="multilabel"
    )
    found, _ = encoded(table, method="multi_hot")
    peer = MultiLabelBinarizer(classes=["a", "b", "c"]).fit_transform([["a", "c"], [], ["b"]])
    assert [one for one in found if one is not None] == peer.tolist()
    assert found[2] is None
    assert "multi_hot" in str(EncodeLabels().refuses(table.task))


def test_what_can_not_be_encoded_is_said(sizes, table_of):
    assert "lacks the class 's'" in str(EncodeLabels(order=("m", "l")).refuses(sizes.task))
    assert "'xl', which is no class" in str(EncodeLabels(order=("m", "l", "s", "xl")).refuses(sizes.task))
    assert "regression" in str(EncodeLabels().refuses(curate.Task(kind="regression", label="y", features="x")))
    with pytest.raises(DataError, match="'x' is there already"):
        EncodeLabels(column="x").apply(sizes)
    with pytest.raises(ConfigError, match="as_label"):
        EncodeLabels(as_label=True)
    with pytest.raises(ConfigError, match="twice"):
        EncodeLabels(order=("a", "a"))
