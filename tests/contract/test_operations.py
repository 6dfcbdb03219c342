"""What holds of every augmentation operation: form kept, draws replay, inputs stay, odd inputs are fine."""

import atexit
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from curate.augment.operations import build, known
from curate.media.audio import encode_wav

FOLDER = Path(tempfile.mkdtemp(prefix="curate-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
NOISE = FOLDER / "noise.wav"
NOISE.write_bytes(encode_wav(np.random.default_rng(0).normal(0, 0.1, (1, 3000)).astype(np.float32), 8000))
REQUIRED = {
    "background_noise": {"folder": str(NOISE)},
    "crop": {"seconds": 0.2},
    "swap_channels": {"silence": True},
    "Crop": {"x_max": 20, "y_max": 18},
    "CropAndPad": {"px": 3},
    "LongestMaxSize": {"max_size": 24},
    "SmallestMaxSize": {"max_size": 24},
    "RandomCrop": {"height": 20, "width": 20},
    "CenterCrop": {"height": 20, "width": 20},
    "RandomSizedCrop": {"min_max_height": [16, 24], "size": [20, 20]},
    "RandomResizedCrop": {"size": [20, 20]},
    "Resize": {"height": 20, "width": 20},
    "GridElasticDeform": {"num_grid_xy": [4, 4], "magnitude": 3},
    "TimeMasking": {"time_mask_param": 8},
    "FrequencyMasking": {"freq_mask_param": 8},
    "Affine": {"rotate": [-20, 20]},
    "Pad": {"padding": 4},
    "XYMasking": {"num_masks_x": 2, "num_masks_y": 2, "mask_x_length": 6, "mask_y_length": 6},
    "PadIfNeeded": {"min_height": 40, "min_width": 40},
    "FancyPCA": {"alpha": 1.0},
    "smooth": {"operation": {"ColorJitter": {"hue": 0.3}}},
    "synonyms": {"synonyms": {"quick": ["fast", "swift"]}},
    "replace_entities": {"entities": {"animal": ["fox", "dogs", "cats"]}},
    "nlpaug": {"augmenter": "RandomCharAug"},
}
MODELS = {"contextual_words", "back_translate"}
"""Operations that need a model, which tests/augment/test_text_models.py makes."""
KEEPS = {"NoOp", "PadIfNeeded", "AutoContrast"}
"""Transforms that may leave an image as it is whatever is drawn."""
CASES = [
    (modality, name)
    for modality in ("image", "video", "text", "audio", "series", "features")
    for name in known(modality)
    if name not in MODELS
]


def _operation(modality, name):
    return build(modality, {name: {**REQUIRED.get(name, {}), "p": 1.0}})


def _item(modality):
    rng = np.random.default_rng(11)
    if modality == "image":
        ramp = np.add.outer(np.arange(32) * 3, np.arange(36) * 2)[..., None] + np.array([0, 40, 80])
        return np.clip(ramp + rng.normal(0, 10, (32, 36, 3)), 0, 255).astype(np.uint8)
    if modality == "video":
        return rng.integers(0, 256, (6, 20, 24, 3), dtype=np.uint8)
    if modality == "text":
        english = "The quick brown fox jumps over 13 lazy dogs, and nobody minds."
        return f"{english} 今天天气很好, 我们去公园吧 안녕하세요 すみません café"
    if modality == "audio":
        return (np.sin(np.arange(4000) / 9) * np.linspace(0.1, 0.8, 4000))[None].astype(np.float32).repeat(2, 0), 8000
    shape = (3, 64) if modality == "series" else (12,)
    return rng.normal(size=shape).astype(np.float32)


def _odd(modality):
    """Inputs in which there is nothing, or next to nothing."""
    if modality == "image":
        shapes = [(24, 24, 3), (1, 1, 3), (1, 30, 3), (0, 0, 3)]
        return [np.full(shape, value, np.uint8) for shape in shapes for value in (0, 255)]
    if modality == "video":
        shapes = [(1, 20, 20, 3), (3, 1, 1, 3), (0, 8, 8, 3)]
        return [np.full(shape, value, np.uint8) for shape in shapes for value in (0, 255)]
    if modality == "text":
        return ["", " ", "x", "\n\n", "字", "👍🏽", "สวัสดี", "....", "a b"]
    if modality == "audio":
        return [(np.zeros(shape, np.float32), 8000) for shape in ((1, 800), (2, 1), (1, 0), (1, 2))]
    if modality == "series":
        empty = [np.zeros((2, 0), np.float32), np.zeros((2, 1), np.float32), np.zeros(9, np.float32)]
        return [*empty, np.full((2, 8), np.nan, np.float32)]
    return [np.zeros(0, np.float32), np.zeros(1, np.float32), np.full(4, np.nan, np.float32)]


def _equal(a, b):
    if isinstance(a, tuple):
        return a[1] == b[1] and np.array_equal(a[0], b[0], equal_nan=True)
    return a == b if isinstance(a, str) else np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _copy(item):
    return (item[0].copy(), item[1]) if isinstance(item, tuple) else item if isinstance(item, str) else item.copy()


def _check_form(modality, item, changed):
    assert type(changed) is type(item)
    if modality == "text":
        changed.encode("utf-8")
    elif modality == "audio":
        assert changed[1] == item[1]
        assert changed[0].dtype == np.float32
        assert changed[0].shape[0] == item[0].shape[0]
        assert np.isfinite(changed[0]).all()
        assert np.abs(changed[0]).max(initial=0) <= 1.0
    elif modality == "video":
        assert changed.dtype == np.uint8
        assert changed.shape == item.shape
    elif modality == "image":
        assert changed.dtype == np.uint8
        assert changed.ndim == 3
        assert changed.shape[-1] == 3
    else:
        assert changed.dtype == np.float32
        assert changed.shape == item.shape


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_form_is_kept_draws_replay_and_the_input_stays(modality, name):
    operation, item = _operation(modality, name), _item(modality)
    before, differs = _copy(item), 0
    for seed in range(6):
        drawn = operation.draw(np.random.default_rng(seed), item)
        assert operation.draw(np.random.default_rng(seed), item) == drawn
        changed = operation.apply(item, drawn)
        assert _equal(item, before), "the input was changed"
        _check_form(modality, item, changed)
        assert _equal(operation.apply(item, json.loads(json.dumps(drawn))), changed), "the draw does not replay"
        differs += not _equal(changed, item)
    assert differs or name in KEEPS, "nothing ever changed"


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_blank_silent_and_tiny_inputs(modality, name):
    operation = _operation(modality, name)
    for item in _odd(modality):
        before = _copy(item)
        changed = operation.apply(item, operation.draw(np.random.default_rng(1), item))
        _check_form(modality, item, changed)
        assert _equal(item, before)


@pytest.mark.parametrize("name", known("image"))
def test_all_frames_of_a_video_change_alike(name):
    operation, frame = _operation("image", name), _item("image")
    drawn = operation.draw(np.random.default_rng(4), frame)
    clip = operation.apply(np.stack([frame, frame, frame]), drawn)
    assert (clip == clip[0]).all()
