"""What stands in the tars of an export: numbers in their own type, files under the names that tell them apart."""

import io
import json
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pytest

import curate
from curate.pipeline.exporting.webdataset import _npy
from curate.table import Table


def exported(rows, folder, task, **options):
    """Members of the first training tar: name -> bytes."""
    curated = curate.Pipeline([]).run(curate.load(rows, task=task), cache=None)
    curated.to_webdataset(folder, shuffled=False, **options)
    with tarfile.open(folder / "train-000000.tar") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def array(data):
    return np.load(io.BytesIO(data), allow_pickle=False)


def test_features_are_numpy_files_and_classes_are_places(tmp_path):
    rows = {"v": [[0.1 * k, 2.0] for k in range(8)], "label": list("abababab")}
    found = exported(rows, tmp_path / "out", curate.Task(features="v", label="label", kind="classification"))
    assert [name for name in found if name.startswith("000000003")] == [
        f"000000003.{n}" for n in ("npy", "cls", "json")
    ]
    np.testing.assert_array_equal(array(found["000000003.npy"]), np.array([0.1 * 3, 2.0], np.float32))
    assert array(found["000000003.npy"]).dtype == np.float32
    assert [found[f"{k:09d}.cls"] for k in range(3)] == [b"0", b"1", b"0"]
    assert "v" not in json.loads(found["000000003.json"])


def test_series_beside_features_have_a_name_of_their_own(tmp_path):
    rows = {
        "s": [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[5.0, None], [6.0, 7.0]], *[[[0.0, 1.0], [2.0, 3.0]]] * 6],
        "v": [[1.0, 2.0]] * 8,
        "label": list("abababab"),
    }
    found = exported(rows, tmp_path / "out", curate.Task(series="s", features="v", label="label"))
    assert {name.split(".", 1)[1] for name in found} == {"npy", "series.npy", "cls", "json"}
    np.testing.assert_array_equal(array(found["000000000.series.npy"]), [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(array(found["000000001.series.npy"]), [[5, np.nan], [6, 7]])


@pytest.mark.parametrize(
    ("values", "number", "expected", "kind"),
    [
        ([1, 2], "int16", [1, 2], "int16"),
        ([1, None], "int16", [1, np.nan], "float64"),
        ([[1, 2], [3]], "int16", [[1, 2], [3, np.nan]], "float64"),
        ([[1.0, 2.0], [3.0]], "float32", [[1, 2], [3, np.nan]], "float32"),
        ([1.0, None], "float32", [1, np.nan], "float32"),
    ],
)
def test_numbers_keep_their_type_where_nothing_is_missing(values, number, expected, kind):
    found = array(_npy(values, np.dtype(number)))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == kind


def test_shards_end_at_their_rows_or_bytes(tmp_path):
    rows = {"text": ["x" * 100] * 4 + ["y" * 1000] * 4, "label": list("abababab")}
    task = curate.Task(text="text", label="label")
    curated = curate.Pipeline([]).run(curate.load(rows, task=task), cache=None)

    def shards(**limits):
        curated.to_webdataset(tmp_path / "out", shuffled=False, **limits)
        manifest = json.loads((tmp_path / "out" / "export.json").read_text())
        assert sorted(name for name in manifest["files"] if name.endswith(".tar")) == sorted(manifest["shards"])
        return list(manifest["shards"].values())

    assert shards() == [8]
    assert shards(max_rows=3) == [3, 3, 2]
    assert shards(max_bytes=1) == [1] * 8
    assert shards(max_bytes=1000) == [5, 1, 1, 1]  # a shard is closed once it has so many
    assert shards(max_rows=8) == [8]


def test_rows_are_shuffled_by_the_seed_in_training_alone(tmp_path):
    rows = {"text": [f"text {k}" for k in range(40)], "label": ["a", "b"] * 20, "split": ["train"] * 20 + ["test"] * 20}
    table = curate.load(rows, task=curate.Task(text="text", label="label", split="split"))
    assert isinstance(table, Table)

    def texts(split, seed=0, **options):
        curate.Pipeline([], seed=seed).run(table, cache=None).to_webdataset(tmp_path / "out", **options)
        with tarfile.open(tmp_path / "out" / f"{split}-000000.tar") as tar:
            return [tar.extractfile(m).read().decode() for m in tar.getmembers() if m.name.endswith(".txt")]

    assert texts("test") == rows["text"][20:]
    assert texts("train", shuffled=False) == rows["text"][:20]
    assert sorted(texts("train")) == sorted(rows["text"][:20])
    assert texts("train") == texts("train") != rows["text"][:20]
    assert texts("train", seed=1) != texts("train")


def test_rows_without_labels_are_texts_and_what_is_known_of_them(tmp_path):
    curated = curate.Pipeline([]).run(
        curate.load({"text": [f"text {k}" for k in range(4)]}, task=curate.Task(text="text", kind="unlabeled")),
        cache=None,
    )
    curated.to_webdataset(tmp_path / "tars", shuffled=False)
    with tarfile.open(tmp_path / "tars" / "train-000000.tar") as tar:
        assert [name.split(".")[1] for name in tar.getnames()] == ["txt", "json"] * 4
        said = json.loads(tar.extractfile("000000002.json").read())
    assert {"row_id", "weight", "draws", "origin"} <= set(said)
    assert not {"given_label", "label"} & set(said)
    curated.to_parquet(tmp_path / "files")
    rows = pq.read_table(tmp_path / "files" / "train-00000-of-00001.parquet")
    assert rows["text"].to_pylist() == [f"text {k}" for k in range(4)]
    assert "given_label" not in rows.column_names
