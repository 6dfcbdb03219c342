"""The policies' changes against Pillow, and the spread of what they draw."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from curate.augment.operations import build
from curate.augment.operations import image_pixels as pixels
from curate.augment.operations.image_policies import AUGMIX, RANDAUGMENT, TRIVIAL, changed

PHOTO = np.clip(
    np.add.outer(np.arange(60) * 2, np.arange(80))[..., None] * [1.0, 0.7, 0.4]
    + np.random.default_rng(0).normal(30, 12, (60, 80, 3)),
    10,
    240,
).astype(np.uint8)
PILLOW = Image.fromarray(PHOTO)


@pytest.mark.parametrize("factor", [0.1, 0.6, 1.0, 1.5, 1.9])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pixels.brightness, ImageEnhance.Brightness),
        (pixels.contrast, ImageEnhance.Contrast),
        (pixels.colour, ImageEnhance.Color),
        (pixels.sharpness, ImageEnhance.Sharpness),
    ],
)
def test_factors_as_in_pillow(ours, theirs, factor):
    expected = np.asarray(theirs(PILLOW).enhance(factor)).astype(int)
    assert np.abs(ours(PHOTO, factor).astype(int) - expected).max() <= 2


def test_the_other_changes_as_in_pillow():
    np.testing.assert_array_equal(pixels.posterize(PHOTO, 3), np.asarray(ImageOps.posterize(PILLOW, 3)))
    np.testing.assert_array_equal(pixels.solarize(PHOTO, 100), np.asarray(ImageOps.solarize(PILLOW, 100)))
    stretched = np.asarray(ImageOps.autocontrast(PILLOW)).astype(int)
    assert np.abs(pixels.autocontrast(PHOTO).astype(int) - stretched).max() <= 1
    flat = np.full((5, 5, 3), 77, np.uint8)
    np.testing.assert_array_equal(pixels.autocontrast(flat), flat)
    equal = np.asarray(ImageOps.equalize(PILLOW)).astype(int)
    assert np.abs(pixels.equalize(PHOTO).astype(int) - equal).mean() < 5


def test_moves_are_by_the_amount():
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[50, 70] = 255

    def place(name, amount):
        y, x = np.argwhere(changed(dot, name, amount).sum(-1) > 200).mean(0)
        return x - 50, y - 50

    np.testing.assert_allclose(place("translate_x", 0.1), (30, 0), atol=1)
    np.testing.assert_allclose(place("translate_y", -0.2), (20, -20), atol=1)
    x, y = place("rotate", 90.0)
    np.testing.assert_allclose((x, abs(y)), (0, 20), atol=1)
    tall = np.zeros((101, 101, 3), np.uint8)
    tall[20, 50] = 255
    y, x = np.argwhere(changed(tall, "shear_x", 0.3).sum(-1) > 200).mean(0)
    np.testing.assert_allclose((abs(x - 50), y), (9, 20), atol=1.5)


def test_what_is_drawn():
    rng = np.random.default_rng(0)
    rand = build("image", {"RandAugment": {"count": 3, "magnitude": 15}})
    changes = [change for _ in range(700) for change in rand.draw(rng, PHOTO)["changes"]]
    counts = Counter(name for name, _ in changes)
    assert set(counts) == set(RANDAUGMENT)
    assert min(counts.values()) > 110
    assert max(counts.values()) < 190
    assert {abs(amount) for name, amount in changes if name == "rotate"} == {15.0}
    assert {np.sign(amount) for name, amount in changes if name == "shear_x"} == {-1.0, 1.0}
    trivial = [build("image", "TrivialAugment").draw(rng, PHOTO)["changes"][0] for _ in range(3000)]
    turns = np.array([amount for name, amount in trivial if name == "rotate"])
    assert np.abs(turns).max() > 120
    assert abs(np.abs(turns).mean() - TRIVIAL["rotate"] / 2) < 12
    mixes = [build("image", "AugMix").draw(rng, PHOTO) for _ in range(300)]
    assert {len(mix["chains"]) for mix in mixes} == {3}
    assert {len(chain) for mix in mixes for chain in mix["chains"]} == {1, 2, 3}
    assert {change[0] for mix in mixes for chain in mix["chains"] for change in chain} == set(AUGMIX)
    np.testing.assert_allclose([sum(mix["shares"]) for mix in mixes], 1.0)


def test_nothing_is_done_at_magnitude_nothing():
    rng = np.random.default_rng(0)
    for name, settings in (("RandAugment", {"magnitude": 0}), ("TrivialAugment", {"max_magnitude": 0})):
        operation = build("image", {name: settings})
        for _ in range(60):
            drawn = operation.draw(rng, PHOTO)
            if drawn["changes"][0][0] in ("autocontrast", "equalize") or len(drawn["changes"]) > 1:
                continue
            np.testing.assert_array_equal(operation.apply(PHOTO, drawn), PHOTO)


@pytest.mark.parametrize("name", ["RandAugment", "TrivialAugment", "AugMix"])
def test_frames_change_like_a_frame(name):
    operation = build("image", name)
    for seed in range(6):
        drawn = operation.draw(np.random.default_rng(seed), PHOTO)
        clip = operation.apply(np.stack([PHOTO, PHOTO]), drawn)
        np.testing.assert_array_equal(clip[1], operation.apply(PHOTO, drawn))
