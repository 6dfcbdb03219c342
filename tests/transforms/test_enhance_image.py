"""Clearer images: each rule does what it says, and what is learned is learned from training images."""

import numpy as np
import pytest

import curate
from curate.errors import ConfigError
from curate.media import image
from curate.steps import EnhanceImage

RNG = np.random.default_rng(0)


def scene(height=64, width=64):
    """Smooth shapes with edges."""
    y, x = np.mgrid[:height, :width]
    base = 90 + 40 * np.sin(x / 9) + 30 * (y > height / 2)
    return np.stack([base, base * 0.9, base * 0.8], axis=-1).clip(0, 255).astype(np.uint8)


def table_of(pixels, split=None):
    columns = {"image": [{"bytes": image.encode_png(p), "path": None} for p in pixels], "label": ["a"] * len(pixels)}
    columns |= {} if split is None else {"split": split}
    return curate.load(columns, task=curate.Task(image="image", label="label", split=split and "split"))


def test_denoising_comes_nearer_to_the_clean_image():
    clean = scene()
    noisy = (clean + RNG.normal(0, 12, clean.shape)).clip(0, 255).astype(np.uint8)
    salted = clean.copy()
    salted[RNG.random(clean.shape[:2]) < 0.05] = 255

    def far(pixels):
        return float(np.abs(pixels.astype(float) - clean).mean())

    assert far(EnhanceImage(clahe=0, denoise="median").enhanced(salted)) < far(salted) / 2
    assert far(EnhanceImage(clahe=0, denoise="bilateral").enhanced(noisy)) < far(noisy) * 0.8
    assert far(EnhanceImage(clahe=0, denoise="non_local_means").enhanced(noisy)) < far(noisy) * 0.8


def test_contrast_sharpness_gamma_and_white_balance():
    flat = (100 + (scene().astype(int) - 100) // 4).clip(0, 255).astype(np.uint8)
    assert EnhanceImage(clahe=3).enhanced(flat).std() > 1.5 * flat.std()
    soft = scene()
    assert (
        np.abs(np.diff(EnhanceImage(clahe=0, sharpen=2).enhanced(soft).astype(int), axis=0)).max()
        > np.abs(np.diff(soft.astype(int), axis=0)).max()
    )
    assert EnhanceImage(clahe=0, gamma=0.5).enhanced(soft).mean() > soft.mean() + 20
    balanced = EnhanceImage(clahe=0, white_balance=True).enhanced(soft).reshape(-1, 3).mean(0)
    assert np.ptp(balanced) < 1
    assert np.ptp(soft.reshape(-1, 3).mean(0)) > 15


def test_histograms_are_matched_to_training_images_alone():
    dark, light = (scene() // 3), np.minimum(scene().astype(int) + 100, 255).astype(np.uint8)
    table = table_of([dark] * 4 + [light], ["train"] * 4 + ["test"])
    step = EnhanceImage(clahe=0, match_histogram=True)
    fitted = step.fit(table.select(np.arange(4)))
    made = step.apply(table, fitted)
    means = [image.decode(value["bytes"]).pixels.mean() for value in made.column("image").to_pylist()]
    assert abs(means[4] - dark.mean()) < 3
    assert abs(means[0] - dark.mean()) < 3
    curated = curate.Pipeline([step]).run(table, cache=None)
    assert curated.facts["fitted"]["enhance_image"] == fitted


def test_nothing_asked_for_is_refused():
    with pytest.raises(ConfigError, match="every rule is off"):
        EnhanceImage(clahe=0)


def test_what_is_given_is_not_changed():
    pixels = scene()
    before = pixels.copy()
    EnhanceImage(clahe=2, sharpen=1, gamma=0.8, white_balance=True, denoise="median").enhanced(pixels)
    assert (pixels == before).all()
