"""Labels as given become labels as meant, and every change is said."""

import pyarrow as pa
import pytest

import curate
from curate.errors import ConfigError
from curate.sources.labels.labels import infer_kind, normalise


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


def test_blanks_and_composed_letters_are_normalised_with_a_remark():
    found = normalise(column(["cat", " cat", "Cat", "cafe\u0301", "caf\u00e9", "  ", None]))
    assert found.column.to_pylist() == ["cat", "cat", "Cat", "café", "café", None, None]
    assert found.names == ("Cat", "café", "cat")
    assert [(row, issue) for row, issue, _ in found.remarks] == [(1, "label_format"), (3, "label_format")]
    assert found.remarks[0][2] == "label ' cat' read as 'cat'"


def test_one_and_one_point_zero_are_the_same_class_when_mixed():
    table = curate.load({"text": list("abcdef"), "label": [1, "1", 1.0, "1.0", "2", 2]})
    assert table.dataset["label"][:] == ["1", "1", "1", "1", "2", "2"]
    assert table.task.label_names == ("1", "2")
    assert table.problems.to_pylist() == [{"row": 3, "issue": "label_format", "reason": "label '1.0' read as '1'"}]


def test_texts_that_are_all_written_alike_are_left_alone():
    assert normalise(column(["1.0", "2.0"])).names == ("1.0", "2.0")


def test_numbers_sort_by_value_and_texts_behind():
    assert normalise(column(["10", "9", "a", "-1"])).names == ("-1", "9", "10", "a")


def test_missing_floats_are_missing_labels():
    found = normalise(column([1.0, 0.0, float("nan"), None]))
    assert found.column.to_pylist() == ["1", "0", None, None]
    assert found.names == ("0", "1")


@pytest.mark.parametrize(("values", "kind"), [
    (["a", "b"], "classification"), ([True, False], "classification"), ([0, 1] * 10, "classification"),
    (list(range(77)) * 10, "classification"), (list(range(1, 78)) * 10, "classification"),
    (list(range(2, 79)) * 10, "regression"), ([v * 17 for v in range(300)], "regression"),
    ([v / 7 for v in range(300)], "regression"), ([0.0, 1.0] * 50, "classification"),
    ([["a"], ["b", "a"]], "multilabel"), ([[1], [2, 3]], "multilabel"), ([1, 5], "classification"),
])  # fmt: skip
def test_kind(values, kind):
    assert infer_kind(column(values)) == kind


def test_sets_of_labels():
    found = normalise(column([["b", " a"], [], None, ["a", None]]))
    assert found.column.to_pylist() == [["b", "a"], [], None, ["a"]]
    assert found.names == ("a", "b")
    assert found.remarks == [(0, "label_format", "label ' a' read as 'a'")]
    assert normalise(column(["a|b", "b", None]), kind="multilabel").column.to_pylist() == [["a", "b"], ["b"], None]


def test_a_label_that_is_not_among_the_given_names():
    assert normalise(column(["a", "b"]), names=("b", "a", "c")).names == ("b", "a", "c")
    with pytest.raises(ConfigError, match=r"'catt'.*did you mean 'cat'"):
        normalise(column(["catt", "dog"]), names=("cat", "dog"))


def test_regression_of_words_is_refused():
    assert normalise(column(["1.5", "2"]), kind="regression").column.to_pylist() == [1.5, 2.0]
    with pytest.raises(
        ConfigError, match=r"not all numbers: row 1 \(counted from 0\) has 'n/k'; correct .*kind: class"
    ):
        normalise(column(["1.5", "n/k"]), kind="regression")


def test_sets_that_stand_as_lists_in_text(tmp_path):
    cells = ["['news', \"it's\"]", "['sport']", "[]", ""]
    lines = [f"words of row {k}\t{cells[k % 4]}" for k in range(16)]
    (tmp_path / "rows.tsv").write_text("\n".join(["text\ttags", *lines]))
    table = curate.load(tmp_path / "rows.tsv", kind="multilabel")
    assert table.task.label_names == ("it's", "news", "sport")
    assert table.labels.sets[:3].tolist() == [[True, True, False], [False, False, True], [False, False, False]]
    assert table.labels.known[:4].tolist() == [True, True, True, False]
    assert not table.problems.num_rows
    assert (
        "4 rows have empty cells and count as unlabelled in 'tags': write [] where none of the labels holds"
        in table.notes
    )


def test_a_set_without_labels_among_labels_with_separators(tmp_path):
    cells = ["a|b", "a", "[]", "b"]
    (tmp_path / "rows.csv").write_text("text,tags\n" + "".join(f"words of {k},{cells[k % 4]}\n" for k in range(16)))
    table = curate.load(tmp_path / "rows.csv", kind="multilabel")
    assert table.task.label_names == ("a", "b")
    assert table.labels.sets[2].tolist() == [False, False]
    assert not table.problems.num_rows
