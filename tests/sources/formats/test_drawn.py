"""Boxes as LabelMe, the VGG Image Annotator, CVAT and CreateML export them; of outlines the boxes around them."""

import json

import numpy as np
import pytest
from PIL import Image

import curate
from curate.errors import DataError

RECTANGLE = {"label": "cat", "points": [[30, 40], [5, 6]], "shape_type": "rectangle"}
POLYGON = {"label": "dog", "points": [[1, 1], [20, 2], [10, 30]], "shape_type": "polygon"}
CIRCLE = {"label": "cat", "points": [[20, 20], [23, 24]], "shape_type": "circle"}
POINT = {"label": "nose", "points": [[20, 20]], "shape_type": "point"}


def images(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        Image.fromarray(np.random.default_rng(k).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(folder / name)


def rows(table):
    names = [path.rsplit("/", 1)[-1] for path in table.column("image").combine_chunks().field("path").to_pylist()]
    return dict(zip(names, table.column(table.task.boxes).to_pylist()))


def labelme(shapes):
    return json.dumps({"version": "5.0.1", "flags": {}, "shapes": shapes, "imagePath": "x.jpg", "imageData": None})


@pytest.mark.parametrize("below", [("", ""), ("images", "annotations")])
def test_labelme(tmp_path, below):
    images(tmp_path / below[0], ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / below[1]).mkdir(exist_ok=True)
    (tmp_path / below[1] / "a.json").write_text(labelme([RECTANGLE, POLYGON, CIRCLE]))
    (tmp_path / below[1] / "b.json").write_text(labelme([POINT]))
    table = curate.load(tmp_path)
    assert (table.task.kind, table.task.box_format) == ("detection", "xyxy")
    found = rows(table)
    assert found["a.jpg"] == [
        {"box": [5, 6, 30, 40], "label": "cat"},
        {"box": [1, 1, 20, 30], "label": "dog"},
        {"box": [15, 15, 25, 25], "label": "cat"},
    ]
    assert (found["b.jpg"], found["c.jpg"]) == ([{"box": None, "label": "nose"}], None)
    assert any("outlines of 2 objects are not read" in note for note in table.notes)
    assert not any("skipped" in note for note in table.notes)


def test_a_damaged_file_of_labelme_costs_its_row(tmp_path):
    images(tmp_path, ["a.jpg", "b.jpg"])
    (tmp_path / "a.json").write_text(labelme([RECTANGLE]))
    (tmp_path / "b.json").write_text('{"version": "5", "shapes": [')
    found = curate.load(tmp_path)
    assert (len(rows(found)["a.jpg"]), rows(found)["b.jpg"]) == (1, [{"box": None, "label": None}])


REGIONS = [
    ({"name": "rect", "x": 5, "y": 6, "width": 20, "height": 22}, {"name": "cat"}),
    ({"name": "circle", "cx": 20, "cy": 20, "r": 5}, {"kind": {"dog": True, "cat": False}}),
    ({"name": "polygon", "all_points_x": [1, 20, 10], "all_points_y": [1, 2, 30]}, {}),
    ({"name": "point", "cx": 3, "cy": 4}, {"name": "cat"}),
]
FOUND = [
    {"box": [5, 6, 25, 28], "label": "cat"},
    {"box": [15, 15, 25, 25], "label": "dog"},
    {"box": [1, 1, 20, 30], "label": None},
    {"box": None, "label": "cat"},
]


def via(form):
    listed = [{"shape_attributes": shape, "region_attributes": about} for shape, about in REGIONS]
    regions = listed if form != "old" else {str(k): one for k, one in enumerate(listed)}
    entries = {
        "a.jpg99": {"filename": "a.jpg", "size": 99, "regions": regions, "file_attributes": {}},
        "b.jpg99": {"filename": "b.jpg", "size": 99, "regions": [], "file_attributes": {}},
    }
    project = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {}}
    return json.dumps(project if form == "project" else entries)


@pytest.mark.parametrize("form", ["project", "json", "old", "csv"])
def test_via(tmp_path, form):
    images(tmp_path / "pictures", ["a.jpg", "b.jpg"])
    if form == "csv":
        lines = ["filename,file_size,region_count,region_id,region_shape_attributes,region_attributes"]
        for shape, about in [*REGIONS, ({}, {})]:
            quoted = [json.dumps(one).replace('"', '""') for one in (shape, about)]
            lines.append(f'{"a" if shape else "b"}.jpg,99,4,0,"{quoted[0]}","{quoted[1]}"')
        (tmp_path / "via.csv").write_text("\n".join(lines) + "\n")
    else:
        (tmp_path / "via.json").write_text(via(form))
    table = curate.load(tmp_path)
    assert (table.task.kind, rows(table)) == ("detection", {"a.jpg": FOUND, "b.jpg": []})


BOX = '<box label="cat" xtl="5.0" ytl="6.0" xbr="30.0" ybr="32.0"/>'
OUTLINE = '<polygon label="dog" points="1,1;20,2;10,30"/><ellipse label="dog" cx="20" cy="20" rx="5" ry="4"/>'
BAD = '<box label="cat" xtl="soon"/>'


def cvat(*inner):
    listed = "".join(
        f'<image id="{k}" name="{name}.jpg" subset="{"Train" if k else "test"}" width="64" height="64">{one}</image>'
        for k, (name, one) in enumerate(zip("abc", inner))
    )
    return f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{listed}</annotations>'


def test_cvat(tmp_path):
    images(tmp_path / "images", ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "annotations.xml").write_text(cvat(BOX + OUTLINE, BAD, ""))
    table = curate.load(tmp_path)
    found = rows(table)
    assert [one["box"] for one in found["a.jpg"]] == [[5, 6, 30, 32], [1, 1, 20, 30], [15, 16, 25, 24]]
    assert (found["b.jpg"], found["c.jpg"]) == ([{"box": None, "label": "cat"}], [])
    assert table.column("split").to_pylist() == ["test", "train", "train"]
    assert not any("skipped" in note for note in table.notes)


def test_tags_of_cvat_are_labels(tmp_path):
    images(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "annotations.xml").write_text(cvat('<tag label="cat"/>', '<tag label="dog"/>', ""))
    table = curate.load(tmp_path)
    assert (table.task.kind, table.column("label").to_pylist()) == ("classification", ["cat", "dog", None])


def test_entities_are_refused(tmp_path):
    (tmp_path / "a.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotations></annotations>')
    with pytest.raises(DataError, match="entities, which are not read"):
        curate.load(tmp_path / "a.xml")


def test_createml_says_the_middle(tmp_path):
    images(tmp_path, ["a.jpg"])
    one = {
        "image": "a.jpg",
        "annotations": [{"label": "cat", "coordinates": {"x": 20, "y": 20, "width": 10, "height": 12}}],
    }
    (tmp_path / "_annotations.createml.json").write_text(json.dumps([one]))
    table = curate.load(tmp_path)
    assert (table.task.box_format, rows(table)["a.jpg"][0]["box"]) == ("cxcywh", [20, 20, 10, 12])
