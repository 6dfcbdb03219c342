import random

import numpy as np
import pytest

from curate.augment.operations import build, known
from curate.augment.operations.chance import Stream, philox
from curate.augment.operations.image_magnitudes import NEUTRAL
from curate.augment.operations.image_presets import PRESETS
from curate.errors import ConfigError, DataError

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)


def test_nearly_all_transforms_are_there():
    names = known("image")
    assert len(names) == 95
    assert {"RandomResizedCrop", "HorizontalFlip", "ColorJitter", "GaussNoise", "CoarseDropout", "Affine"} <= set(names)
    assert {"RandAugment", "TrivialAugment", "AugMix"} <= set(names)


@pytest.mark.parametrize("name", ["ColorJitter", "GaussNoise", "CoarseDropout", "ElasticTransform", "RandomRain"])
def test_equals_albumentations_with_the_same_chance(name):
    import albumentations

    operation = build("image", {name: {"p": 1.0}})
    drawn = operation.draw(np.random.default_rng(3), IMAGE)
    stream = Stream()
    stream.begin(drawn["seed"])
    peer = getattr(albumentations, name)(p=1.0)
    peer.set_random_state(np.random.Generator(np.random.Philox(key=drawn["seed"])), stream)
    np.testing.assert_array_equal(operation.apply(IMAGE, drawn), peer(image=IMAGE)["image"])


def test_generators_by_key():
    for key in (0, 7, 2**64 + 3, 2**128 - 1):
        np.testing.assert_array_equal(philox(key).random(5), np.random.Generator(np.random.Philox(key=key)).random(5))


def test_the_stream_is_even():
    stream = Stream()
    assert isinstance(stream, random.Random)
    found = []
    for seed in range(4000):
        stream.begin(seed)
        found.append([stream.random(), stream.uniform(0, 1), stream.randint(0, 9) / 9, stream.gauss(0, 1)])
    numbers = np.array(found)
    np.testing.assert_allclose(numbers.mean(0), [0.5, 0.5, 0.5, 0], atol=0.05)
    np.testing.assert_allclose(numbers.std(0), [0.289, 0.289, 0.319, 1], atol=0.03)
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.06
    assert stream.getrandbits(130) < 2**130


def test_p_is_the_transforms_own():
    assert build("image", "HorizontalFlip").p == 0.5
    assert build("image", {"RandomResizedCrop": {"size": [8, 8]}}).p == 1.0
    assert build("image", {"HorizontalFlip": {"p": 0.1}}).p == 0.1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("HorizontalFlipp", "did you mean 'HorizontalFlip'"),
        ("horizontal_flip", "did you mean 'HorizontalFlip'"),
        ({"ColorJitter": {"brightnes": 0.3}}, "'brightnes'"),
        ({"HorizontalFlip": {"p": 3}}, "p: Input should be less than or equal to 1"),
        ({"MedianBlur": {"blur": 3}}, "'blur'"),
        ({"RandomResizedCrop": {"size": [224]}}, "size.1: Field required"),
        ("Resize", "height: Field required"),
        ("ToTensorV2", "feed makes the tensors"),
        ("FDA", "reference images"),
        ("CenterCrop3D", "unknown image operation"),
        ({"RandAugment": {"magnitude": 31}}, "less than or equal to 30"),
        ({"RandAugment": {"n": 2}}, "no setting 'n'"),
    ],
)
def test_wrong_names_and_parameters(spec, said):
    with pytest.raises(ConfigError) as caught:
        build("image", spec)
    assert said in str(caught.value)


def test_a_crop_larger_than_the_image_is_an_error_with_the_size():
    operation = build("image", {"RandomCrop": {"height": 64, "width": 64}})
    with pytest.raises(DataError, match="RandomCrop failed on an image of 52 x 40 pixels"):
        operation.apply(IMAGE, operation.draw(np.random.default_rng(0), IMAGE))


def test_grey_output_is_an_error():
    operation = build("image", {"ToGray": {"num_output_channels": 1, "p": 1.0}})
    with pytest.raises(DataError, match="not 8-bit RGB"):
        operation.apply(IMAGE, {"seed": 1})


GIVEN = {
    "Affine": {"rotate": [-30, 30], "scale": [0.8, 1.2], "shear": [-10, 10]},
    "CropAndPad": {"percent": 0.1},
    "RandomResizedCrop": {"size": [32, 32]},
    "RandomSizedCrop": {"min_max_height": [16, 24], "size": [20, 20]},
}
COARSE = {"AdvancedBlur", "Blur", "MedianBlur", "MotionBlur", "Defocus", "ImageCompression"}
"""Transforms whose least value still changes the image."""


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_magnitudes_shrink_with_the_strength(name):
    smooth = np.add.outer(np.arange(64) * 2, np.arange(64))[..., None] + np.array([0, 20, 60])
    image = np.clip(smooth + np.random.default_rng(0).normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
    operation = build("image", {name: {**GIVEN.get(name, {}), "p": 1.0}})
    change = {}
    for strength in (0.01, 0.5, 1.0):
        weaker = operation.at(strength)
        assert weaker.p == 1.0
        changed = [weaker.apply(image, {"seed": seed}) for seed in range(12)]
        if name == "RandomResizedCrop":
            assert all(one.shape == (32, 32, 3) for one in changed)
            change[strength] = 1.0 - weaker.parameters.get("scale", (0.08, 1.0))[0]
        else:
            shapes = [one if one.shape == image.shape else np.zeros_like(image) for one in changed]
            change[strength] = np.mean([np.abs(one.astype(int) - image).mean() for one in shapes])
    assert change[0.01] < change[1.0] or name in COARSE
    assert change[0.5] <= change[1.0] * 1.25


def test_what_has_no_magnitude_is_done_less_often():
    assert build("image", {"HorizontalFlip": {"p": 0.5}}).at(0.4).p == pytest.approx(0.2)
    assert build("image", {"Rotate": {"limit": 30, "p": 0.5}}).at(0.5).parameters == {"limit": 15}
    assert build("image", {"RandAugment": {"magnitude": 10}}).at(0.5).magnitude == 5
    jitter = build("features", {"jitter": {"max_sigma": 0.4}}).at(0.5)
    assert jitter.max_sigma == pytest.approx(0.2)
    assert jitter.p == 1.0


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_change_photographs_and_no_more_than_they_say(name):
    photo = np.add.outer(np.arange(96) * 2, np.arange(96))[..., None] % 256 + np.array([0, 20, 60])
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    operations = [build("image", spec) for spec in PRESETS[name]]
    assert all(operation.p < 1 or operation.name == "RandAugment" for operation in operations)
    flips = [spec for spec in PRESETS[name] if "Flip" in next(iter(spec))]
    assert bool(flips) == (name not in ("document", "medical"))
    for seed in range(8):
        changed = photo
        for operation in operations:
            changed = operation.apply(changed, operation.draw(np.random.default_rng(seed), changed))
        assert changed.shape == photo.shape
        assert changed.std() > 10
