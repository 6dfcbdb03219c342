"""Text files that are damaged or meant to harm: one clear error, or a finding for the row while the rest goes on."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curate
from curate.errors import ConfigError, CurateError, DataError

WORDS = ["card", "payment", "transfer", "refund", "account", "balance", "cash", "machine", "exchange", "rate", "pin"]


def texts(n=24):
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, 6)) for _ in range(n)]


ROWS = [f"{text},{'ab'[i % 2]}" for i, text in enumerate(texts())]
LINES = [json.dumps({"text": text, "label": "ab"[i % 2]}) for i, text in enumerate(texts())]


def csv(path, extra=(), head=b"text,label\n", encoding="utf-8"):
    lines = [row.encode(encoding) for row in ROWS] + [e if isinstance(e, bytes) else e.encode(encoding) for e in extra]
    path.write_bytes(head + b"\n".join(lines) + b"\n")
    return path


def jsonl(path, extra):
    path.write_bytes("\n".join([*LINES, *extra]).encode("utf-8", "surrogatepass") + b"\n")
    return path


def unreadable(table):
    return {line["row"]: line["reason"] for line in table.problems.to_pylist() if line["issue"] == "unreadable"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"a\0b,a", "NUL"),
        (b"caf\xff \xfe,a", ""),
        (b'"never closed,a', "never closes"),
        (b'"closed" too early,a', "quote"),
        (b"one field", "fewer"),
        (b"a,b,c,d", "more than the 2"),
    ],
)
def test_a_bad_line_of_csv(tmp_path, line, words):
    table = curate.load(csv(tmp_path / "d.csv", [line]), text="text", label="label")
    why = unreadable(table)
    said = [line["reason"] for line in table.problems.to_pylist()]
    assert len(table) == 25
    assert any("d.csv, line 26" in reason and words in reason for reason in said), said
    assert set(why) <= {24}


def test_a_field_of_more_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("curate.sources.delimited.headers.FIELD_LIMIT", 1000)
    monkeypatch.setattr("curate.sources.delimited.delimited.read_quick", lambda *_: None)
    table = curate.load(csv(tmp_path / "d.csv", ["y" * 5000 + ",a"]), text="text", label="label")
    assert "line 26" in unreadable(table)[24]


DEEP = '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}"
BAD_JSON = {
    "cut": ('{"text": "cut', "not valid JSON"),
    "deep": (DEEP, "nested"),
    "twice": ('{"text": "a", "text": "b"}', "stands twice"),
    "digits": ('{"text": "a", "label": ' + "9" * 5000 + "}", "not valid JSON"),
    "surrogate": ('{"text": "a \\ud800 b", "label": "a"}', "surrogate"),
    "list": ("[1, 2]", "object is needed, found list"),
    "null": ("null", "object is needed"),
    "text": ('"x"', "object is needed"),
    "raw NUL": ('{"text": "a\0b"}', "not valid JSON"),
}


@pytest.mark.parametrize("kind", BAD_JSON)
def test_a_bad_line_of_jsonl(tmp_path, kind):
    line, words = BAD_JSON[kind]
    table = curate.load(jsonl(tmp_path / "d.jsonl", [line]), text="text", label="label")
    assert list(unreadable(table)) == [24]
    assert "d.jsonl, line 25" in unreadable(table)[24]
    assert words in unreadable(table)[24]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('[{"text": ' + "[" * 100_000 + "]" * 100_000 + "}]", "nested too deeply"),
        ('[{"a": 1, "a": 2}]', "stands twice"),
        ('[{"a": 1}, 5]', "item 1"),
        ('[{"a": 1}] more', "more text follows"),
        ("[]", "no rows"),
    ],
)
def test_bad_json_arrays(tmp_path, text, words):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(DataError, match=r"d\.json") as caught:
        curate.load(tmp_path / "d.json")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_of_encodings(tmp_path, encoding):
    (tmp_path / "d.csv").write_bytes(("text,label\n" + "\n".join(ROWS)).encode(encoding))
    table = curate.load(tmp_path / "d.csv")
    assert (len(table), table.task.text, table.task.label) == (24, "text", "label")


def test_marks_that_repeat(tmp_path):
    path = csv(tmp_path / "d.csv", head=b"\xef\xbb\xbf" * 3 + b"text,label\n")
    assert curate.load(path).task.text == "text"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (("text,label\n" + "\n".join(ROWS)).encode("utf-16") + b"x", "not valid utf-16"),
        (bytes(5000), "NUL"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "PNG (image)"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip (archive)"),
        (b"PK\x03\x04" + bytes(100), "ZIP (archive)"),
        (b"PAR1" + bytes(100), "Parquet (table)"),
        (b"text,label,label\na,b,c\n", "'label' more than once"),
        (b"text,\na,b\n", "no name"),
        (b"text,label\n", "no rows"),
        (b"\n\n\n", "empty"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, words):
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"d\.csv") as caught:
        curate.load(tmp_path / "d.csv")
    assert words in str(caught.value)


def test_a_text_may_begin_like_a_picture(tmp_path):
    path = csv(tmp_path / "d.csv", head=b"BM25 text,label\n")
    assert len(curate.load(path, text="BM25 text", label="label")) == 24


def test_duplicate_columns_of_parquet(tmp_path):
    table = pa.table([texts(), list("ab") * 12, list("ab") * 12], names=["text", "label", "label"])
    pq.write_table(table, tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"d\.parquet: there are several columns 'label'"):
        curate.load(tmp_path / "d.parquet")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
def test_damaged_parquet(tmp_path, share):
    pq.write_table(pa.table({"text": texts(), "label": list("ab") * 12}), tmp_path / "d.parquet", compression="none")
    data = bytearray((tmp_path / "d.parquet").read_bytes())
    place = int(len(data) * share)
    data[place : place + 40] = b"\xff" * len(data[place : place + 40])
    (tmp_path / "d.parquet").write_bytes(data)
    try:
        rows = len(curate.load(tmp_path / "d.parquet", text="text", label="label"))
    except CurateError as error:
        rows = 24 if "d.parquet" in str(error) else 0
    assert rows == 24


def test_one_class_says_that_labels_can_not_be_compared(tmp_path):
    (tmp_path / "d.csv").write_text("text,label\n" + "\n".join(f"{text},same" for text in texts()))
    table = curate.load(tmp_path / "d.csv", text="text", label="label")
    assert any("every label is 'same'" in note and "can say nothing" in note for note in table.notes)


@pytest.mark.parametrize(
    "kind", ["one_row", "all_nan", "infinite", "constant", "mixed_labels", "nan_labels", "all_equal"]
)
def test_odd_tables_are_audited(kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)).astype(np.float32), list("ab") * 15
    if kind == "one_row":
        x, y = x[:1], y[:1]
    elif kind == "all_nan":
        x[:] = np.nan
    elif kind == "infinite":
        x[::2] = np.inf
    elif kind in ("constant", "all_equal"):
        x[:] = 1
        y = ["a"] * 30 if kind == "all_equal" else y
    elif kind == "mixed_labels":
        y = [1, "1", 1.0, "one", True, None] * 5
    elif kind == "nan_labels":
        y = [1.0, float("nan"), 2.0] * 10
    table = curate.load({"features": x, "label": y}, label="label", features="features")
    names = ["unreadable", "missing_values", "exact_duplicates", "label_spelling", "class_imbalance"]
    report = curate.audit(table, names, cache=None)
    scores = report.findings["score"].to_numpy()
    assert np.isfinite(scores).all()
    assert not report.skipped
    assert set(report.findings["row"].to_pylist()) == set(range(len(x)))


def test_unknown_encodings_are_named(tmp_path):
    with pytest.raises((ConfigError, DataError), match="klingon"):
        curate.load(csv(tmp_path / "d.csv"), encoding="klingon")
