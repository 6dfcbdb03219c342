"""Pixels in a column, or in a column each, are read as images; new rows as those of the run were."""

import numpy as np
import pytest

import curate
from curate.media.image import decode
from curate.pipeline.transforming import described, read_like

RNG = np.random.default_rng(0)
FACES = RNG.integers(0, 256, (24, 48, 48)).astype(np.uint8)
DIGITS = RNG.integers(0, 256, (12, 28, 28)).astype(np.uint8)


def faces(path, images=FACES, spoiled=None):
    rows = [" ".join(map(str, image.ravel())) for image in images]
    if spoiled is not None:
        rows[3] = spoiled
    uses = ["Training", "Training", "PublicTest", "PrivateTest"]
    lines = [f"{k % 3},{row},{uses[k % 4]}" for k, row in enumerate(rows)]
    path.write_text("emotion,pixels,Usage\n" + "\n".join(lines) + "\n")
    return path


def digits(path, name="pixel{k}", images=DIGITS):
    header = ["label", *(name.format(k=k, row=k // 28 + 1, column=k % 28 + 1) for k in range(784))]
    lines = [",".join([str(k % 2), *map(str, image.ravel())]) for k, image in enumerate(images)]
    path.write_text("\n".join([",".join(header), *lines]) + "\n")
    return path


def pixels(table, row, column=None):
    value = table.column(column or table.task.image)[row].as_py()
    return decode(value["bytes"]).pixels


def test_fer2013(tmp_path):
    table = curate.load(faces(tmp_path / "fer2013.csv"))
    assert (table.task.image, table.task.label, table.task.split) == ("pixels", "emotion", "Usage")
    assert set(table.column("Usage").to_pylist()) == {"train", "validation", "test"}
    image = pixels(table, 5)
    assert (image.reshape(48, 48, -1)[..., 0] == FACES[5]).all()


@pytest.mark.parametrize("wrong", ["1 2 3", "256 " * 2304, "word " * 2304])
def test_a_row_that_is_no_picture_is_unreadable(tmp_path, wrong):
    table = curate.load(faces(tmp_path / "fer2013.csv", spoiled=wrong))
    assert [(p["row"], p["issue"]) for p in table.problems.to_pylist()] == [(3, "unreadable")]


@pytest.mark.parametrize("name", ["pixel{k}", "{row}x{column}", "px_{k}"])
def test_a_column_per_pixel(tmp_path, name):
    table = curate.load(digits(tmp_path / "train.csv", name))
    assert (table.column_names, table.task.image, table.task.label) == (["label", "image"], "image", "label")
    assert (pixels(table, 7).reshape(28, 28, -1)[..., 0] == DIGITS[7]).all()
    assert any("28 × 28 and read as images" in note for note in table.notes)


def test_columns_stay_where_they_are_features_or_no_bytes(tmp_path):
    path = digits(tmp_path / "train.csv")
    named = tuple(f"pixel{k}" for k in range(784))
    assert curate.load(path, features=named).task.feature_columns == named
    dark = curate.load(digits(tmp_path / "dark.csv", images=DIGITS % 17))
    assert len(dark.task.feature_columns) == 784
    lists = curate.load(faces(tmp_path / "texts.csv"), text="pixels")
    assert lists.task.image is None


@pytest.mark.parametrize("write", [faces, digits])
def test_new_rows_are_read_as_those_of_the_run(tmp_path, write):
    table = curate.load(write(tmp_path / "rows.csv"))
    again = read_like(write(tmp_path / "one.csv", images=(FACES if write is faces else DIGITS)[:2]), described(table))
    assert (again.content == table.content[:2]).all()
