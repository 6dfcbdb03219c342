"""Folders of YOLO and of Pascal VOC are read as detection sets."""

import numpy as np
import pyarrow.compute as pc
import pytest
from PIL import Image

import curate
from curate.checks.box_quality import BoxQuality
from curate.evidence.evidence import Evidence

VOC = """<annotation><filename>{name}.jpg</filename><size><width>60</width><height>40</height><depth>3</depth></size>
<object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>35.5</ymax></bndbox></object>
<object><name>cat</name><bndbox><xmin>9</xmin><ymin>{top}</ymin><xmax>12</xmax><ymax>14</ymax></bndbox></object>
</annotation>"""


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def rows(table):
    names = [path.rsplit("/", 1)[-1] for path in table.column("image").combine_chunks().field("path").to_pylist()]
    return dict(zip(names, table.column("boxes").to_pylist()))


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images/{split}", "labels/{split}"), ("{split}/images", "{split}/labels"), ("{split}", "{split}")],
)
def test_yolo(tmp_path, images, labels):
    for split, names in (("train", "abcd"), ("val", "e")):
        for name in names:
            image(tmp_path / images.format(split=split) / f"{name}.jpg")
    write(tmp_path / labels.format(split="train") / "a.txt", "1 0.5 0.5 0.2 0.4\n0 0.25 0.5 0.5 1\n")
    write(tmp_path / labels.format(split="train") / "b.txt", "")
    write(tmp_path / labels.format(split="train") / "c.txt", "1 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n7 0.5 0.5 0.1\n")
    write(tmp_path / labels.format(split="val") / "e.txt", "5 0.5 0.5 0.1 0.1\n")
    write(tmp_path / "data.yaml", "train: ../train/images\nnc: 2\nnames: [cat, dog]\n")
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.box_format, table.task.label_names) == (
        "detection", "cxcywh_relative", ("cat", "dog")
    )  # fmt: skip
    assert table.splits.tolist() == ["train"] * 4 + ["validation"]
    found = rows(table)
    assert found["a.jpg"] == [
        {"box": [0.5, 0.5, 0.2, 0.4], "label": "dog"}, {"box": [0.25, 0.5, 0.5, 1.0], "label": "cat"}
    ]  # fmt: skip
    assert (found["b.jpg"], found["d.jpg"]) == ([], None)
    assert found["c.jpg"][0]["box"] == pytest.approx([0.2, 0.4, 0.2, 0.4])
    assert found["c.jpg"][1:] == [{"box": None, "label": None}]
    assert found["e.jpg"][0]["label"] == "category 5"
    notes = " ".join(table.notes)
    assert "outlines of 1 object are not read" in notes
    assert "1 image without a label file" in notes
    assert "of other types" not in notes
    [reason] = table.problems["reason"].to_pylist()
    assert "line 2 of" in reason
    assert "a class and four numbers are needed" in reason


def test_yolo_with_a_list_of_classes(tmp_path):
    image(tmp_path / "a.png")
    write(tmp_path / "a.txt", "0 0.5 0.5 1 1\n")
    write(tmp_path / "classes.txt", "bird\nfish\n")
    table = curate.load(tmp_path)
    assert rows(table) == {"a.png": [{"box": [0.5, 0.5, 1.0, 1.0], "label": "bird"}]}
    assert table.task.label_names == ("bird", "fish")


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("names: " + "[" * 100_000, "nested deeper than 20 levels"),
        ("names: [cat, [dog]]\n", "a class is one word or number"),
        ("names: {zero: cat}\n", "can't be read"),
        ("# " + "x" * (1 << 20), "more than 1 MB"),
    ],
)
def test_lists_of_classes_that_can_not_be_read(tmp_path, listed, said):
    image(tmp_path / "a.png")
    write(tmp_path / "a.txt", "3 0.5 0.5 1 1\n")
    write(tmp_path / "data.yaml", listed)
    table = curate.load(tmp_path)
    assert rows(table)["a.png"][0]["label"] == "3"
    assert said in " ".join(table.notes)


def test_classes_by_number(tmp_path):
    image(tmp_path / "a.png")
    write(tmp_path / "a.txt", "3 0.5 0.5 1 1\n1 0.5 0.5 1 1\n")
    write(tmp_path / "data.yaml", "names: {1: cat, 3: dog}\n")
    assert [box["label"] for box in rows(curate.load(tmp_path))["a.png"]] == ["dog", "cat"]


def test_lists_of_splits_that_can_not_be_read(tmp_path):
    image(tmp_path / "JPEGImages" / "a.jpg")
    write(tmp_path / "Annotations" / "a.xml", VOC.format(name="a", top=3))
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_bytes(b"\xff\xfe\x00")
    table = curate.load(tmp_path)
    assert table.task.kind == "detection"
    assert "train.txt, which may list the images of a split, can't be read" in " ".join(table.notes)


def test_captions_beside_images_are_no_boxes(tmp_path):
    for name in "ab":
        image(tmp_path / f"{name}.png")
        write(tmp_path / f"{name}.txt", "2 dogs on 1 sofa\n")
    assert curate.load(tmp_path).task.boxes is None


def test_voc(tmp_path):
    home = tmp_path / "VOCdevkit" / "VOC2007"
    for name in "abc":
        image(home / "JPEGImages" / f"{name}.jpg")
    write(home / "Annotations" / "a.xml", VOC.format(name="a", top=3))
    write(home / "Annotations" / "b.xml", VOC.format(name="b", top="high"))
    write(home / "Annotations" / "c.xml", '<!DOCTYPE a [<!ENTITY b "b">]><annotation>&b;</annotation>')
    write(home / "ImageSets" / "Main" / "train.txt", "a\nb\n")
    write(home / "ImageSets" / "Main" / "test.txt", "c\n")
    write(home / "ImageSets" / "Main" / "dog_train.txt", "a 1\nb -1\n")
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.box_format) == ("detection", "xyxy")
    assert table.splits.tolist() == ["train", "train", "test"]
    found = rows(table)
    assert found["a.jpg"] == [
        {"box": [1.0, 2.0, 30.0, 35.5], "label": "dog"}, {"box": [9.0, 3.0, 12.0, 14.0], "label": "cat"}
    ]  # fmt: skip
    assert found["b.jpg"][1] == {"box": None, "label": "cat"}
    assert found["c.jpg"] == [{"box": None, "label": None}]
    flagged = BoxQuality().find(Evidence(table)).flagged
    malformed = flagged.filter(pc.equal(flagged["issue"], "malformed"))
    assert malformed["row"].to_pylist() == [1, 2]
    corners, entities = table.problems["reason"].to_pylist()
    assert "object 2 of" in corners
    assert "defines a document type" in entities
    assert "2 entries of label files can't be read (object 2 of" in " ".join(table.notes)
    assert "(.txt 1)" in " ".join(table.notes)


@pytest.mark.parametrize("empty", ["", "\n  \n"])
def test_label_files_that_are_all_empty_are_noted(tmp_path, empty):
    for name in "abc":
        image(tmp_path / "images" / f"{name}.jpg")
        write(tmp_path / "labels" / f"{name}.txt", empty)
    table = curate.load(tmp_path)
    assert table.task.kind == "detection"
    assert rows(table) == {"a.jpg": [], "b.jpg": [], "c.jpg": []}
    assert any(note.startswith("none of the 3 label files holds a box, so that every image") for note in table.notes)
    assert curate.load(tmp_path, kind="unlabeled").task.kind == "unlabeled"
    write(tmp_path / "labels" / "b.txt", "0 0.5 0.5 0.2 0.4")
    assert not any("holds a box" in note for note in curate.load(tmp_path).notes)


def test_kitti(tmp_path):
    line = "{} 0.00 0 -1.58 {} 20.0 30.5 35.0 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59"
    for k in range(4):
        image(tmp_path / "training" / "image_2" / f"{k:06d}.png")
        lines = [line.format("Car", 10), line.format("DontCare", 1), line.format("Van", "x" if k == 1 else 12)]
        write(tmp_path / "training" / "label_2" / f"{k:06d}.txt", "\n".join(lines) + "\n")
    image(tmp_path / "testing" / "image_2" / "000000.png")
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.box_format, table.task.label_names) == ("detection", "xyxy", ("Car", "Van"))
    assert table.splits.tolist() == ["test"] + ["train"] * 4
    boxes = table.column("boxes").to_pylist()
    assert boxes[0] is None
    assert boxes[1] == [
        {"box": [10, 20, 30.5, 35], "label": "Car"}, {"box": [12, 20, 30.5, 35], "label": "Van"}
    ]  # fmt: skip
    assert "the corners of a box are needed" in table.problems["reason"][0].as_py()
