"""Roles are inferred where the data leave no doubt, and asked for by name where they do."""

import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.sources import describe

SENTENCES = [f"this is sentence number {i} of the lot, my friend" for i in range(12)]


def task(columns, **said):
    return curate.load(columns, **said).task


def test_usual_names():
    found = task(
        {"id": list(range(12)), "text": SENTENCES, "label": ["a", "b"] * 6, "split": ["train", "val", "Test"] * 4}
    )
    assert (found.id, found.text, found.label, found.split, found.kind) == (
        "id",
        "text",
        "label",
        "split",
        "classification",
    )


def test_free_text_and_the_lone_column_of_few_values():
    found = task({"what they said": SENTENCES, "mood": ["up", "down"] * 6})
    assert (found.text, found.label) == ("what they said", "mood")


def test_ambiguity_is_asked_for_by_name_all_at_once():
    columns = {"question": SENTENCES, "body": SENTENCES[::-1], "intent": ["a", "b"] * 6, "domain": ["c", "d"] * 6}
    with pytest.raises(ConfigError) as error:
        task(columns)
    said = str(error.value)
    assert "cannot tell which column is the label: 'intent' and 'domain' both could be" in said
    assert "say --label intent or task: {label: intent}" in said
    assert "cannot tell which column is the text" in said
    assert task(columns, label="intent", text="body").label == "intent"


def test_what_the_user_says_stands():
    columns = {"text": SENTENCES, "note": SENTENCES[::-1], "label": ["a", "b"] * 6, "other": ["c", "d"] * 6}
    found = task(columns, text="note", label="other")
    assert (found.text, found.label) == ("note", "other")
    assert task(columns, kind="unlabeled").label is None
    assert curate.load(columns, {"text": "note"}).task.text == "note"
    assert curate.load(columns, curate.Task(text="note"), label="other").task.label == "other"


def test_unknown_roles_and_columns_name_the_nearest():
    with pytest.raises(ConfigError, match=r"'txt'.*did you mean 'text'.*'labl'.*did you mean 'label'"):
        task({"text": SENTENCES, "label": ["a", "b"] * 6}, label="labl", text="txt")
    with pytest.raises(ConfigError, match="did you mean 'label'"):
        curate.load({"text": SENTENCES}, {"labell": "x"})
    with pytest.raises(ConfigError, match="say it once"):
        curate.load({"text": SENTENCES}, {"label": "x"}, label="y")


def test_a_table_of_scalars_has_features_and_no_guessed_label():
    columns = {"age": [31, 45, 22, 60], "city": ["Bonn", "Ulm", "Bonn", "Ulm"], "rec_id": ["a", "b", "c", "d"]}
    found = task(columns)
    assert (found.features, found.id, found.kind) == (("age", "city"), "rec_id", "unlabeled")
    assert task({**columns, "target": [0, 1, 0, 1]}).label == "target"


def test_vectors_series_and_embeddings():
    vectors = np.zeros((12, 3), np.float32)
    assert task({"features": vectors, "y": [0, 1] * 6}).features == "features"
    assert task({"x": np.zeros((12, 2, 5), np.float32), "y": [0, 1] * 6}).series == "x"
    assert task({"series": vectors, "y": [0, 1] * 6}).series == "series"
    beside = task({"text": SENTENCES, "embedding": vectors, "label": ["a", "b"] * 6})
    assert (beside.text, beside.features) == ("text", None)
    assert task({"text": SENTENCES, "embedding": vectors}, embedding="embedding").embedding == "embedding"


def test_an_id_must_be_unique_to_be_taken():
    assert task({"id": [1, 1] * 6, "text": SENTENCES}).id is None


def test_split_values_must_be_names_of_splits():
    assert task({"fold": [0, 1] * 6, "text": SENTENCES, "label": ["a", "b"] * 6}).split is None
    table = curate.load({"subset": ["training", " dev", "TEST", None] * 3, "text": SENTENCES, "label": ["a", "b"] * 6})
    assert table.task.split == "subset"
    assert table.splits.tolist()[:4] == ["train", "validation", "test", "train"]


def test_a_split_column_with_an_odd_value_is_asked_about():
    columns = {"split": ["train", "tets", "test", "train"] * 3, "text": SENTENCES, "label": ["a", "b"] * 6}
    with pytest.raises(ConfigError, match=r"holds the splits test, train, and 'tets' \(did you mean 'test'\?\)"):
        task(columns)
    assert task(columns, split="split").split == "split"
    with pytest.raises(ConfigError, match=r"holds the splits train, and 'holdout': correct it, or say --split split"):
        task(columns | {"split": ["train", "holdout"] * 6})
    assert task(columns | {"split": ["a", "b"] * 6}).split is None


def test_other_kinds():
    columns = {"text": SENTENCES, "label": [float(v) / 7 for v in range(12)]}
    assert task(columns).kind == "regression"
    assert task({"text": SENTENCES, "tags": [["x"], ["y", "x"]] * 6}).kind == "multilabel"
    assert task({"text": SENTENCES, "label": ["a", "b"] * 6}, kind="multilabel").label_names == ("a", "b")
    with pytest.raises(ConfigError, match="no column is the label"):
        task({"text": SENTENCES}, kind="classification")


def test_description_names_roles_classes_and_problems():
    lines = describe(curate.load({"text": SENTENCES, "label": [" a", "b"] * 6}))
    assert "text: column 'text'" in lines
    assert "label: column 'label', classification, 2 classes (a, b)" in lines
    assert any(line.startswith("label_format: 6 rows") for line in lines)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([1] * 12, "'id' names no rows, as 1 stands in 12 rows: row ids follow from the content instead. Say"),
        ([1, 1, 2, 2, *range(3, 11)], "as 1 stands in 2 rows (2 of 10 values repeat): row ids"),
        ([None, *range(11)], "as 1 of 12 rows has no value there: row ids"),
        (list(range(12)), None),
    ],
)  # fmt: skip
def test_an_id_column_that_names_no_rows_is_said(ids, said):
    columns = {"id": ids, "text": SENTENCES, "label": ["a", "b"] * 6}
    notes = curate.load(columns).notes
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]
    assert not curate.load(columns, group="id").notes if said else True


def test_an_id_column_among_the_features_is_said_to_be_one():
    columns = {"Id": [1, 1, *range(10)], "x": list(range(12)), "label": ["a", "b"] * 6}
    [note] = curate.load(columns).notes
    assert (
        "as 1 stands in 3 rows (1 of 10 values repeat): row ids follow from the content instead; it is one of the f"
        in note
    )


def test_sounds_beside_transcripts_are_to_be_transcribed(tmp_path):
    for row in range(4):
        (tmp_path / f"{row}.wav").write_bytes(b"RIFF")
    columns = {"file": [f"{row}.wav" for row in range(4)], "transcript": SENTENCES[:4], "speaker": ["a", "b"] * 2}
    found = task(columns, root=tmp_path)
    assert (found.kind, found.audio, found.transcript, found.label) == ("transcription", "file", "transcript", None)
    found = task(columns, root=tmp_path, label="speaker")
    assert (found.kind, found.transcript) == ("classification", None)
    found = task({**columns, "label": ["a", "b"] * 2}, root=tmp_path)
    assert (found.kind, found.transcript) == ("classification", None)


def test_columns_of_ones_and_zeros_are_said_to_be_sets_of_labels():
    columns = {"text": SENTENCES, **{name: [0, 1, 1] * 4 for name in ("toxic", "rude", "spam")}}
    with pytest.raises(
        ConfigError, match=r"--label-columns toxic,rude,spam or task: \{label_columns: \[toxic, rude, spam\]\}"
    ):
        task(columns)
    with pytest.raises(ConfigError) as error:
        task({**columns, "rude": [0, 1, 2] * 4})
    assert "make one column" not in str(error.value)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a, b", "b, c", "a", "a, c", "c", "b"], "3 of the 6 classes look like sets of 3 labels, such as 'a, b': if"),
        (["cat, black", "dog", "bird"], None),
        (["a", "b", "c"], None),
    ],
)
def test_classes_that_look_like_sets_of_labels(labels, said):
    columns = {"text": SENTENCES, "label": (labels * 12)[:12]}
    notes = curate.load(columns).notes
    assert (said is not None) == any("look like sets" in note for note in notes)
    assert said is None or any(said in note for note in notes)
    assert not any("look like sets" in note for note in curate.load(columns, kind="classification").notes)


def test_a_table_without_a_label_says_so():
    columns = {"x": range(12), "y2": range(12, 24), "price": [i * 1.5 for i in range(12)]}
    assert any("no column was taken as the label" in note for note in curate.load(columns).notes)
    assert not curate.load(columns, kind="unlabeled").notes
    assert not curate.load(columns, label="price").notes


PEOPLE = {
    "age": list(range(20)),
    "pay": [float(k) for k in range(20)],
    "rating": [k % 5 for k in range(20)],
    "city": ["Rome", "Oslo"] * 10,
    "label": ["stay", "leave"] * 10,
}


def test_addresses_among_the_columns_of_a_table_are_no_text():
    table = curate.load({**PEOPLE, "email": [f"user{k}@example.org" for k in range(20)]})
    assert table.task.text is None
    assert table.task.features == ("age", "pay", "rating", "city", "email")
    lone = curate.load({"message": ["hello", "bye"] * 10, "label": ["a", "b"] * 10})
    assert lone.task.text == "message"


def test_columns_that_a_text_leaves_aside_are_told_of():
    columns = {**PEOPLE, "description": [f"a longer text about person number {k}" for k in range(20)]}
    table = curate.load(columns)
    assert table.task.text == "description"
    assert "3 columns of numbers ('age', 'pay', 'rating') have no role" in table.notes[-1]
    assert not curate.load(columns, text="description").notes


@pytest.mark.parametrize("text", ["[0.5, -1.25, 3e-2, 4]", "0.5 -1.25 0.03 4", "(1; 2; 3)"])
def test_lists_of_numbers_that_are_text_are_told_of(tmp_path, text):
    (tmp_path / "rows.csv").write_text("signal,label\n" + "".join(f'"{text}",{"ab"[k % 2]}\n' for k in range(20)))
    assert any("'signal' holds lists of numbers" in note for note in curate.load(tmp_path / "rows.csv").notes)
    with pytest.raises(DataError, match="of text: JSON lines, Parquet and NPZ hold lists"):
        curate.load(tmp_path / "rows.csv", series="signal")
