"""The difference of two results and of two audits, counted by hand."""

import json

import pytest

import curate
from curate.pipeline.comparing import compare
from curate.report.comparison import render

TEXTS = [f"{word} number {i}" for i in range(10) for word in ("cats purr", "dogs bark")]


def run(tmp_path, name, steps, texts=TEXTS, labels=None):
    labels = labels or ["cat", "dog"] * (len(texts) // 2)
    data = {"text": texts, "label": labels, "id": [text.rpartition(" ")[2] + text[:3] for text in texts]}
    table = curate.load(data, task=curate.Task(text="text", label="label", id="id"))
    curate.Pipeline(steps).run(table, tmp_path / name, cache=False)
    return tmp_path / name


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The second: two rows gained, one lost, one relabelled in the data, copies dropped, cats twice as heavy."""
    folder = tmp_path_factory.mktemp("results")
    first = run(folder, "first", [curate.steps.ExactDuplicates()])
    labels = ["dog", "dog", *["cat", "dog"] * 8, "cat", "cat", "dog"]
    texts = [*TEXTS[:19], "cats purr number 98", "dogs bark number 99"]
    steps = [curate.steps.ExactDuplicates(fix="drop"), curate.steps.ClassWeights()]
    second = run(folder, "second", steps, texts, labels)
    return first, second


def test_rows_gained_lost_relabelled(results):
    found = compare(*results)
    assert (found.rows.first, found.rows.second, found.rows.gained, found.rows.lost) == (20, 21, 2, 1)
    assert found.relabelled == 1
    assert (found.kept, found.dropped, found.redrawn) == (0, 0, 0)
    [change] = [change for change in found.changes if change.what == "relabelled"]
    assert (change.row_id, change.first, change.second) == ("0cat", "cat", "dog")


def test_class_shares(results):
    shifts = {one.name: (one.first, one.second) for one in compare(*results).classes}
    assert shifts == {"cat": (10, 10), "dog": (10, 11)}


def test_nothing_changed(results):
    found = compare(results[0], results[0])
    assert (found.rows.gained, found.rows.lost, found.relabelled, found.reweighted) == (0, 0, 0, 0)
    assert found.changes == []
    assert all(one.new == one.gone == 0 for one in found.issues)


def test_audits_of_every_form(tmp_path):
    import pyarrow.parquet as pq

    data = {"text": [*TEXTS, TEXTS[0], TEXTS[0]], "label": ["cat", "dog"] * 11}
    first = curate.audit({"text": TEXTS, "label": ["cat", "dog"] * 10}, checks=["exact_duplicates"], cache=False)
    second = curate.audit(data, checks=["exact_duplicates", "text_quality"], cache=False)
    first.to_json(tmp_path / "first.json")
    second.to_json(tmp_path / "second.json")
    pq.write_table(second.findings, tmp_path / "second.parquet")
    for name in ("second.json", "second.parquet"):
        found = compare(tmp_path / "first.json", tmp_path / name)
        assert (found.rows.first, found.rows.second, found.rows.gained) == (20, 22, None)
        [issue] = [one for one in found.issues if one.check == "exact_duplicates"]
        assert (issue.first, issue.second, issue.new, issue.gone) == (0, 2, 2, 0)
        assert found.relabelled is None


def test_an_audit_beside_a_result_says_how_many_rows_were_kept(tmp_path):
    data = {"text": [*TEXTS, TEXTS[0]], "label": [*["cat", "dog"] * 10, "cat"]}
    curate.audit(data, checks=["exact_duplicates"], cache=False).to_json(tmp_path / "raw.json")
    steps = [curate.steps.ExactDuplicates(fix="drop")]
    curate.Pipeline(steps).run(curate.load(data), out=tmp_path / "out", cache=False)
    found = compare(tmp_path / "raw.json", tmp_path / "out")
    assert (found.rows.second, found.rows.first_kept, found.rows.second_kept) == (21, None, 20)
    assert found.headline().startswith("21 → 21 (20 kept) rows")


def test_measures_shift(tmp_path):
    for name, texts in (("a", TEXTS), ("b", [f"{text} and many more words" for text in TEXTS])):
        curate.audit({"text": texts}, checks=["text_quality"], cache=False).to_json(tmp_path / f"{name}.json")
    shift = {one.name: one for one in compare(tmp_path / "a.json", tmp_path / "b.json").measures}["text.words"]
    assert (shift.first_median, shift.second_median) == (4, 8)
    assert json.loads(compare(tmp_path / "a.json", tmp_path / "b.json").to_json())["measures"]


def test_it_prints(results, capsys):
    from rich.console import Console

    render(compare(*results), Console(width=100))
    out = capsys.readouterr().out
    assert "20 → 21 rows, 2 gained, 1 lost" in out
    assert "relabelled" in out


def test_what_one_side_did_not_look_for_is_neither_new_nor_gone(tmp_path):
    data = {"text": [*TEXTS, TEXTS[0]]}
    for name, checks in (("a", ["exact_duplicates"]), ("b", ["text_quality"])):
        curate.audit(data, checks=checks, cache=False).to_json(tmp_path / f"{name}.json")
    found = compare(tmp_path / "a.json", tmp_path / "b.json")
    [issue] = [one for one in found.issues if one.check == "exact_duplicates"]
    assert (issue.first, issue.second, issue.new, issue.gone) == (1, None, 0, 0)
