"""Marked parts of texts, as annotation tools export them, become words and tags."""

import json

import pytest

import curate

TEXTS = [f"Ada-Lovelace met Bob{k} in New York." for k in range(12)]
TAGS = ["B-PER", "I-PER", "I-PER", "O", "O", "O", "B-LOC", "I-LOC", "O"]
WORDS = ["Ada", "-", "Lovelace", "met", "Bob0", "in", "New", "York", "."]


def spans(k):
    at = TEXTS[k].index("New York")
    return [[0, 12, "PER"], [at, at + 8, "LOC"]]


def objects(k, start="start", end="end", label="label"):
    return [{start: a, end: b, label: tag} for a, b, tag in spans(k)]


def task_of_label_studio(k):
    result = [{"type": "labels", "value": {"start": a, "end": b, "labels": [tag]}} for a, b, tag in spans(k)]
    gone = {"result": [], "was_cancelled": True}
    return {"id": k, "data": {"text": TEXTS[k]}, "annotations": [gone, {"result": result}]}


FORMS = {
    "doccano.jsonl": lambda k: {"id": k, "text": TEXTS[k], "label": spans(k)},
    "doccano-2.jsonl": lambda k: {
        "text": TEXTS[k],
        "entities": objects(k, "start_offset", "end_offset"),
        "Comments": [],
    },
    "prodigy.jsonl": lambda k: {"text": TEXTS[k], "spans": objects(k), "answer": "accept"},
    "min.json": lambda k: {"text": TEXTS[k], "label": objects(k, label="labels")},
    "studio.json": task_of_label_studio,
    "spacy.json": lambda k: [TEXTS[k], {"entities": spans(k)}],
}


def write(path, rows):
    text = json.dumps(rows) if path.suffix == ".json" else "\n".join(map(json.dumps, rows))
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", FORMS)
def test_spans_are_a_tag_for_each_word(tmp_path, name):
    table = curate.load(write(tmp_path / name, [FORMS[name](k) for k in range(12)]))
    task = table.task
    assert (task.kind, task.text, task.tokens) == ("token_classification", "text", "span_tokens")
    assert table.column("text").to_pylist() == TEXTS
    assert table.column("span_tokens")[0].as_py() == WORDS
    assert table.column(task.label)[0].as_py() == TAGS
    assert task.label_names == ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def test_rejected_missing_wrong_and_overlapping_spans(tmp_path):
    rows = [{"text": text, "spans": objects(k), "answer": "accept"} for k, text in enumerate(TEXTS)]
    rows[0]["answer"] = "reject"
    rows[1]["spans"] = None
    rows[2]["spans"] = [{"start": 30, "end": 99, "label": "LOC"}]
    rows[3]["spans"] = [{"start": 4, "end": 8, "label": "X"}, *objects(3)]
    rows[4]["spans"] = []
    rows[5]["spans"] = [{"start": 1, "end": 2, "label": "X"}]
    table = curate.load(write(tmp_path / "p.jsonl", rows))
    tags = table.column("span_tags").to_pylist()
    assert (tags[:3], tags[3], set(tags[4])) == ([None] * 3, TAGS, {"O"})
    assert table.column("span_tokens")[5].as_py()[:4] == ["A", "d", "a", "-"]
    assert tags[5][:4] == ["O", "B-X", "O", "O"]
    assert table.problems["row"].to_pylist() == [2]
    assert "is no part of the text" in table.problems["reason"][0].as_py()
    told = " ".join(table.notes)
    assert "1 row whose 'answer' is not accept: without tags" in told
    assert "1 span that overlaps a longer one left out" in told


def test_spans_beside_a_label_or_without_being_asked_for_stay_as_they_are():
    rows = {"text": TEXTS, "label": ["a", "b"] * 6, "spans": [json.dumps(spans(k)) for k in range(12)]}
    assert curate.load(rows).task.kind == "classification"
    rows["intent"] = rows.pop("label")
    assert curate.load(rows).task.label == "intent"
    rows = {"text": TEXTS, "spans": [json.dumps(spans(k)) for k in range(12)]}
    assert curate.load(rows, kind="unlabeled").task.tokens is None
    table = curate.load(rows, curate.load(rows).task)
    assert table.column("span_tags")[0].as_py() == TAGS


@pytest.mark.parametrize("names", [["pos"], ["a", "b"]])
def test_choices_of_label_studio_are_labels(tmp_path, names):
    rows = [
        {"id": k, "data": {"text": text}, "annotations": [
            {"result": [{"type": "choices", "value": {"choices": names if k % 2 else ["neg"]}}]}
        ]}
        for k, text in enumerate(TEXTS)
    ]  # fmt: skip
    rows[4]["annotations"] = []
    rows[5]["annotations"] *= 2
    table = curate.load(write(tmp_path / "p.json", rows))
    found = table.column("label").to_pylist()
    assert (found[1], found[4]) == ("pos" if len(names) == 1 else names, None)
    assert "p.json: 1 task with several annotations: the first counts" in table.notes
