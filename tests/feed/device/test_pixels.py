"""Batched changes of images against Albumentations, one image at a time."""

import cv2
import numpy as np
import pytest
import torch
from albumentations.augmentations.pixel import functional

from curate.feed.device import pixels


def photographs(n=3, size=(40, 32)):
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (n, 5, 4, 3), dtype=np.uint8)
    return np.stack([cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC) for image in small])


def batch(images):
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32))


def apart(found, expected):
    return np.abs(found.numpy().transpose(0, 2, 3, 1) - np.stack(expected).astype(np.float32))


@pytest.mark.parametrize(
    ("name", "factors", "most"),
    [
        ("brightness", [0.5, 1.0, 1.7], 1.0),
        ("contrast", [0.5, 1.0, 1.7], 2.0),
        ("saturation", [0.0, 1.0, 1.7], 1.5),
        ("hue", [-0.3, 0.05, 0.5], 12.0),
    ],
)
def test_a_change_of_colour(name, factors, most):
    images = photographs()
    theirs = getattr(functional, f"adjust_{name}_torchvision")
    ours = dict(zip(("brightness", "contrast", "saturation", "hue"), (
        pixels.brightened, pixels.contrasted, pixels.saturated, pixels.hued)))[name]  # fmt: skip
    found = ours(batch(images), torch.tensor(factors))
    difference = apart(found, [theirs(image.copy(), factor) for image, factor in zip(images, factors)])
    assert difference.max() <= most + 0.01
    assert difference.mean() < 1.5


def test_nothing_is_left_at_the_value_that_does_nothing():
    images = batch(photographs())
    one, none = torch.ones(3), torch.zeros(3)
    for change, factor in (
        (pixels.brightened, one), (pixels.contrasted, one), (pixels.saturated, one), (pixels.hued, none),
    ):  # fmt: skip
        torch.testing.assert_close(change(images, factor), images, atol=1e-3, rtol=0)


def test_grey_stays_grey_under_a_turn_of_the_hue():
    grey = torch.full((1, 3, 4, 4), 90.0)
    torch.testing.assert_close(pixels.hued(grey, torch.tensor([0.3])), grey)


def test_a_crop_is_that_of_opencv():
    images = photographs()
    boxes = np.array([[3, 5, 30, 38], [0, 0, 32, 40], [10, 2, 20, 12]], np.float32)
    found = pixels.resized_crop(batch(images), torch.from_numpy(boxes), (24, 24))
    expected = []
    for image, (left, top, right, bottom) in zip(images, boxes.astype(int)):
        expected.append(cv2.resize(image[top:bottom, left:right], (24, 24), interpolation=cv2.INTER_LINEAR))
    assert apart(found, expected).max() <= 1.0


def test_each_image_is_jittered_in_its_own_order():
    images = batch(photographs(2))
    factors = torch.tensor([[1.4, 0.6, 1.3, 0.1], [0.7, 1.5, 0.5, -0.2]])
    steps = (pixels.brightened, pixels.contrasted, pixels.saturated, pixels.hued)
    orders = [[3, 0, 2, 1], [1, 2, 0, 3]]
    turns = [
        [torch.tensor([r for r in range(2) if orders[r][p] == c], dtype=torch.long) for c in range(4)] for p in range(4)
    ]
    found = pixels.jittered(images, factors, turns)
    for row, order in enumerate(orders):
        one = images[row : row + 1]
        for number in order:
            one = steps[number](one, factors[row : row + 1, number])
        torch.testing.assert_close(found[row : row + 1], one)
