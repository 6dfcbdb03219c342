"""What an export says of itself, and how its files are named."""

import pytest

import curate
from curate.pipeline.exporting.files import ending, safe
from curate.pipeline.exporting.written import Written


@pytest.mark.parametrize(
    ("data", "name", "wanted"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "a.jpg", "png"),
        (b"unheard of", "clip.old.OPUS", "opus"),
        (b"unheard of", "clip.an ending", "bin"),
        (b"unheard of", "clip", "bin"),
        (b"unheard of", None, "bin"),
    ],
)
def test_files_end_as_their_content_says_else_as_they_did(data, name, wanted):
    assert ending(data, name) == wanted


def test_long_names_are_cut_between_letters():
    assert safe("a" + "ü" * 100) == "a" + "ü" * 59
    assert len(safe("a" + "ü" * 100).encode()) == 119


def test_the_account_names_what_could_not_be_read(tmp_path):
    skipped = {"r1": "the file is gone", "r2": "the file is empty"}
    said = str(Written(tmp_path, "parquet", {"train": 1200, "test": 3}, skipped, ("a note",))).splitlines()
    assert said == [
        f"{tmp_path}: parquet, 1,203 lines (train 1,200, test 3)",
        "2 rows could not be read and are left out, among them row r1: the file is gone",
        "a note",
    ]
    assert len(str(Written(tmp_path, "parquet", {"train": 1})).splitlines()) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_classes_and_repeats_are_noted_where_there_are_any(tmp_path, weighted):
    table = curate.load({"text": [f"text {n}" for n in range(9)], "label": ["a"] * 6 + ["b"] * 3}, text="text")
    steps = [curate.steps.ClassWeights()] if weighted else [curate.steps.Oversample()]
    notes = " ".join(curate.Pipeline(steps).run(table, cache=None).to_parquet(tmp_path / "out").notes)
    assert ("class weights are for the loss" in notes) == weighted
    assert ("3 rows are drawn more than once an epoch" in notes) != weighted
