"""What spaCy trains on: nested documents, and classes with a value each."""

import json

import pytest

import curate


def document(words, tags, **more):
    tokens = [{"id": k, "orth": word, "tag": "NN", "ner": tag} for k, (word, tag) in enumerate(zip(words, tags))]
    raw = " ".join(words)
    return {"id": 0, "paragraphs": [{"raw": raw, "sentences": [{"tokens": tokens, "brackets": []}], **more}]}


def load(path, items):
    path.write_text(json.dumps(items))
    return curate.load(path)


def test_documents_of_words_and_entities(tmp_path):
    first = document(["Peter", "sleeps"], ["U-PER", "O"])
    first["paragraphs"] *= 2
    table = load(tmp_path / "train.json", [first, document(["New", "York"], ["B-LOC", "L-LOC"])])
    assert (table.task.kind, table.task.tokens, table.task.label) == ("token_classification", "tokens", "ner_tags")
    assert table.column("tokens").to_pylist() == [["Peter", "sleeps"]] * 2 + [["New", "York"]]
    assert table.column("ner_tags").to_pylist()[2] == ["B-LOC", "L-LOC"]
    assert table.column("text").to_pylist()[2] == "New York"


def test_missing_entities_are_no_tags_and_parts_of_speech_stand_in(tmp_path):
    known = document(["Peter", "sleeps"], ["U-PER", "O"])
    table = load(tmp_path / "some.json", [known, document(["who", "knows"], ["-", "-"])])
    assert table.column("ner_tags").to_pylist() == [["U-PER", "O"], None]
    table = load(tmp_path / "none.json", [document(["who", "knows"], ["-", "-"])] * 2)
    assert table.column(table.task.label).to_pylist() == [["NN", "NN"]] * 2


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([{"a": 1.0, "b": 0.0}, {"a": 0, "b": 1}, None], ["a", "b", None]),
        ([{"a": True, "b": True}, {"a": False, "b": True}, {"a": 0.0, "b": 0.0}], [["a", "b"], ["b"], []]),
    ],
)
def test_classes_with_a_value_each(tmp_path, values, labels):
    (tmp_path / "rows.jsonl").write_text(
        "\n".join(json.dumps({"text": f"some words of {k}", "cats": cats}) for k, cats in enumerate(values))
    )
    table = curate.load(tmp_path / "rows.jsonl")
    assert table.column(table.task.label).to_pylist() == labels
    pairs = load(tmp_path / "pairs.json", [[f"some words of {k}", {"cats": cats}] for k, cats in enumerate(values)])
    assert pairs.column(pairs.task.label).to_pylist() == labels


def test_cats_that_are_no_classes_stay(tmp_path):
    rows = [{"text": f"words {k}", "cats": {"first": "tabby"}, "label": k % 2} for k in range(4)]
    table = load(tmp_path / "cats.json", rows)
    assert (table.task.label, "cats" in table.column_names) == ("label", True)
