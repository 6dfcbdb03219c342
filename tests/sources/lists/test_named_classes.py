"""Classes that are numbers or ids get the names that one list beside them has for all of them."""

import json

import numpy as np
import pytest
from PIL import Image

import curate


def pictures(folder, classes, each=3):
    for name in classes:
        (folder / name).mkdir(parents=True)
        for k in range(each):
            pixels = np.random.default_rng(k + 7 * len(name)).integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{name}_{k}.png")


@pytest.mark.parametrize(
    ("classes", "file", "content"),
    [
        ("123", "cat_to_name.json", json.dumps({"1": "rose", "2": "tulip", "3": "lily", "4": "daisy"})),
        ("012", "class_to_idx.json", json.dumps({"rose": 0, "tulip": 1, "lily": 2})),
        ("012", "imagenet_class_index.json", json.dumps({str(k): [f"n{k}", f"{n}"] for k, n in enumerate("abc")})),
        ("012", "class_names.json", json.dumps(["rose", "tulip", "lily"])),
        ("012", "classes.txt", "rose\ntulip\nlily\n"),
        ("123", "meta/names.txt", "1 rose\n2 tulip\n3 lily\n"),
        (["n01440764", "n01443537"], "LOC_synset_mapping.txt", "n01440764 tench, Tinca\nn01443537 goldfish\n"),
    ],
)
def test_folders_of_codes(tmp_path, classes, file, content):
    pictures(tmp_path / "images", classes)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)
    table = curate.load(tmp_path)
    assert not set(table.task.label_names) & set(classes)
    assert len(table.task.label_names) == len(classes)
    assert any(f"named by {file}" in note for note in table.notes)
    assert not any("skipped" in note for note in table.notes)


def test_a_list_of_files_and_numbers(tmp_path):
    pictures(tmp_path, ["images"], each=6)
    lines = [f"images/images_{k}.png {k % 3}" for k in range(6)]
    (tmp_path / "train.txt").write_text("\n".join(lines[:3]))
    (tmp_path / "test.txt").write_text("\n".join(lines[3:]))
    (tmp_path / "classes.txt").write_text("cat\ndog\ncow\n")
    table = curate.load(tmp_path)
    assert table.column("label").to_pylist() == ["cat", "dog", "cow"] * 2
    assert table.column("split").to_pylist() == ["train"] * 3 + ["test"] * 3


@pytest.mark.parametrize(
    "files",
    [
        {"classes.txt": "rose\ntulip\n"},
        {"classes.txt": "rose\nrose\nlily\n"},
        {"a.json": '["rose", "tulip", "lily"]', "b.json": '["cat", "dog", "cow"]'},
        {"config.json": '{"0": {"a": 1}, "1": 2, "2": 3}'},
    ],
)
def test_lists_that_do_not_fit_name_nothing(tmp_path, files):
    pictures(tmp_path / "images", "012")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert curate.load(tmp_path).task.label_names == ("0", "1", "2")


@pytest.mark.parametrize("by_label", [True, False])
def test_json_of_files_and_labels(tmp_path, by_label):
    pictures(tmp_path, ["images"], each=6)
    labels = {f"images_{k}.png": ["cat", "dog"][k % 2] for k in range(6)}
    lists = {name: [file for file, label in labels.items() if label == name] for name in ("cat", "dog")}
    (tmp_path / "labels.json").write_text(json.dumps(lists if by_label else labels))
    assert curate.load(tmp_path).column("label").to_pylist() == ["cat", "dog"] * 3


def test_labels_of_a_table_beside_pictures(tmp_path):
    pictures(tmp_path, ["train_images"], each=6)
    rows = "".join(f"train_images_{k}.png,{k % 3}\n" for k in range(6))
    (tmp_path / "train.csv").write_text("image_id,label\n" + rows)
    names = {"0": "Bacterial Blight", "1": "Brown Streak", "2": "Green Mottle"}
    (tmp_path / "label_num_to_disease_map.json").write_text(json.dumps(names))
    table = curate.load(tmp_path)
    assert table.column("label").to_pylist() == [names[str(k % 3)] for k in range(6)]
    assert not any("skipped" in note for note in table.notes)
