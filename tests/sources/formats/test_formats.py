"""JSON lines, JSON, Parquet, Arrow, NPZ: read strictly, and never by pickle."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.sources.formats.jsonl import read_json
from curate.sources.formats.npz import read_npz
from curate.sources.formats.parquet import read_arrow

TEXTS = [f"text number {i}" for i in range(6)]


def jsonl(path, lines):
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return path


def test_broken_json_lines_are_rows_with_reasons(tmp_path):
    good = [json.dumps({"text": t, "label": "ab"[i % 2]}) for i, t in enumerate(TEXTS)]
    bad = ['{"text": "cut', "[1, 2]", '{"a": 1, "a": 2}', '{"text": "\\ud800"}', "[" * 100_000, "3"]
    raw = read_json(jsonl(tmp_path / "d.jsonl", [*good[:3], *bad, "", *good[3:]]))
    assert len(raw) == 12
    assert sorted(raw.unreadable) == [3, 4, 5, 6, 7, 8]
    assert raw.origin["line"].to_pylist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]
    for row, word in {
        3: "not valid JSON",
        4: "found list",
        5: "'a' stands twice",
        6: "surrogate",
        7: "too deeply",
        8: "found int",
    }.items():
        assert f"d.jsonl, line {row + 1}: " in raw.unreadable[row]
        assert word in raw.unreadable[row]
    assert raw.columns["text"].to_pylist() == [*TEXTS[:3], *[None] * 6, *TEXTS[3:]]
    assert {row: line.decode().strip() for row, line in raw.records.items()} == dict(enumerate(bad, 3))
    assert raw.notes == ("d.jsonl: 1 blank line is no row",)


def test_keys_may_differ_and_types_may_mix(tmp_path):
    lines = [
        '{"t": "x y", "label": 1}',
        '{"t": "z", "label": "1", "extra": {"a": 1}}',
        '{"t": "", "label": 1.0, "extra": "s"}',
    ]
    raw = read_json(jsonl(tmp_path / "d.ndjson", lines))
    assert raw.columns.to_pydict() == {
        "t": ["x y", "z", None],
        "label": ["1", "1", "1"],
        "extra": [None, '{"a": 1}', "s"],
    }


def test_lines_with_bytes_that_are_not_utf8(tmp_path):
    raw = read_json(jsonl(tmp_path / "d.jsonl", ['{"text": "é"}', b'{"text": "\xff"}', '{"text": "ü"}']))
    assert list(raw.unreadable) == [1]


def test_json_array_and_its_faults(tmp_path):
    path = tmp_path / "d.json"
    path.write_text(json.dumps([{"text": t, "label": "ab"[i % 2]} for i, t in enumerate(TEXTS)], indent=1))
    assert curate.load(path).dataset["text"][:] == TEXTS
    path.write_text('[{"text": "a"},\n {"text": }]')
    with pytest.raises(DataError, match=r"d.json, line 2: item 1 .* not valid JSON"):
        read_json(path)
    path.write_text('[{"text": "a"}')
    with pytest.raises(DataError, match="not valid JSON"):
        read_json(path)
    path.write_text('[{"text": "a"}]\n[{"text": "b"}]')
    with pytest.raises(DataError, match="line 1: more text follows the end of the array"):
        read_json(path)
    path.write_text('[{"text": "a"},\n 3]')
    with pytest.raises(DataError, match=r"d.json, line 2: item 1 \(from 0\) is int, not an object"):
        read_json(path)
    path.write_text('[{"text": "a"}, {"text": ' + "1" * 5000 + "}]")
    with pytest.raises(DataError, match=r"item 1 .* not valid JSON"):
        read_json(path)


@pytest.mark.parametrize("item", [b'{"text": "\\ud800"}', b'{"text": "\xff"},\n{"text": "n\xc3\xb6"}'])
def test_characters_that_are_no_text_are_one_error(tmp_path, item):
    path = tmp_path / "d.json"
    path.write_bytes(b"[" + item + b"]")
    with pytest.raises(DataError, match=r"d.json, line 1: item 0 .* characters that are no text"):
        curate.load(path)


def test_a_file_without_objects_is_one_error(tmp_path):
    with pytest.raises(DataError, match="no line is a JSON object"):
        read_json(jsonl(tmp_path / "d.jsonl", ["hello", "world"]))


@pytest.mark.parametrize("name", ["d.parquet", "d.feather", "d.arrow"])
def test_arrow_formats(tmp_path, name):
    columns = pa.table({"text": TEXTS, "label": pa.array(["a", "b"] * 3).dictionary_encode(), "when": [None] * 6})
    path = tmp_path / name
    if name == "d.parquet":
        pq.write_table(columns, path)
    elif name == "d.feather":
        pyarrow.feather.write_feather(columns, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, columns.schema) as writer:
            writer.write_table(columns)
    table = curate.load(path)
    assert (table.dataset["text"][:], table.task.label_names) == (TEXTS, ("a", "b"))


@pytest.mark.parametrize(
    ("name", "content"), [("d.parquet", b"PAR1" + b"\0" * 100), ("d.arrow", b"junk"), ("d.feather", b"ARROW1\0\0x")]
)
def test_damaged_files_are_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    kind = name.split(".")[1]
    with pytest.raises(DataError, match=rf"{name}: can't be read as {kind}: \w+ \w+") as error:
        curate.load(tmp_path / name)
    assert "\n" not in str(error.value)


def test_notes_of_the_datasets_library_that_make_no_sense_are_passed_over(tmp_path):
    noted = json.dumps({"info": {"features": {"text": {"dtype": "string", "_type": "NoSuchType"}}}})
    columns = pa.table({"text": TEXTS}).replace_schema_metadata({"huggingface": noted})
    pq.write_table(columns, tmp_path / "d.parquet")
    raw = read_arrow(tmp_path / "d.parquet")
    assert raw.columns["text"].to_pylist() == TEXTS
    assert [note.split(" (")[0] for note in raw.notes] == [
        "d.parquet: what the datasets library noted in the file can't be understood"
    ]
    assert (raw.root, raw.bases) == (tmp_path, (tmp_path,))


def test_columns_of_one_name_are_refused(tmp_path):
    pq.write_table(pa.table([["a"], ["b"], ["c"]], names=["text", "label", "text"]), tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"d\.parquet: there are several columns 'text'; names must differ"):
        read_arrow(tmp_path / "d.parquet")


def test_no_rows(tmp_path):
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match="no rows"):
        read_arrow(tmp_path / "d.parquet")


def test_npz_of_vectors_images_and_series(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "v.npz", X=rng.normal(size=(6, 3)), y=np.arange(6) % 2)
    table = curate.load(tmp_path / "v.npz")
    assert (table.task.features, table.task.label_names) == ("features", ("0", "1"))
    pixels = rng.integers(0, 255, (6, 5, 4, 3), dtype=np.uint8)
    np.savez(tmp_path / "i.npz", x_train=pixels[:4], y_train=np.arange(4) % 2, x_test=pixels[4:], y_test=np.arange(2))
    table = curate.load(tmp_path / "i.npz")
    assert (table.task.image, table.splits.tolist()) == ("image", ["train"] * 4 + ["test"] * 2)
    np.savez(tmp_path / "b.npz", X=pixels[:4], y=np.arange(4) % 2, X_test=pixels[4:], y_test=np.arange(2))
    assert curate.load(tmp_path / "b.npz").splits.tolist() == ["train"] * 4 + ["test"] * 2
    np.savez(tmp_path / "c.npz", x_train=pixels, y_train=np.arange(6) % 2, names=np.array(["u", "v"]))
    assert any("names left out" in note for note in curate.load(tmp_path / "c.npz").notes)
    np.savez(tmp_path / "s.npz", X=rng.normal(size=(6, 2, 9)), labels=np.array(["u", "v"] * 3))
    assert curate.load(tmp_path / "s.npz").task.series == "series"


def test_npz_with_objects_or_of_other_lengths_is_refused(tmp_path):
    np.savez(tmp_path / "o.npz", X=np.array([{"a": 1}, None], dtype=object), y=np.arange(2))
    with pytest.raises(DataError, match="pickle"):
        read_npz(tmp_path / "o.npz")
    np.savez(tmp_path / "l.npz", X=np.zeros((3, 2)), y=np.arange(2))
    with pytest.raises(DataError, match="X has 3 rows, but y has the shape"):
        read_npz(tmp_path / "l.npz")
    np.savez(tmp_path / "n.npz", foo=np.zeros(3))
    with pytest.raises(DataError, match="none of the arrays is the input"):
        read_npz(tmp_path / "n.npz")
    (tmp_path / "z.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(DataError, match="can't be read"):
        read_npz(tmp_path / "z.npz")


def csv(path, rows, header="text,label"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_several_files_with_split_names_become_splits(tmp_path):
    for stem in ("train", "valid", "test"):
        csv(tmp_path / f"{stem}.csv", [f"{stem} {i} of it,{'ab'[i % 2]}" for i in range(4)])
    csv(tmp_path / "notes.csv", ["1,2"], header="x,y")
    table = curate.load(tmp_path)
    assert table.splits.tolist() == ["train"] * 4 + ["validation"] * 4 + ["test"] * 4
    assert any("left out, with other columns: notes.csv" in note for note in table.notes)
    assert set(table.origin["file"].to_pylist()) == {"train.csv", "valid.csv", "test.csv"}


def test_parts_go_together_and_strangers_are_asked_about(tmp_path):
    for i in range(3):
        csv(tmp_path / f"part-{i:03d}.csv", [f"some text {i},{'ab'[i % 2]}", f"more text {i},a"])
    table = curate.load(tmp_path)
    assert len(table) == 6
    assert table.task.split is None
    csv(tmp_path / "clean.csv", ["a,b"])
    with pytest.raises(ConfigError, match="holds several tables"):
        curate.load(tmp_path)
    assert len(curate.load(str(tmp_path / "part-*.csv"))) == 6
    assert len(curate.load([tmp_path / "part-000.csv", tmp_path / "part-002.csv"])) == 4
    with pytest.raises(DataError, match="no file matches"):
        curate.load(str(tmp_path / "zzz*.csv"))


def test_types_are_decided_over_all_files_together(tmp_path):
    csv(tmp_path / "train.csv", ["one text,1,x", "two text,2,y"], header="text,code,label")
    csv(tmp_path / "test.csv", ["three text,007,x"], header="text,code,label")
    table = curate.load(tmp_path)
    assert table.dataset["code"][:] == ["1", "2", "007"]


def test_rows_without_a_split_are_counted(tmp_path):
    rows = ["one of it,a,train", "two of it,b,", "three of it,a,test", "four of it,b,train"]
    table = curate.load(csv(tmp_path / "d.csv", rows, header="text,label,split"))
    assert table.splits.tolist() == ["train", "train", "test", "train"]
    assert table.notes == ("1 row without a split: counted as train",)
    rows = ["one of it,a,train", "two of it,b,holdout", "three of it,a,dev", "four of it,b,Train"]
    table = curate.load(csv(tmp_path / "e.csv", rows, header="text,label,split"), split="split")
    assert table.training.tolist() == [True, True, False, True]
    assert [note for note in table.notes if "'holdout' count as training rows" in note]


def test_splits_and_max_rows(tmp_path):
    for stem in ("train", "test"):
        csv(tmp_path / f"{stem}.csv", [f"{stem} {i} of it,{'ab'[i % 2]}" for i in range(40)])
    table = curate.load(tmp_path, splits="train", max_rows=10)
    assert table.splits.tolist() == ["train"] * 10
    assert any("10 of 40 rows" in note for note in table.notes)
    with pytest.raises(ConfigError, match="no split 'validation'"):
        curate.load(tmp_path, splits=["dev"])
    with pytest.raises(ConfigError, match="at least 1"):
        curate.load(tmp_path, max_rows=0)


def test_unknown_and_empty_files(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"x")
    with pytest.raises(DataError, match=r"\.xls is no format"):
        curate.load(tmp_path / "a.xls")
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        curate.load(tmp_path / "a.csv")
