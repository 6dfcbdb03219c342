"""Columns that each say of one label whether a row has it: asked for by name, read as sets or as classes."""

import pytest

import curate
from curate.errors import ConfigError
from curate.pipeline.draft import draft

TEXTS = [f"a text about {k} things and {k % 7} more" for k in range(12)]
NAMES = ("toxic", "rude", "spam")


def load(*columns, **settings):
    return curate.load(dict(zip(("text", *NAMES), (TEXTS, *columns))), label_columns=NAMES, **settings)


def sets(table):
    return table.column(table.task.label).to_pylist()


@pytest.mark.parametrize(("yes", "no"), [(1, 0), (1, -1), (True, False), (1.0, 0.0), ("Yes", "no"), ("1", "-1")])
def test_the_label_is_the_set_of_the_columns_that_say_yes(yes, no):
    first, second, third = ([yes if k % n == 0 else no for k in range(12)] for n in (2, 3, 5))
    table = load(first, second, third)
    assert (table.task.kind, table.task.label_names) == ("multilabel", NAMES)
    assert sets(table)[:4] == [["toxic", "rude", "spam"], [], ["toxic"], ["rude"]]
    assert "made of 3 columns" in " ".join(table.notes)


def test_rows_of_which_nothing_is_known_have_no_label():
    ones = [1, 0, 1] * 4
    table = load([*ones[:11], -1], [*ones[:10], None, 1], ones)
    assert sets(table)[9:] == [["toxic", "rude", "spam"], None, None]
    assert "2 rows of which one says nothing have none" in " ".join(table.notes)


def test_exactly_one_label_each_are_classes():
    columns = [[int(k % 3 == n) for k in range(12)] for n in range(3)]
    table = load(*columns)
    assert (table.task.kind, table.task.label_names, sets(table)[:4]) == (
        "classification", NAMES, ["toxic", "rude", "spam", "toxic"],
    )  # fmt: skip
    assert sets(load(*columns, kind="multilabel"))[:2] == [["toxic"], ["rude"]]
    columns[1][0] = 1
    assert load(*columns).task.kind == "multilabel"
    said = load(*columns, kind="classification")
    assert sets(said)[:2] == [None, "rude"]
    assert "1 row of which not exactly one says yes has none" in " ".join(said.notes)
    with pytest.raises(ConfigError, match="are for classification and multilabel, and the task is regression"):
        load(*columns, kind="regression")


@pytest.mark.parametrize(
    ("values", "says"),
    [([0.5] * 12, "holds '0.5'"), (["a", "b"] * 6, "holds 'a', 'b': 1 or 0")],
)
def test_other_values_are_refused(values, says):
    with pytest.raises(ConfigError, match=says):
        load(values, [0, 1] * 6, [1, 0] * 6)


def test_columns_that_are_not_there_are_refused():
    with pytest.raises(ConfigError, match=r"'toxik', which is not there.*toxic"):
        curate.load({"text": TEXTS, "toxic": [0, 1] * 6}, label_columns=["toxik", "toxic"])
    with pytest.raises(ConfigError, match="two or more columns"):
        curate.load({"text": TEXTS, "toxic": [0, 1] * 6}, label_columns=["toxic"])


def test_what_the_question_says_is_taken(tmp_path):
    path = tmp_path / "d.csv"
    rows = [f"{t},{k % 2 * 2 - 1},{k % 3 // 2 * 2 - 1},-1" for k, t in enumerate(TEXTS)]
    path.write_text("\n".join(["text,toxic,rude,spam", *rows]) + "\n")
    with pytest.raises(ConfigError, match=r"--label-columns toxic,rude or task: \{label_columns:") as error:
        curate.load(path)
    assert "spam" not in str(error.value)  # a column of -1 alone may be anything
    table = curate.load(path, label_columns=["toxic", "rude"])
    drafted = curate.Pipeline.from_text(draft(table, "d.csv", tmp_path))
    assert curate.load(path, task=drafted.task).row_ids.tolist() == table.row_ids.tolist()


def test_a_run_and_new_rows_without_the_columns():
    table = load([0, 1] * 6, [1, 1, 0] * 4, [0, 0, 1] * 4)
    assert "toxic" not in table.task.modalities
    curated = curate.Pipeline([curate.steps.ExactDuplicates(fix="drop")]).run(table)
    assert len(curated.transform({"text": ["a new text of some words"]})) == 1
    new = {"text": TEXTS[:2], "toxic": [1, 0], "rude": [0, 1], "spam": [0, 0]}
    assert sets(curated.transform(new)) == [["toxic"], ["rude"]]


def test_they_are_no_features_of_a_table():
    columns = {"width": [k / 7 for k in range(12)], "height": [k * k / 3 for k in range(12)]}
    table = curate.load({**columns, "toxic": [0, 1] * 6, "rude": [1, 1, 0] * 4}, label_columns=["toxic", "rude"])
    assert table.task.features == ("width", "height")


def test_a_label_that_no_row_has_is_told_of():
    table = load([0, 1] * 6, [1, 1, 0] * 4, [0] * 12)
    assert "no row has 'spam'" in " ".join(table.notes)
