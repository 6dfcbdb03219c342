"""Batches on a device: the same as the loader's, scaled there, and a state that counts what was handed out."""

import json

import numpy as np
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader
from curate.feed.device.named import device_of
from curate.media.image import encode_png

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
NAMES = ("cat", "dog")


def images(n=24, size=(20, 18)):
    rng = np.random.default_rng(0)
    cells = [{"bytes": encode_png(rng.integers(0, 256, (*size, 3), dtype=np.uint8)), "path": None} for _ in range(n)]
    labels = [NAMES[i % 2] for i in range(n)]
    return table(
        {"image": cells, "label": labels}, kind="classification", image="image", label="label", label_names=NAMES
    )


def made(operations=(), step="augment", n=24, **options):
    of = images(n)
    recipe = json.dumps([{"step": step, "image": list(operations)}]) if operations else None
    lines = plan(of, labels=[NAMES[i % 2] for i in range(n)], recipe=recipe)
    return make_loader(of, lines, **{"batch_size": 5, "mean": MEAN, "std": STD} | options)


def test_bytes_are_scaled_on_the_device_as_the_loader_would():
    plain = list(made())
    there = list(made(pixels="uint8").prefetch_to("cpu"))
    assert len(there) == len(plain) == 5
    for one, other in zip(there, plain):
        assert one["row_id"] == other["row_id"]
        torch.testing.assert_close(one["labels"], other["labels"])
        torch.testing.assert_close(one["pixel_values"], other["pixel_values"], atol=1e-5, rtol=1e-5)


def test_number_format_and_layout():
    loader = made(pixels="uint8", inputs={"pixel_values": "x"}).prefetch_to("cpu", dtype="bfloat16", channels_last=True)
    batch = next(iter(loader))
    assert batch["x"].dtype == torch.bfloat16
    assert batch["x"].is_contiguous(memory_format=torch.channels_last)
    assert batch["soft_labels"].dtype == batch["weights"].dtype == torch.float32
    assert batch["labels"].dtype == torch.int64
    kept = next(iter(made(pixels="uint8").prefetch_to("cpu")))
    assert kept["pixel_values"].dtype == torch.float32


@pytest.mark.parametrize("workers", [{}, {"num_workers": 2, "workers": "threads"}])
def test_the_state_counts_what_was_handed_out(workers):
    loader = made(**workers).prefetch_to("cpu", depth=3)
    loader.set_epoch(2)
    rest = iter(loader)
    for _ in range(2):
        next(rest)
    state = loader.state_dict()
    expected = [batch["row_id"] for batch in rest]
    assert len(expected) == 3
    assert loader.epoch == 3
    again = made().prefetch_to("cpu")
    again.load_state_dict(state)
    assert again.epoch == 2
    assert [batch["row_id"] for batch in again] == expected


def test_an_epoch_that_is_left_begins_anew():
    loader = made().prefetch_to("cpu")
    whole = [batch["row_id"] for batch in made()]
    for batch in loader:
        assert batch["row_id"] == whole[0]
        break
    assert loader.epoch == 0
    assert [batch["row_id"] for batch in loader] == whole
    assert [batch["row_id"] for batch in loader] != whole
    assert loader.epoch == 2


JITTER = {"ColorJitter": {"brightness": [0.8, 1.2], "contrast": [0.7, 1.3], "saturation": [0.6, 1.4], "p": 0.7}}


@pytest.mark.parametrize(
    "operations",
    [["HorizontalFlip"], ["VerticalFlip", {"HorizontalFlip": {"p": 1.0}}], [JITTER], ["HorizontalFlip", JITTER]],
)
@pytest.mark.parametrize("workers", [{}, {"num_workers": 1}])
def test_operations_on_the_device_do_what_the_cpu_does_but_for_rounding(operations, workers):
    here = list(made(operations))
    there = list(made(operations, pixels="uint8", **workers).prefetch_to("cpu", augment=True))
    untouched = list(made(pixels="float32"))
    for one, other, plain in zip(there, here, untouched):
        assert one["row_id"] == other["row_id"]
        apart = (one["pixel_values"] - other["pixel_values"]).abs() * torch.tensor(STD)[:, None, None] * 255
        assert float(apart.mean()) < 2.0  # the CPU turns hues in steps of two degrees
        assert float((other["pixel_values"] - plain["pixel_values"]).abs().mean()) > 0.05
    assert set(there[0]) == set(here[0])


def test_flips_on_the_device_are_exact():
    here = list(made(["HorizontalFlip"]))
    there = list(made(["HorizontalFlip"], pixels="uint8").prefetch_to("cpu", augment=True))
    for one, other in zip(there, here):
        torch.testing.assert_close(one["pixel_values"], other["pixel_values"], atol=1e-5, rtol=1e-5)


def test_only_the_last_operations_are_left_to_the_device():
    operations = ["HorizontalFlip", {"GaussianBlur": {"p": 1.0}}, "VerticalFlip"]
    loader = made(operations, pixels="uint8").prefetch_to("cpu", augment=True)
    here = list(made(operations))
    for one, other in zip(loader, here):
        torch.testing.assert_close(one["pixel_values"], other["pixel_values"], atol=1e-5, rtol=1e-5)
    names = [asked.name for batch in loader.loader for asked in batch["_left"]]
    assert set(names) == {"VerticalFlip"}


def test_crops_are_cut_on_the_device_where_images_are_larger():
    operations = [{"RandomResizedCrop": {"size": [12, 10], "scale": [0.5, 0.9]}}, "HorizontalFlip"]
    here = list(made(operations))
    loader = made(operations, pixels="uint8", image_size=(20, 18)).prefetch_to("cpu", augment=True)
    for one, other in zip(loader, here):
        assert one["pixel_values"].shape == other["pixel_values"].shape == (len(one["row_id"]), 3, 12, 10)
        apart = (one["pixel_values"] - other["pixel_values"]).abs() * torch.tensor(STD)[:, None, None] * 255
        assert float(apart.mean()) < 2.0
    assert {asked.name for batch in loader.loader for asked in batch["_left"]} == {
        "RandomResizedCrop",
        "HorizontalFlip",
    }


@pytest.mark.parametrize(
    ("options", "prefetch", "says"),
    [
        ({}, {"augment": True}, "pixels='uint8'"),
        ({"pixels": "uint8", "image_size": "native"}, {"augment": True}, "one size"),
        ({}, {"depth": 0}, "depth must be"),
        ({}, {"dtype": "bf16"}, "dtype must be one of"),
        ({}, {"dtype": torch.int8}, "dtype must be one of float32, bfloat16, float16, not torch.int8"),
    ],
)
def test_options_that_make_no_sense(options, prefetch, says):
    with pytest.raises(ConfigError, match=says):
        made(["HorizontalFlip"], **options).prefetch_to("cpu", **prefetch)


def test_channels_come_last_in_images_alone():
    of = table({"x": [[0.5, 1.0]] * 4, "y": ["a", "b"] * 2}, kind="classification", features="x", label="y",
               label_names=("a", "b"))  # fmt: skip
    with pytest.raises(ConfigError, match="channels_last is for images, and the batches have none"):
        make_loader(of, plan(of, ["a", "b"] * 2)).prefetch_to("cpu", channels_last=True)


def test_mixing_and_augmentation_on_the_device_exclude_each_other():
    of = images()
    recipe = '[{"step": "augment", "image": ["HorizontalFlip"]}, {"step": "mix", "mixup_alpha": 1.0}]'
    loader = make_loader(of, plan(of, labels=[NAMES[i % 2] for i in range(24)], recipe=recipe), pixels="uint8")
    with pytest.raises(ConfigError, match="mix"):
        loader.prefetch_to("cpu", augment=True)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("cudda", r"no device 'cudda' \(did you mean 'cuda'\?\); say cpu"),
        ("gpu", r"\(did you mean 'cuda'\?\)"),
        (torch.cuda.device_count(), "there is no device"),
        (f"cuda:{torch.cuda.device_count()}", "there is no device 'cuda:.*': torch finds"),
        ("meta", "the device 'meta' can't be used here"),
        (1.5, "no device 1.5; say"),
    ],
)
def test_a_device_that_is_not_there_is_a_wrong_option(asked, says):
    with pytest.raises(ConfigError, match=says):
        device_of(asked)
    with pytest.raises(ConfigError, match=says):
        made().prefetch_to(asked)
