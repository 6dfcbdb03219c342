"""Tables with a row per box become rows of an image and all its boxes."""

import pytest

import curate


@pytest.fixture
def fill(tmp_path):
    """Write eight pictures in two folders of splits, and a table."""

    def call(header, line, name="train.csv", more=()):
        for k in range(8):
            file = tmp_path / ("train" if k < 6 else "test") / f"{k:04d}.jpg"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"picture {k}")
        rows = [line.format(k=k, j=j, name="cat" if j else "dog") for k in range(8) for j in range(2)]
        (tmp_path / name).write_text("\n".join([header, *rows, *more]) + "\n")
        return tmp_path

    return call


@pytest.mark.parametrize(
    ("header", "line", "form", "box"),
    [
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "{k:04d}.jpg,64,48,{name},{j},2,30,40", "xyxy",
         [1, 2, 30, 40]),
        ("ImageID,Source,LabelName,XMin,XMax,YMin,YMax", "{k:04d},x,{name},0.1,0.5,0.2,0.6", "xyxy_relative",
         [0.1, 0.2, 0.5, 0.6]),
        ("image_id,class,x,y,width,height", "{k:04d}.jpg,{name},{j},2,30,20", "xywh", [1, 2, 30, 20]),
    ],
)  # fmt: skip
def test_boxes_of_an_image_stand_in_one_row(fill, header, line, form, box):
    table = curate.load(fill(header, line))
    assert (table.task.kind, table.task.box_format, len(table)) == ("detection", form, 8)
    boxes = table.column("boxes")[0].as_py()
    assert [(one["label"], len(boxes)) for one in boxes] == [("dog", 2), ("cat", 2)]
    assert boxes[1]["box"] == box
    assert table.origin["line"].to_pylist()[:2] == [2, 4]
    assert table.splits.tolist() == ["train"] * 6 + ["test"] * 2
    assert any(note.startswith("16 rows of boxes are 8 images") for note in table.notes)


def test_numbers_of_boxes_in_one_column(fill):
    table = curate.load(fill("image_id,width,height,bbox,source", '{k:04d}.jpg,64,48,"[{j}.0, 2.0, 60.0, 30.0]",one'))
    assert (table.task.kind, len(table), len(table.column("boxes")[0])) == ("detection", 8, 2)
    assert table.column_names == ["image_id", "width", "height", "source", "split", "boxes"]


def test_images_without_boxes_and_boxes_that_lack_a_number(fill):
    folder = fill("filename,class,score,xmin,ymin,xmax,ymax", "{k:04d}.jpg,{name},{j},1,2,30,40")
    (folder / "train" / "0009.jpg").write_text("picture 9")
    text = (folder / "train.csv").read_text() + "0009.jpg,,,,,,\n0000.jpg,cat,1,5,5,,9\nragged\n"
    (folder / "train.csv").write_text(text)
    table = curate.load(folder)
    assert (len(table), table.column("boxes")[8].as_py()) == (10, [])
    assert len(table.column("boxes")[0]) == 3
    assert table.problems["reason"].to_pylist() == [
        "boxes: 5, 5, None, 9: four numbers are needed", "train.csv, line 20: 1 fields, fewer than the 7 of the header",
    ]  # fmt: skip
    assert "columns that differ between the boxes of an image are left out ('score')" in " ".join(table.notes)


def test_one_box_per_image_and_labels_that_are_named_stay_rows(fill):
    header, line = "filename,class,xmin,ymin,xmax,ymax", "{k:04d}.jpg,{name},1,2,30,40"
    folder = fill(header, line)
    assert curate.load(folder, label="class").task.kind == "classification"
    rows = (folder / "train.csv").read_text().splitlines()
    (folder / "train.csv").write_text("\n".join([rows[0], *rows[1::2]]) + "\n")
    assert "boxes" not in curate.load(folder).column_names


def test_boxes_of_prediction_strings(fill):
    """ImageNet as Kaggle has it."""
    rows = [f"{k:04d},n01 1 2 30 40{' n02 5 6 7 8' if k % 2 else ''}" for k in range(8)]
    folder = fill("a,b", "1,2", "notes.csv")
    (folder / "LOC_train_solution.csv").write_text("\n".join(["ImageId,PredictionString", *rows]) + "\n")
    table = curate.load(folder)
    assert (table.task.kind, table.task.label_names) == ("detection", ("n01", "n02"))
    assert table.column("boxes")[1].as_py() == [
        {"box": [1, 2, 30, 40], "label": "n01"}, {"box": [5, 6, 7, 8], "label": "n02"},
    ]  # fmt: skip
