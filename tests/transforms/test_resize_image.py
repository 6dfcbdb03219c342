"""Images at a size, with masks and boxes; what can't be read stays and is reported."""

import numpy as np
import pytest

import curate
from curate.errors import ConfigError
from curate.media import image, mask
from curate.steps import ResizeImage

RNG = np.random.default_rng(0)


def picture(height=40, width=60):
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def media(pixels, kind="PNG"):
    return {"bytes": image.encode(pixels, kind), "path": None}


def table_of(images, **columns):
    roles = {name: name for name in columns if name in ("mask", "boxes")}
    kind = "segmentation" if "mask" in columns else "detection" if "boxes" in columns else "classification"
    columns = {"image": images, **columns}
    if kind == "classification":
        columns["label"], roles["label"] = (["a", "b"] * len(images))[: len(images)], "label"
    return curate.load(columns, task=curate.Task(kind=kind, image="image", **roles))


def decoded(table, name="image"):
    return [image.decode(value["bytes"]) for value in table.column(name).to_pylist()]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"size": 20}, (20, 30)),
        ({"size": 30, "side": "longer"}, (20, 30)),
        ({"size": 20, "side": "height"}, (20, 30)),
        ({"size": 30, "side": "width"}, (20, 30)),
        ({"size": 32, "side": "both"}, (32, 32)),
        ({"size": (10, 80)}, (10, 80)),
        ({"size": (32, 32), "aspect": "letterbox"}, (32, 32)),
        ({"size": (32, 32), "aspect": "crop"}, (32, 32)),
        ({"size": 80}, (80, 120)),
        ({"size": 80, "enlarge": False}, (40, 60)),
    ],
)
def test_sides(settings, wanted):
    [made] = decoded(ResizeImage(**settings).apply(table_of([media(picture())])))
    assert made.pixels.shape[:2] == wanted


def test_an_image_of_the_size_stays_byte_for_byte_and_keeps_its_hash():
    table = table_of([media(picture(), "JPEG"), media(picture(80, 120), "JPEG")])
    made = ResizeImage(size=40).apply(table)
    before, after = table.column("image").to_pylist(), made.column("image").to_pylist()
    assert after[0]["bytes"] == before[0]["bytes"]
    assert after[1]["bytes"] != before[1]["bytes"]
    assert [image.decode(value["bytes"]).format for value in after] == ["JPEG", "JPEG"]
    assert (made.content[0] == table.content[0]).all()
    assert (made.content[1] != table.content[1]).any()
    assert made.row_ids.tolist() == table.row_ids.tolist()


def test_the_format_can_be_asked_for():
    made = ResizeImage(size=40, format="webp", quality=80).apply(table_of([media(picture())]))
    assert decoded(made)[0].format == "WEBP"


def test_letterboxed_images_have_the_fill_around():
    white = np.full((40, 60, 3), 255, np.uint8)
    [made] = decoded(ResizeImage(size=(60, 60), aspect="letterbox", fill=7).apply(table_of([media(white)])))
    assert (made.pixels[:10] == 7).all()
    assert (made.pixels[10:50] == 255).all()
    assert (made.pixels[50:] == 7).all()


def test_a_square_inside_stays_where_mask_and_box_say_it_is():
    pixels, classes = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.uint8)
    pixels[10:30, 20:40], classes[10:30, 20:40] = 255, 3
    for fit, size in (("squash", (80, 60)), ("letterbox", (90, 90)), ("squash", (20, 30))):
        made = ResizeImage(size=size, aspect=fit).apply(table_of([media(pixels)], mask=[media(classes)]))
        values = mask.decode(made.column("mask")[0].as_py()["bytes"]).values
        seen = decoded(made)[0].pixels[..., 0] > 127
        assert set(np.unique(values)) == {0, 3}
        assert ((values == 3) == seen).mean() > 0.99, fit
        boxes = [[{"box": [20.0, 10.0, 40.0, 30.0], "label": "square"}]]
        moved = ResizeImage(size=size, aspect=fit).apply(table_of([media(pixels)], boxes=boxes))
        left, top, right, bottom = moved.column("boxes")[0].as_py()[0]["box"]
        rows, columns = np.nonzero(seen)
        assert np.allclose([left, top, right, bottom], [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], atol=1), (
            fit
        )


def test_relative_boxes_of_a_squashed_image_stay():
    boxes = [[{"box": [0.25, 0.25, 0.5, 0.5], "label": "x"}]]
    table = curate.load(
        {"image": [media(picture())], "boxes": boxes},
        task=curate.Task(kind="detection", image="image", boxes="boxes", box_format="xywh_relative"),
    )
    made = ResizeImage(size=(32, 32)).apply(table)
    assert np.allclose(made.column("boxes")[0].as_py()[0]["box"], [0.25, 0.25, 0.5, 0.5])


def test_what_can_not_be_read_stays_and_is_reported():
    images = [media(picture()), {"bytes": b"no image", "path": None}, media(picture())]
    table = table_of(images)
    made = ResizeImage(size=20).apply(table)
    assert made.unreadable.tolist() == [False, True, False]
    assert "not an image" in made.problems["reason"][0].as_py()
    assert made.column("image")[1].as_py()["bytes"] == b"no image"
    curated = curate.Pipeline([ResizeImage(size=20)]).run(table, cache=None)
    assert curated.accounts[0]["unreadable"] == 1


def test_cropping_boxes_is_refused():
    table = table_of([media(picture())], boxes=[[{"box": [0.0, 0.0, 9.0, 9.0], "label": "x"}]])
    with pytest.raises(ConfigError, match="would cut boxes off"):
        curate.Pipeline([ResizeImage(size=(20, 20), aspect="crop")]).run(table, cache=None)


def test_files_in_folders_are_read_and_the_folder_is_left_alone(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}.png").write_bytes(image.encode_png(picture(30 + i, 30)))
    before = sorted((path, path.read_bytes()) for path in tmp_path.rglob("*.png"))
    curated = curate.Pipeline([ResizeImage(size=16, side="both")]).run(tmp_path, tmp_path.parent / "out", cache=None)
    assert {batch["pixel_values"].shape[1:] for batch in curated.loader()} == {(3, 16, 16)}
    assert sorted((path, path.read_bytes()) for path in tmp_path.rglob("*.png")) == before
    opened = curate.open(tmp_path.parent / "out")
    assert {made.pixels.shape for made in decoded(opened.table)} == {(16, 16, 3)}
