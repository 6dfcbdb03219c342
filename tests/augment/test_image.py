import random

import numpy as np
import pytest

from curate.augment.operations import build, known
from curate.augment.operations.chance import Numbers, Stream, borrowed, returned, sfc64
from curate.augment.operations.image_library import CERTAIN, names
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
    peer.set_random_state(sfc64(drawn["seed"]), stream)
    np.testing.assert_array_equal(operation.apply(IMAGE, drawn), peer(image=IMAGE)["image"])


JITTERS = [
    {},
    {"brightness": [0, 3], "contrast": [0, 3], "saturation": [0, 3], "hue": [-0.5, 0.5]},
    {"brightness": [1, 1], "hue": [0, 0]},  # factors that the library has cases of its own for
    {"brightness": [0, 0]},
    {"contrast": [0, 0], "saturation": [0, 0]},
]


@pytest.mark.parametrize("parameters", JITTERS, ids=str)
def test_jitter_is_that_of_the_library_byte_for_byte(parameters):
    import albumentations

    operation = build("image", {"ColorJitter": {**parameters, "p": 1.0}})
    peer = albumentations.ColorJitter(**{k: tuple(v) for k, v in parameters.items()}, p=1.0)
    smooth = np.indices((31, 45)).sum(0)[..., None] * [3, 2, 1] % 256
    images = [IMAGE, smooth.astype(np.uint8), np.zeros((5, 4, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)]
    stream = Stream()
    for seed in range(40):
        for image in images:
            before = image.copy()
            stream.begin(seed)
            peer.set_random_state(sfc64(seed), stream)
            np.testing.assert_array_equal(operation.apply(image, {"seed": seed}), peer(image=image)["image"])
            np.testing.assert_array_equal(image, before)
        frames = np.stack([IMAGE, IMAGE[::-1]])
        stream.begin(seed)
        peer.set_random_state(sfc64(seed), stream)
        np.testing.assert_array_equal(operation.apply(frames, {"seed": seed}), peer(images=frames)["images"])


def test_generators_by_seed():
    numbers = Numbers()
    for seed in (0, 7, 2**63 + 3, 2**64 - 1):
        expected = sfc64(seed)
        for _ in range(2):  # also after an odd number of half words was drawn
            numbers.begin(seed)
            expected = sfc64(seed)
            for draw in ("random", "standard_normal"):
                np.testing.assert_array_equal(getattr(numbers.generator, draw)(5), getattr(expected, draw)(5))
            assert numbers.generator.integers(9, size=3, dtype=np.int32).tolist() == (
                expected.integers(9, size=3, dtype=np.int32).tolist()
            )
    slow = Numbers()
    slow._memory = None  # as with a NumPy that lays out its state in another way
    slow.begin(5)
    np.testing.assert_array_equal(slow.generator.random(5), sfc64(5).random(5))


def test_generators_of_many_seeds_are_even_and_apart():
    first = np.array([sfc64(seed).random(4) for seed in range(4000)])
    np.testing.assert_allclose(first.mean(0), 0.5, atol=0.02)
    np.testing.assert_allclose(first.std(0), 0.289, atol=0.01)
    assert np.abs(np.corrcoef(first.T) - np.eye(4)).max() < 0.06
    stream, near = Stream(), []
    for seed in range(4000):
        stream.begin(seed)
        near.append([stream.random(), stream.random()])
    assert np.abs(np.corrcoef(np.array(near).T, first.T)[:2, 2:]).max() < 0.06


def test_a_generator_is_borrowed_by_one_at_a_time():
    one, other = borrowed(1), borrowed(1)
    assert one is not other
    assert one.generator.random() == other.generator.random()
    returned(one)
    assert borrowed(2) is one


@pytest.mark.parametrize("name", sorted(CERTAIN))
def test_what_is_said_to_draw_nothing_draws_nothing(name):
    operation = build("image", {name: {"p": 1.0}})
    assert not operation.by_chance
    # Without a key a draw would raise TypeError.
    np.testing.assert_array_equal(operation.done(IMAGE, None), operation.done(IMAGE, 2**100 + 1))
    assert set(names()) >= CERTAIN


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
    assert stream._randbelow(2**80) < 2**80
    assert 5 <= stream.randint(5, 2**90) <= 2**90
    assert {stream.randint(np.int64(-1), 1) for _ in range(50)} == {-1, 0, 1}
    assert sorted(stream.sample(range(9), 9)) == list(range(9))
    with pytest.raises(ValueError, match="empty range"):
        stream.randint(2, 1)
    pairs = []
    for _ in range(2):
        stream.begin(3)
        pairs.append([stream.gauss(), stream.gauss()])
        stream.begin(4)
        stream.gauss()  # of which Python's own would keep a second one
    assert pairs[0] == pairs[1]


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
        ({"RandAugment": {"n": 2}}, "unknown setting 'n'"),
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
