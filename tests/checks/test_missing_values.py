"""missing_values: labels, inputs, cells of tables, vectors and series."""

import csv
import wave

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.checks.missing_values import MissingValues
from curate.checks.tables.blank_cells import blank_cells, blank_share
from curate.evidence import Evidence, EvidenceSettings


def flagged(findings, issue):
    lines = findings.only(issue=issue).flagged.to_pylist()
    return {line["row"]: line["reason"] for line in lines}


def test_cells_emptied_in_a_real_table_are_found_with_their_columns(shared_data, table_of, evidence_of):
    with (shared_data / "hospital_dirty_clean" / "clean.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    rng = np.random.default_rng(0)
    untouched = MissingValues().find(evidence_of(table_of(columns, features=list(columns))))
    before = flagged(untouched, "missing_cells")
    fills = ["", "  ", None, "?", "N/A", "nan"]
    wanted = {}
    for row in rng.choice([i for i in range(len(rows)) if i not in before], 60, replace=False):
        name = str(rng.choice(list(columns)))
        columns[name][row] = fills[int(rng.integers(len(fills)))]
        wanted[int(row)] = name
    found = flagged(MissingValues().find(evidence_of(table_of(columns, features=list(columns)))), "missing_cells")
    assert set(found) - set(before) == set(wanted)
    assert all(f"1 of 17 cells missing: {name!r}" == found[row] for row, name in wanted.items())


def test_missing_labels_and_blank_texts(table_of, evidence_of):
    table = table_of(
        {"text": ["fine", "  \n", None, "ok", ""], "label": ["a", "b", "a", None, "?"]}, text="text", label="label"
    )
    findings = MissingValues().find(evidence_of(table))
    assert set(flagged(findings, "missing_input")) == {1, 2, 4}
    labels = flagged(findings, "missing_label")
    assert set(labels) == {3, 4}
    assert labels[4] == "the label '?' stands for a missing one"
    assert set(flagged(MissingValues(placeholders=()).find(evidence_of(table)), "missing_label")) == {3}


def test_numbers_can_be_placeholders_if_named(table_of, evidence_of):
    table = table_of(
        {"a": [1.0, -999.0, float("nan")], "b": [1, 2, -999], "c": ["u", "v", "w"]}, features=["a", "b", "c"]
    )
    assert flagged(MissingValues().find(evidence_of(table)), "missing_cells") == {2: "1 of 3 cells missing: 'a'"}
    found = MissingValues(placeholders=("-999",)).find(evidence_of(table))
    assert flagged(found, "missing_cells") == {
        1: "1 of 3 cells missing: 'a'",
        2: "2 of 3 cells missing: 'a', 'b'",
    }
    np.testing.assert_allclose(
        found.only(issue="missing_cells").table["score"].to_numpy(), [1, 2 / 3, 1 / 3], atol=1e-6
    )


def test_vectors_and_series_count_their_holes(table_of, evidence_of):
    nan = float("nan")
    table = table_of({"series": [[[1.0, nan], [2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]], [[], []], None]}, series="series")
    findings = MissingValues().find(evidence_of(table))
    cells = flagged(findings, "missing_cells")
    assert set(cells) == {0, 2, 3}
    assert cells[0].startswith("25.0%")
    assert set(flagged(findings, "missing_input")) == {2, 3}
    assert set(flagged(MissingValues(max_missing=0.3).find(evidence_of(table)), "missing_cells")) == {2, 3}


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 2)])
def test_shares_of_lists_of_every_arrow_type(kind):
    column = pa.chunked_array([pa.array([[1, None], None, [1, 2]], kind), pa.array([[float("nan"), None]], kind)])
    np.testing.assert_allclose(blank_share(column), [0.5, 1, 0, 1])


def test_cells_of_every_arrow_type():
    dictionary = pa.array(["x", " ", None]).dictionary_encode()
    for column in (dictionary, pa.array(["x", "\t", None], pa.large_string()), pa.array([1.5, float("nan"), None])):
        assert blank_cells(pa.chunked_array([column])).tolist() == [False, True, True]
    assert blank_cells(pa.chunked_array([pa.array([True, None])])).tolist() == [False, True]
    assert blank_cells(pa.chunked_array([], pa.string())).tolist() == []


def test_lists_of_tags_are_labels():
    data = {"tokens": [["a", "b"], ["c"], ["d"]], "tags": [["O", "X"], ["O"], None]}
    table = curate.load(data, kind="token_classification", tokens="tokens", label="tags")
    found = MissingValues().find(Evidence(table, EvidenceSettings(encoder="classic")))
    assert flagged(found, "missing_label") == {2: "the column 'tags' holds no label"}
    document = curate.audit(table, checks=["missing_values"], cache=False).document()
    assert (document.unlabeled, document.classes) == (1, [])


def test_an_empty_column_is_not_held_against_its_rows(table_of, evidence_of):
    columns = {"a": [1.0, float("nan"), *[2.0] * 28], "b": ["", *[None] * 29]}
    evidence = evidence_of(table_of(columns, features=["a", "b"]))
    found = MissingValues().find(evidence)
    assert flagged(found, "missing_cells") == {1: "1 of 2 cells missing: 'a'"}
    assert found.facts["missing_values"]["columns_not_counted"] == ["b"]
    assert len(flagged(MissingValues(max_column_missing=1.1).find(evidence), "missing_cells")) == 30


def test_missing_transcripts_are_missing_labels(tmp_path):
    for row in range(4):
        with wave.open(str(tmp_path / f"{row}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(np.random.default_rng(row).integers(-9000, 9000, 4000, dtype=np.int16).tobytes())
    columns = {"file": [f"{row}.wav" for row in range(4)], "transcript": ["yes", None, " ", "-"]}
    table = curate.load(columns, root=tmp_path)
    found = flagged(MissingValues().find(Evidence(table, EvidenceSettings(workers=1))), "missing_label")
    assert found == dict.fromkeys((1, 2), "the column 'transcript' holds no transcript")


def test_words_among_numbers_that_are_held_as_text_stand_for_missing_values(table_of, evidence_of):
    ages = [str(18 + k) for k in range(60)]
    ages[3], ages[8], ages[11] = "NA", "none", "unknown"
    states = ["DE", "FR", "NA"] * 20
    columns = {"age": ages, "state": states, "colour": ["none", "red"] * 30}
    table = table_of(columns, features=list(columns))
    found = flagged(MissingValues().find(evidence_of(table)), "disguised_missing")
    assert set(found) == {3, 8, 11}


def test_a_held_out_split_without_any_label_is_meant_so():
    """As the test rows of a contest."""
    splits = ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    rows = {"text": [f"text number {k}" for k in range(8)], "split": splits}
    labels = ["a", "b", None, "a", "b", None, None, None]
    table = curate.load({**rows, "label": labels})
    found = MissingValues().find(Evidence(table, EvidenceSettings(encoder="classic")))
    assert set(flagged(found, "missing_label")) == {2, 5}
    assert found.facts["missing_values"]["splits_without_labels"] == ["test"]
