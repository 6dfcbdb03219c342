"""Boxes and masks as sources write them."""

import json

import numpy as np
import pytest
from PIL import Image

import curate
from curate.sources.annotations.boxes import read_boxes


def first(value, **options):
    found = read_boxes([value], **options)
    return found.column[0].as_py(), found.format, found.remarks


@pytest.mark.parametrize(
    ("value", "style"),
    [
        ([[10, 20, 30, 50, "cat"]], "xyxy"),
        ([{"bbox": [10, 20, 30, 50], "category": "cat"}], "xyxy"),
        ([{"xmin": 10, "ymin": 20, "xmax": 30, "ymax": 50, "class": "cat"}], "xyxy"),
        ([{"x": 10, "y": 20, "width": 30, "height": 50, "name": "cat"}], "xywh"),
        ([{"cx": 10, "cy": 20, "w": 30, "h": 50, "label": "cat"}], "cxcywh"),
        ({"bbox": [[10, 20, 30, 50]], "label": ["cat"]}, "xyxy"),
        ('[[10, 20, 30, 50, "cat"]]', "xyxy"),
        ([10, 20, 30, 50, "cat"], "xyxy"),
        ([["10", "20.0", "3e1", "50", "cat"]], "xyxy"),
    ],
)
def test_forms_of_boxes(value, style):
    assert first(value) == ([{"box": [10, 20, 30, 50], "label": "cat"}], style, [])


@pytest.mark.parametrize("value", [[[1, 2, 3]], "no json", 7, [{"bbox": "x"}], [[1, 2, None, 4]], [True]])
def test_what_is_no_box_is_said(value):
    _, _, remarks = first(value)
    assert len(remarks) == 1
    assert remarks[0][:2] == (0, "box_format")


def test_empty_and_missing_are_two_things():
    assert first([])[0] == []
    assert first(None)[0] is None
    assert first("")[0] is None


def test_classes_by_number_and_in_a_column_of_their_own():
    found = read_boxes([[[1, 2, 3, 4]], [[1, 2, 3, 4], [2, 3, 4, 5]]], [[1], [0]], names=("cat", "dog"))
    assert found.column.to_pylist()[0] == [{"box": [1, 2, 3, 4], "label": "dog"}]
    assert [b["label"] for b in found.column.to_pylist()[1]] == ["cat", None]
    assert "2 boxes, but 1 class" in found.remarks[0][2]


def test_formats_are_found_by_the_values():
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(0.3, 0.6, (50, 2)), rng.uniform(0.05, 0.25, (50, 2))
    assert read_boxes([[b] for b in np.hstack([corner, corner + side]).tolist()]).format == "xyxy_relative"
    assert read_boxes([[b] for b in np.hstack([corner, side]).tolist()]).format == "xywh_relative"
    middle = rng.uniform(0.1, 0.9, (50, 2))
    size = 1.9 * np.minimum(middle, 1 - middle)
    assert read_boxes([[b] for b in np.hstack([middle, size]).tolist()]).format == "cxcywh_relative"
    given = read_boxes([[b] for b in np.hstack([corner, side]).tolist()], known="xyxy")
    assert given.format == "xyxy"
    assert "pixels" in given.notes[0]


def photo(path, level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), level, np.uint8)).save(path)


def test_masks_beside_images_with_splits_and_leftovers(tmp_path):
    for row in range(4):
        photo(tmp_path / "train" / "images" / f"{row}.png", row)
        photo(tmp_path / "test" / "images" / f"{row}.png", 9 + row)
        photo(tmp_path / "train" / "masks" / f"{row}_mask.png")
    photo(tmp_path / "test" / "masks" / "0_mask.png")
    photo(tmp_path / "test" / "masks" / "stray.png")
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.split, len(table)) == ("segmentation", "split", 8)
    assert sorted(np.unique(table.splits)) == ["test", "train"]
    masks = [m["path"] if m else None for m in table.column("mask").to_pylist()]
    assert masks.count(None) == 3
    assert any("1 mask without an image of the same name left out" in note for note in table.notes)


def test_classes_called_otherwise_stay_classes(tmp_path):
    for row in range(3):
        photo(tmp_path / "cats" / f"{row}.png", row)
        photo(tmp_path / "masks" / f"m{row}.png", 50 + row)  # people who wear some
    assert curate.load(tmp_path).task.kind == "classification"


def test_coco_of_two_splits(tmp_path):
    for split, start in (("train", 0), ("val", 5)):
        for row in range(start, start + 3):
            photo(tmp_path / split / f"{row}.png", 10 * row)
        document = {
            "images": [{"id": row, "file_name": f"{row}.png"} for row in range(start, start + 3)],
            "annotations": [{"id": 0, "image_id": start, "bbox": [1, 1, 3, 3], "category_id": 1}],
            "categories": [{"id": 1, "name": "cat"}],
        }
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.box_format, len(table)) == ("detection", "xywh", 6)
    assert not table.unreadable.any()
    assert sorted(np.unique(table.splits)) == ["train", "validation"]


def test_json_lines_that_end_in_json_stay_lines(tmp_path):
    (tmp_path / "a.json").write_text('{"text": "one", "label": "a"}\n{"text": "two", "label": "b"}\n')
    assert len(curate.load(tmp_path / "a.json")) == 2
