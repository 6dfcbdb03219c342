"""Segmentation masks in a batch: which value is which class, what does not count, and what is said of wrong ones."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from planted_scenes import scenes
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader
from curate.media.image import encode_png


def masks(*values, names=("road", "car"), image=(8, 8), encoder=encode_png, **task):
    """A table of grey images with these masks."""
    pixels = np.full((*image, 3), 90, np.uint8)
    cells = [{"bytes": None if v is None else encoder(np.asarray(v)), "path": None} for v in values]
    images = [{"bytes": encode_png(pixels), "path": None}] * len(cells)
    task = {"kind": "segmentation", "image": "image", "mask": "mask", "label_names": names} | task
    return table({"image": images, "mask": cells}, **task)


def batch_of(of, **options):
    loader = make_loader(of, plan(of, kind=of.task.kind), **({"sampler": "sequential"} | options))
    [batch] = loader
    return batch, loader


def filled(value, part=None, dtype=np.uint8):
    values = np.zeros((8, 8), dtype)
    values[2:4, 2:5] = value
    if part is not None:
        values[6:, 6:] = part
    return values


def test_background_classes_and_what_does_not_count():
    of = masks(filled(1, 255), filled(2))
    batch, loader = batch_of(of)
    assert batch["labels"].dtype == torch.int64
    assert batch["labels"][0].unique().tolist() == [-100, 0, 1]
    assert batch["labels"][1, 2, 2] == 2
    assert loader.label_names == ["background", "road", "car"]
    assert batch_of(of, ignore_index=255)[0]["labels"][0].unique().tolist() == [0, 1, 255]
    named = masks(filled(1, 255), names=("Background", "road"))
    assert batch_of(named)[1].label_names == ["Background", "road"]
    every = masks(filled(1, 255), names=("road", "car"))
    batch, loader = batch_of(every, background=None)
    assert loader.label_names == ["road", "car"]
    assert batch["labels"].unique().tolist() == [-100, 0, 1]
    nameless, loader = batch_of(masks(filled(77, 255), names=()))
    assert nameless["labels"].unique().tolist() == [-100, 0, 77]


def test_white_on_black_is_the_second_of_two_classes():
    of = masks(filled(255), filled(0), names=("thing",))
    batch, loader = batch_of(of)
    assert loader.label_names == ["background", "thing"]
    assert batch["labels"].sum((1, 2)).tolist() == [6, 0]
    three = batch_of(masks(filled(255), filled(0)))[0]
    assert three["labels"].unique().tolist() == [-100, 0]
    both = batch_of(masks(filled(255, 1), names=("thing",)))[0]
    assert both["labels"].unique().tolist() == [-100, 0, 1]


def palette(values):
    out = io.BytesIO()
    image = Image.fromarray(values)
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    image.save(out, "PNG")
    return out.getvalue()


def wide(values):
    out = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("encoder", [palette, wide])
def test_palettes_and_16_bits(encoder):
    batch, _ = batch_of(masks(filled(2), encoder=encoder))
    assert batch["labels"].unique().tolist() == [0, 2]


def test_more_classes_than_a_byte_holds():
    names = tuple(f"c{i}" for i in range(600))
    batch, _ = batch_of(masks(filled(600, 255, np.uint16), names=names, encoder=wide))
    assert batch["labels"].unique().tolist() == [0, 255, 600]


def test_wrong_masks_are_named_and_missing_ones_do_not_count():
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[0, 0] = (9, 8, 7)
    of = masks(filled(1), None, filled(7, 9), colours, np.zeros((8, 4), np.uint8), np.zeros((4, 4), np.uint8))
    batch, loader = batch_of(of)
    assert batch["row_id"] == ["r0", "r1", "r5"]
    assert batch["weights"].tolist() == [1, 0, 1]
    assert batch["labels"][1].unique().tolist() == [-100]
    assert batch["labels"].shape == (3, 8, 8)
    assert loader.skipped == {
        "r2": "its mask holds 7, 9, and the classes are 0 to 2 (and 255, which does not count: ignore_value)",
        "r3": "its mask holds values from 0 to 591879 (colours?), which are no numbers of classes",
        "r4": "its mask has 4 x 8 pixels, the image 8 x 8",
    }
    turned = masks(np.zeros((8, 6), np.uint8), np.zeros((6, 8), np.uint8), image=(6, 8))
    assert "fits when turned" in batch_of(turned)[1].skipped["r0"]


def test_resampling_takes_the_nearest_and_bars_do_not_count():
    values = np.repeat([[1, 2] * 4], 8, 0).astype(np.uint8)
    of = masks(values)
    batch, _ = batch_of(of, image_size=(16, 32), fit="letterbox")
    labels = batch["labels"][0]
    assert (labels[:, :8] == -100).all()
    assert (labels[:, 24:] == -100).all()
    np.testing.assert_array_equal(labels[:, 8:24], np.kron(values, np.ones((2, 2))))
    small, _ = batch_of(of, image_size=(4, 8))
    np.testing.assert_array_equal(small["labels"][0], values[:4])
    cut, _ = batch_of(of, image_size=(8, 4), fit="crop")
    np.testing.assert_array_equal(cut["labels"][0], values[:, 2:6])


def test_a_segmentation_task_without_masks_is_refused():
    of = scenes(2, kind="segmentation", mask=False)
    with pytest.raises(ConfigError, match="a segmentation task needs the column of its masks"):
        make_loader(of, plan(of, kind="segmentation"))


def test_weights_of_pixels_reach_the_loss(tmp_path):
    import curate

    of = [filled(1), filled(2), np.zeros((8, 8), np.uint8)] * 2
    columns = {name: masks(*of).dataset[name][:] for name in ("image", "mask")}
    task = {"kind": "segmentation", "image": "image", "mask": "mask", "label_names": ["road", "car"]}
    loaded = curate.load(columns | {"id": [f"p{i}" for i in range(6)]}, task=task | {"id": "id"})
    curated = curate.Pipeline.from_text("curate: 1\nsteps: [{class_weights: {method: values, values: {car: 4}}}]").run(
        loaded
    )
    batch = next(iter(curated.loader(batch_size=6)))
    logits = torch.randn(6, 3, 8, 8)
    expected = torch.nn.functional.cross_entropy(logits, batch["labels"], torch.tensor([1.0, 1.0, 4.0]))
    torch.testing.assert_close(curated.loss()(logits, batch), expected)
    text = "curate: 1\nsteps: []\nfeed: {ignore_index: 255, background: null, batch_size: 6}"
    named = loaded.task.model_copy(update={"label_names": ("sky", "road", "car")})
    every = curate.Pipeline.from_text(text).run(replace(loaded, task=named))
    batch = next(iter(every.loader()))
    expected = torch.nn.functional.cross_entropy(logits, batch["labels"], ignore_index=255)
    torch.testing.assert_close(every.loss()(logits, batch), expected)
