"""Operations on clips: what is shown when, and that the sound goes along."""

import numpy as np
import pytest

from curate.augment.operations import build
from curate.augment.operations.video import Clip, between
from curate.augment.recipe import Recipe

FRAMES = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None] * 10, (20, 8, 10, 3)).copy()
RATE = 1000
RAMP = np.linspace(0, 1, 2000, dtype=np.float32)[None].repeat(2, 0)
CLIP = Clip(FRAMES, RAMP, RATE)


def shown(clip):
    frames = clip.frames if isinstance(clip, Clip) else clip
    return (frames[:, 0, 0, 0] // 10).tolist()


def out_of_step(clip):
    """Largest distance between the moment that a frame shows and the one that is heard with it, in frames."""
    n, t = clip.samples.shape[1], len(clip.frames)
    heard = clip.samples[0][((np.arange(t) + 0.5) / t * n).astype(int)] * t - 0.5
    loud = heard > 0
    return np.abs(heard - shown(clip))[loud].max()


def done(name, drawn, item=CLIP, **settings):
    return build("video", {name: settings}).apply(item, drawn)


def test_a_stretch_with_its_sound():
    changed = done("temporal_crop", {"start": 0.25, "length": 0.5})
    assert shown(changed) == [5 + i // 2 for i in range(20)]
    assert changed.samples.shape == (2, 1000)
    np.testing.assert_allclose(changed.samples[0, [0, -1]], [0.25, 0.75], atol=2e-3)
    assert out_of_step(changed) <= 1


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.3, 2.0])
def test_speed_keeps_frames_and_sound_together(speed):
    changed = done("speed", {"speed": speed})
    assert len(changed.frames) == 20
    assert changed.samples.shape == (2, 2000)
    assert shown(changed)[:10] == [int((i + 0.5) * speed) for i in range(10)]
    assert out_of_step(changed) <= 1
    silent = (changed.samples[0] == 0).mean()
    assert silent == pytest.approx(max(0.0, 1 - 1 / speed), abs=0.01)


def test_backwards_with_its_sound():
    changed = done("reverse", {})
    assert shown(changed) == list(range(20))[::-1]
    np.testing.assert_allclose(changed.samples, RAMP[:, ::-1], atol=1e-3)
    assert out_of_step(changed) <= 1


def test_frames_that_stand_for_others_keep_the_time():
    changed = done("stride", {"stride": 3, "offset": 1})
    assert shown(changed)[:8] == [0, 0, 2, 2, 2, 5, 5, 5]
    assert changed.samples is RAMP
    dropped = done("drop_frames", {"fraction": 0.5, "seed": 4})
    places = shown(dropped)
    assert places == sorted(places)
    assert 5 <= len(set(places)) <= 15
    assert all(p == i or p == places[i - 1] for i, p in enumerate(places))


@pytest.mark.parametrize("name", ["temporal_crop", "speed", "stride", "drop_frames"])
def test_cuts_stay_in_order(name):
    operation = build("video", name)
    for seed in range(20):
        places = shown(operation.apply(FRAMES, operation.draw(np.random.default_rng(seed), FRAMES)))
        assert places == sorted(places)
        assert len(places) == 20


def test_an_image_operation_is_the_same_in_all_frames_or_goes_over():
    frames = np.full((9, 8, 10, 3), 100, np.uint8)
    jitter = {"RandomBrightnessContrast": {"brightness_limit": 0.4, "contrast_limit": 0.0}}
    operation = build("video", {"smooth": {"operation": jitter}})
    steps = []
    for seed in range(10):
        drawn = operation.draw(np.random.default_rng(seed), frames)
        levels = operation.apply(frames, drawn)[:, 0, 0, 0].astype(int)
        ends = [build("image", jitter).apply(frames[0], {"seed": s})[0, 0, 0] for s in drawn["seeds"]]
        np.testing.assert_allclose(levels[[0, -1]], ends, atol=1)
        np.testing.assert_allclose(levels, np.linspace(levels[0], levels[-1], 9), atol=1.5)
        steps.append(abs(levels[-1] - levels[0]))
    assert max(steps) > 20


@pytest.mark.parametrize(
    "name", ["Affine", "ElasticTransform", "GaussNoise", "RandomCrop", "CoarseDropout", "HorizontalFlip"]
)
def test_smoothly_varying_transforms_keep_the_form(name):
    frames = np.random.default_rng(0).integers(0, 256, (5, 24, 30, 3), dtype=np.uint8)
    settings = {"RandomCrop": {"height": 16, "width": 20}, "Affine": {"rotate": [-20, 20]}}.get(name, {})
    operation = build("video", {"smooth": {"operation": {name: settings}, "draws": 3}})
    for seed in range(5):
        drawn = operation.draw(np.random.default_rng(seed), frames)
        changed = operation.apply(frames, drawn)
        assert changed.dtype == np.uint8
        assert len(changed) == 5
        np.testing.assert_array_equal(changed, operation.apply(frames, drawn))


def test_strength_of_clip_operations():
    smooth = build("video", {"smooth": {"operation": {"RandomBrightnessContrast": {"brightness_limit": 0.4}}}})
    frames = np.full((3, 8, 10, 3), 100, np.uint8)
    drawn = smooth.draw(np.random.default_rng(0), frames)
    full, weak = (np.abs(one.apply(frames, drawn).astype(int) - 100).mean() for one in (smooth, smooth.at(0.25)))
    assert weak < full / 2
    assert build("video", {"smooth": {"operation": "VerticalFlip"}}).at(0.5).p == 0.5
    crop = build("video", "temporal_crop").at(0.5)
    assert (crop.min_length_fraction, crop.max_length_fraction) == (0.75, 1.0)
    assert build("video", "speed").at(0.5).max_speed == 1.25
    stride = build("video", "stride").at(0.01)
    assert stride.apply(FRAMES, stride.draw(np.random.default_rng(0), FRAMES)).tolist() == FRAMES.tolist()


def test_values_between():
    one = {"a": 1.0, "b": [0, 4], "c": True, "d": "x"}
    other = {"a": 3.0, "b": [2, 0], "c": False, "d": "y"}
    assert between(one, other, 0.5) == {"a": 2.0, "b": [1, 2], "c": True, "d": "x"}
    assert between([1, 2], [1], 0.5) == [1, 2]


def test_a_recipe_does_clip_operations_and_then_those_of_images():
    made = Recipe.from_json('[{"step": "augment", "video": ["reverse"], "image": [{"InvertImg": {"p": 1.0}}]}]')
    where = {"seed": 0, "epoch": 0, "row_id": "r", "copy": 0}
    frames = made.apply("video", FRAMES, **where)
    np.testing.assert_array_equal(frames, 255 - FRAMES[::-1])
    clip = made.apply("video", CLIP, **where)
    np.testing.assert_array_equal(clip.frames, frames)
    np.testing.assert_allclose(clip.samples, RAMP[:, ::-1], atol=1e-3)


def test_policies_can_not_go_over():
    from curate.errors import ConfigError

    with pytest.raises(ConfigError, match="chooses between changes"):
        build("video", {"smooth": {"operation": "RandAugment"}})
    with pytest.raises(ConfigError, match="unknown image operation 'HorizontalFlp'"):
        build("video", {"smooth": {"operation": "HorizontalFlp"}})
