"""Folders of files: where rows without a class stand, and what names their files."""

import json

import numpy as np

import curate


def test_rows_without_class_stand_in_the_folder_of_their_split(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    for name, columns, kind in (
        ("some", {"image": pixels, "label": ["a", None, "ü", "a"]}, "classification"),
        ("none", {"image": pixels, "label": [1.5, 2.5, 3.5, 4.5]}, "regression"),
    ):
        table = curate.load(columns, image="image", label="label", kind=kind)
        curate.Pipeline([]).run(table, cache=None).to_imagefolder(tmp_path / name)
        text = (tmp_path / name / "train" / "metadata.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        below = [line["file_name"].rpartition("/")[0] for line in lines]
        assert below == (["a", "", "ü", "a"] if name == "some" else [""] * 4)
        assert ("ü" in text) == (name == "some")  # as people read it
        assert [line["label"] for line in lines] == columns["label"]
        manifest = json.loads((tmp_path / name / "export.json").read_text(encoding="utf-8"))
        assert manifest.get("folders") == ({"a": "a", "ü": "ü"} if name == "some" else None)


def test_columns_of_the_data_do_not_pass_for_names_of_files(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    columns = {"image": pixels, "label": ["a", "b"] * 3, "file_name": [f"old{n}.jpg" for n in range(6)]}
    table = curate.load(columns, image="image", label="label")
    curate.Pipeline([]).run(table, cache=None).to_imagefolder(tmp_path / "out")
    folder = tmp_path / "out" / "train"
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    assert [line["given_file_name"] for line in lines] == columns["file_name"]
    assert all((folder / line["file_name"]).is_file() for line in lines)
    assert [line["file_name"].split("/")[0] for line in lines] == ["a", "b"] * 3
