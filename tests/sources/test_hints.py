"""Files that hardly hold what a reader takes them for: what to do about them is said."""

import json

import pyarrow as pa
import pytest

import curate
from curate.errors import ConfigError, DataError

ROWS = [f"a text about {k % 3} things and {k} more of them,{'spam' if k % 3 else 'ham'}" for k in range(30)]


def notes(tmp_path, lines):
    path = tmp_path / "d.csv"
    path.write_text("\n".join(lines) + "\n")
    return " ".join(curate.load(path).notes)


def test_a_first_line_that_may_be_a_row_is_noted(tmp_path):
    words = [f"{'ab'[k % 2]},{'lmn'[k % 3]},{'pq'[k % 2]}" for k in range(20)]
    assert "the name of the column 'a' is one of its values" in notes(tmp_path, words)
    assert "the name of the column 'ham' is one of" in notes(tmp_path, ["ham,spam", "ham,eggs", "jam,eggs"])


def test_a_first_line_that_is_a_row_is_read_as_one(tmp_path):
    assert "its first line is a row, no header" in notes(tmp_path, ROWS)
    numbers = [f"{k}.5,{k * 2}.25,{'x' if k % 2 else 'p'}" for k in range(20)]
    assert "its first line is a row, no header" in notes(tmp_path, numbers)


@pytest.mark.parametrize("header", ["text,label", "message,spam", "words,kind"])
def test_a_header_is_no_row(tmp_path, header):
    assert "write a header" not in notes(tmp_path, [header, *ROWS])


def test_numbers_as_names_are_noted_and_counts_are_not(tmp_path):
    rows = [f"{k}.5,{k * 2}.25,{k * k}" for k in range(20)]
    assert "all names of the 3 columns are numbers" in notes(tmp_path, ["0.1,3.25,7", *rows])
    assert "numbers" not in notes(tmp_path, ["0,1,2", *rows])


def test_a_repeated_name_may_be_a_row(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("1,1,0\n2,3,4\n")
    with pytest.raises(DataError, match="if the first line is a row, write a header above it"):
        curate.load(path)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"data": [{"text": "a", "label": "b"}]}, "the rows seem to stand under 'data'"),
        ({"text": ["a", "b"], "label": ["c", "d"]}, "it seems to hold columns"),
        ({"text": {"0": "a", "1": "b"}, "label": {"0": "c", "1": "d"}}, "it seems to hold columns"),
        ({"index": [0, 1], "columns": ["text"], "data": [["a"], ["b"]]}, "as pandas writes orient='split'"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_that_is_no_row_is_refused(tmp_path, value, says, indent):
    path = tmp_path / "d.json"
    path.write_text(json.dumps(value, indent=indent))
    with pytest.raises(DataError, match=says):
        curate.load(path)


def test_one_object_on_one_line_is_a_row(tmp_path):
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"text": "a text of some words", "label": "b", "numbers": [1, 2]}))
    assert len(curate.load(path, text="text", label="label")) == 1
    path.write_text(json.dumps({"text": "a text of some words", "label": "b"}, indent=1))
    with pytest.raises(DataError, match="one object with the keys 'text', 'label'"):
        curate.load(path)


def test_what_is_no_input_is_named_with_its_type():
    nested = [[{"word": "hello", "tag": "x"}]] * 3
    with pytest.raises(ConfigError, match=r"'words' \(list<.*of nested values make a column of text"):
        curate.load({"words": nested})
    with pytest.raises(ConfigError, match=r"'text' \(binary\)"):
        curate.load(pa.table({"text": pa.array([b"a", b"b"]), "label": ["x", "y"]}))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rows.db", "write the query's result to CSV or Parquet"),
        ("rows.pkl", "write it to Parquet"),
        ("rows.npy", "save it with its labels by numpy.savez"),
        ("pipeline.yaml", "carried out by `curate run`"),
    ],
)
def test_formats_that_are_not_read_name_one_that_is(tmp_path, name, says):
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(DataError, match=says):
        curate.load(tmp_path / name)
