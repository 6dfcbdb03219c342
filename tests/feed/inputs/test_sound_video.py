"""Frames and sound of videos stay together: each second has its own brightness and its own loudness."""

import io
import json

import numpy as np
import pytest
import torch
from small_tables import plan, table

from curate.errors import ConfigError
from curate.feed import make_loader

RATE = 16000
SECONDS = 4


def film(sound=True, seconds=SECONDS, tail=0.0, late=0.0, moving=False):
    """An MP4 of 10 frames a second: in second k a brightness of 40 + 50 k and a tone of amplitude 0.1 (k + 1).

    With `moving` the brightness rises with every frame.
    """
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width = pictures.height = 32
        pictures.pix_fmt = "yuv420p"
        track = container.add_stream("aac", rate=RATE, layout="mono") if sound else None
        for i in range(seconds * 10):
            frame = np.full((32, 32, 3), 40 + 5 * i if moving else 40 + 50 * (i // 10), np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(pictures.encode())
        if track is not None:
            n = int((seconds + tail - late) * RATE)
            loud = 0.1 * (1 + (np.arange(n) + int(late * RATE)) // RATE)
            samples = (loud * np.sin(2 * np.pi * 440 * np.arange(n) / RATE)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, int(late * RATE)
            container.mux(track.encode(frame))
            container.mux(track.encode())
    return {"bytes": out.getvalue(), "path": None}


def films(*cells, **task):
    return table({"video": list(cells)}, kind="unlabeled", video="video", **task)


def batch_of(of, recipe=None, **options):
    drawn = plan(of, kind=None, recipe=recipe)
    loader = make_loader(of, drawn, sampler="sequential", **{"sound": True, "frames": 8, "image_size": 16} | options)
    [batch] = loader
    return batch, loader


def seconds_shown(frames):
    """(t,) which second each frame is from."""
    return (frames.numpy().mean((1, 2, 3)) * 255 - 40) / 50


def seconds_heard(samples, parts):
    """(parts,) which second each part of the sound is from, by its loudness."""
    split = np.array_split(samples.numpy(), parts)
    return np.array([np.sqrt(2 * np.mean(p[len(p) // 4 : -len(p) // 4] ** 2)) * 10 - 1 for p in split])


def test_frames_and_sound_cover_the_same_time():
    batch, loader = batch_of(films(film(), film(tail=1.0)))
    assert loader.inputs[0].rate == RATE
    assert batch["pixel_values"].shape == (2, 8, 3, 16, 16)
    assert batch["input_values"].shape == (2, SECONDS * RATE)
    assert batch["attention_mask"].sum(1).tolist() == [SECONDS * RATE] * 2
    for place in range(2):
        np.testing.assert_allclose(seconds_shown(batch["pixel_values"][place]), np.arange(8) // 2, atol=0.1)
        np.testing.assert_allclose(seconds_heard(batch["input_values"][place], 8), np.arange(8) // 2, atol=0.25)


@pytest.mark.parametrize("change", [{"late": 1.0}, {"tail": -1.0}])
def test_sound_that_begins_late_or_ends_early(change):
    batch, _ = batch_of(films(film(**change)))
    assert batch["input_values"].shape == (1, SECONDS * RATE)
    heard = seconds_heard(batch["input_values"][0], 8)
    expected = np.arange(8) // 2
    expected = np.where(expected == 0, -1, expected) if "late" in change else np.where(expected == 3, -1, expected)
    np.testing.assert_allclose(heard, expected, atol=0.25)


def test_only_the_first_seconds():
    batch, _ = batch_of(films(film()), max_seconds=2.0, sampling_rate=8000)
    assert batch["input_values"].shape == (1, 16000)
    np.testing.assert_allclose(seconds_shown(batch["pixel_values"][0]), np.arange(8) // 4, atol=0.1)
    np.testing.assert_allclose(seconds_heard(batch["input_values"][0], 4), np.arange(4) // 2, atol=0.25)


@pytest.mark.parametrize(
    "operation", [{"temporal_crop": {"min_length_fraction": 0.5, "max_length_fraction": 0.5}}, "reverse"]
)
def test_operations_change_both(operation):
    recipe = json.dumps([{"step": "augment", "video": [operation]}])
    of = films(*[film()] * 3)
    batch, _ = batch_of(of, recipe=recipe, frames=16)
    plain, _ = batch_of(of, frames=16)
    assert not torch.equal(batch["pixel_values"], plain["pixel_values"])
    for frames, samples, mask in zip(batch["pixel_values"], batch["input_values"], batch["attention_mask"]):
        shown, heard = seconds_shown(frames), seconds_heard(samples[: int(mask.sum())], 16)
        clear = np.abs(heard - np.rint(heard)) < 0.2
        assert clear.sum() >= 10
        np.testing.assert_allclose(shown[clear], np.rint(heard[clear]), atol=0.15)


def test_operations_choose_among_more_frames_than_are_handed_out():
    crop = {"temporal_crop": {"min_length_fraction": 0.5, "max_length_fraction": 0.5}}
    recipe = json.dumps([{"step": "augment", "video": [crop]}])
    of = films(film(moving=True))
    few, _ = batch_of(of, recipe, sound=False)
    many, _ = batch_of(of, recipe, sound=False, frames_decoded=40)
    assert few["pixel_values"].shape == many["pixel_values"].shape == (1, 8, 3, 16, 16)
    different = [len(np.unique(np.rint(seconds_shown(b["pixel_values"][0]) * 5))) for b in (few, many)]
    assert different == [4, 8]
    of = films(film())
    plain, _ = batch_of(of, sound=False, frames_decoded=40)
    torch.testing.assert_close(plain["pixel_values"], batch_of(of, sound=False)[0]["pixel_values"], atol=0.02, rtol=0)
    with pytest.raises(ConfigError, match="frames_decoded is 4, and 8 frames are handed out"):
        batch_of(of, frames_decoded=4)


def test_a_video_without_sound_and_one_that_is_cut_off():
    broken = film()
    broken["bytes"] = broken["bytes"][:3000]
    batch, loader = batch_of(films(film(), film(sound=False), broken))
    assert batch["row_id"] == ["r0", "r1"]
    assert batch["attention_mask"].sum(1).tolist() == [SECONDS * RATE, 0]
    assert (batch["input_values"][1] == 0).all()
    assert list(loader.skipped) == ["r2"]
    silent, _ = batch_of(films(film(sound=False)))
    assert silent["input_values"].shape == (1, 1)
    np.testing.assert_allclose(seconds_shown(silent["pixel_values"][0]), np.arange(8) // 2, atol=0.1)


def test_what_is_refused():
    of = films(film())
    mix = json.dumps([{"step": "mix", "mixup_alpha": 1.0}])
    with pytest.raises(ConfigError, match="inputs that belong together are none: leave out the step mix"):
        make_loader(of, plan(of, kind=None, recipe=mix), sound=True)
    both = table({"video": [film()], "audio": [film()]}, kind="unlabeled", video="video", audio="audio")
    with pytest.raises(ConfigError, match="beside the task's column of audio"):
        make_loader(both, plan(both, kind=None), sound=True)
