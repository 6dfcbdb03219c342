"""Masks and boxes go where the image goes: through operations, sizes, padding, and into targets of models."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from planted_scenes import BOXES, FORMS, NAMES, around, scenes, seen
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader

MOVES = json.dumps(
    [
        {
            "step": "augment",
            "image": [
                {"HorizontalFlip": {"p": 0.5}},
                {"Affine": {"scale": [0.7, 1.3], "translate_percent": [-0.2, 0.2], "p": 1.0}},
                {"RandomCrop": {"height": 40, "width": 50, "p": 1.0}},
                {"RandomBrightnessContrast": {"brightness_limit": 0.05, "contrast_limit": 0.05, "p": 1.0}},
            ],
        }
    ]
)
WAYS = [
    {"image_size": (40, 72)},
    {"image_size": 56, "fit": "letterbox"},
    {"image_size": (36, 44), "fit": "crop"},
    {"image_size": 60, "fit": "within", "different_sizes": "pad"},
    {"different_sizes": "pad"},
    {"different_sizes": "list"},
]


def batch_of(of, recipe=None, **options):
    drawn = options.pop("plan", None) or plan(of, kind=of.task.kind, recipe=recipe)
    loader = make_loader(of, drawn, **({"sampler": "sequential", "on_error": "raise"} | options))
    [batch] = loader
    return batch


@pytest.mark.parametrize("recipe", [None, MOVES], ids=["plain", "moved"])
@pytest.mark.parametrize("options", WAYS, ids=lambda o: "-".join(str(v) for v in o.values()))
def test_boxes_and_masks_are_where_the_colours_are(options, recipe):
    of = scenes(8, sizes=((48, 64), (64, 56)))
    batch = batch_of(of, recipe, **options)
    checked = 0
    for place, pixels in enumerate(batch["pixel_values"]):
        target, mask = batch["labels"][place], batch["masks"][place]
        assert mask.shape == pixels.shape[1:]
        found = {NAMES[code - 1]: box for code, box in zip(target["labels"].tolist(), target["boxes"].tolist())}
        for code, name in enumerate(NAMES, 1):
            shown = seen(pixels, name)
            box = around(shown)
            if box is None:
                continue
            assert name in found
            # Resampling blends the colours of the outermost pixels.
            np.testing.assert_allclose(found[name], box, atol=1.6)
            # The mask takes the nearest pixel, the image a mean: they may differ along the edges.
            edges = 2 * (box[2] - box[0] + box[3] - box[1])
            assert (shown & (mask.numpy() != code)).sum() <= edges / 2
            checked += 1
    assert checked >= 10


@pytest.mark.parametrize("form", FORMS)
def test_boxes_of_every_format_are_exact(form):
    of, straight = scenes(4, form=form), scenes(4)
    batch = batch_of(of)
    for target, mask in zip(batch["labels"], batch_of(straight)["masks"]):
        assert target["boxes"].dtype == torch.float32
        assert target["labels"].dtype == torch.int64
        assert target["labels"].tolist() == [1, 2]
        for code, box in enumerate(target["boxes"].tolist()):
            np.testing.assert_allclose(box, around(mask.numpy() == code + 1), atol=1e-3)
    doubled = batch_of(of, image_size=(96, 128))
    for target, twice in zip(batch["labels"], doubled["labels"]):
        np.testing.assert_allclose(twice["boxes"], target["boxes"] * 2, atol=1e-3)


def test_targets_of_detr():
    of = scenes(2, mask=False)
    plain = batch_of(of)["labels"]
    batch = batch_of(of, box_targets="detr", image_size=(96, 128))
    for target, before in zip(batch["labels"], plain):
        left, top, right, bottom = before["boxes"].T
        middle = [(left + right) / 2 / 64, (top + bottom) / 2 / 48, (right - left) / 64, (bottom - top) / 48]
        middle = torch.stack(middle, 1)
        torch.testing.assert_close(target["boxes"], middle)
        assert target["class_labels"].tolist() == [0, 1]
        torch.testing.assert_close(target["area"], 4 * (right - left) * (bottom - top))
        assert (target["size"].tolist(), target["orig_size"].tolist()) == ([96, 128], [48, 64])
        assert target["iscrowd"].tolist() == [0, 0]


def test_shares_of_a_padded_picture():
    of = scenes(2, sizes=((48, 64), (64, 56)), mask=False)
    batch = batch_of(of, different_sizes="pad", box_targets="detr")
    pixels = batch_of(of, different_sizes="pad")
    assert batch["pixel_values"].shape == (2, 3, 64, 64)
    assert batch["pixel_mask"].sum((1, 2)).tolist() == [48 * 64, 64 * 56]
    for target, plain in zip(batch["labels"], pixels["labels"]):
        x, y, w, h = target["boxes"].T * 64
        torch.testing.assert_close(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1), plain["boxes"])
        assert target["size"].tolist() == [64, 64]


def test_a_detection_model_takes_the_targets():
    """The loss of DETR in transformers, from a config, with our boxes as labels."""
    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    from transformers import DetrConfig, ResNetConfig
    from transformers.loss.loss_for_object_detection import ForObjectDetectionLoss

    of = scenes(2, mask=False)
    labels = batch_of(of, box_targets="detr")["labels"]
    config = DetrConfig(
        use_timm_backbone=False, backbone=None, backbone_config=ResNetConfig(), num_labels=2, num_queries=4,
        use_pretrained_backbone=False,
    )  # fmt: skip
    right = torch.full((2, 4, 3), -9.0)
    right[:, :, 2] = 9
    boxes = torch.full((2, 4, 4), 0.1)
    for place, target in enumerate(labels):
        right[place, :2] = torch.tensor([[9.0, -9, -9], [-9, 9, -9]])
        boxes[place, :2] = target["boxes"]
    loss, parts, _ = ForObjectDetectionLoss(right, labels, torch.device("cpu"), boxes, config)
    assert float(loss) < 1e-3
    assert float(parts["cardinality_error"]) == 0


def test_what_is_out_of_sight_is_left_out():
    of = scenes(6, mask=False)
    left = json.dumps([{"step": "augment", "image": [{"Crop": {"x_min": 0, "y_min": 0, "x_max": 32, "y_max": 48}}]}])
    for target in batch_of(of, left)["labels"]:
        assert target["labels"].tolist() == [1]
    whole = batch_of(of)["labels"]
    narrow = batch_of(of, image_size=(48, 20), fit="crop", min_visibility=0.5)["labels"]
    for before, after in zip(whole, narrow):
        wide = (before["boxes"][:, 2] - before["boxes"][:, 0]).tolist()
        inside = (before["boxes"][:, 2].clamp(22, 42) - before["boxes"][:, 0].clamp(22, 42)).tolist()
        kept = [code for code, (w, i) in enumerate(zip(wide, inside), 1) if i >= w / 2]
        assert after["labels"].tolist() == kept


def test_rows_without_annotation_and_wrong_ones():
    of = scenes(6, mask=False)
    cells = of.dataset["boxes"][:]
    cells[0], cells[1] = None, []
    cells[2][0]["label"], cells[3][1]["box"] = "reed", None
    cells[4][0]["box"] = [20, 10, 20, 30]
    task = of.task.model_dump(exclude_none=True, exclude_defaults=True)
    of = table({"image": of.dataset["image"][:], "boxes": pa.array(cells, BOXES)}, **task)
    loader = make_loader(of, plan(of, kind="detection", weight=[2.0] * 6), sampler="sequential")
    [batch] = loader
    assert batch["row_id"] == ["r0", "r1", "r5"]
    assert batch["weights"].tolist() == [0, 2, 2]
    assert [len(target["boxes"]) for target in batch["labels"]] == [0, 0, 2]
    assert loader.skipped == {
        "r2": "its box 0 is of the class 'reed' (did you mean 'red'?); the classes are red, blue",
        "r3": "its box 1 is None, and four numbers are wanted",
        "r4": "its box 0, [20.0, 10.0, 20.0, 30.0] as xyxy, has no area in the image of 64 x 48 pixels",
    }


def test_the_same_for_any_number_of_workers():
    of = scenes(6, sizes=((48, 64), (64, 56)))
    options = {"recipe": MOVES, "different_sizes": "pad", "box_targets": "detr"}
    one, other = batch_of(of, **options), batch_of(of, num_workers=1, **options)
    assert list(one) == list(other)
    for name in ("pixel_values", "pixel_mask", "masks"):
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0)
    for a, b in zip(one["labels"], other["labels"]):
        assert all(torch.equal(a[name], b[name]) for name in a)


def test_what_is_refused():
    of = scenes(2)
    mix = json.dumps([{"step": "mix", "mixup_alpha": 1.0}])
    with pytest.raises(ConfigError, match="masks and boxes are none: leave out the step mix"):
        make_loader(of, plan(of, kind="detection", recipe=mix))
    with pytest.raises(ConfigError, match="fit: within gives images of different sizes"):
        make_loader(of, plan(of, kind="detection"), fit="within")
    with pytest.raises(ConfigError, match="different_sizes: pad does nothing where image_size and fit: squash"):
        make_loader(of, plan(of, kind="detection"), different_sizes="pad", image_size=32)
    of = scenes(2, box_format=None)
    with pytest.raises(ConfigError, match="name its box_format"):
        make_loader(of, plan(of, kind="detection"))
    of = scenes(2, boxes=False)
    with pytest.raises(ConfigError, match="a detection task needs the column of its boxes"):
        make_loader(of, plan(of, kind="detection"))


def test_boxes_beside_another_task():
    of = scenes(4, kind="unlabeled", label_names=())
    batch = batch_of(of)
    assert batch["labels"].tolist() == [-100] * 4
    assert [target["labels"].tolist() for target in batch["boxes"]] == [[1, 1]] * 4
    assert batch["masks"].unique().tolist() == [0, 1, 2]
