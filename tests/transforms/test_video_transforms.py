"""Videos cut into clips with their sound, and made into images."""

import io

import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.media import audio, image, video
from curate.media.video_cut import cut
from curate.steps import SampleFrames, SplitVideo

FPS, RATE = 20, 16_000


def film(scenes, width=64, height=48, sound=True):
    """Frames of one grey level per scene, (level, seconds); the sound is a tone of 10 Hz per level."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        track = container.add_stream("aac", rate=RATE) if sound else None
        texture = np.random.default_rng(0).integers(-12, 12, (len(scenes), height, width, 1))
        for (level, seconds), grain in zip(scenes, texture):
            picture = np.clip(level + grain, 0, 255).astype(np.uint8).repeat(3, axis=2)
            for _ in range(round(seconds * FPS)):
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if track is not None:
            tones = [0.3 * np.sin(2 * np.pi * 10 * lv * np.arange(round(s * RATE)) / RATE) for lv, s in scenes]
            samples = np.concatenate(tones).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = RATE
            for packet in [*track.encode(frame), *track.encode(None)]:
                container.mux(packet)
    return out.getvalue()


def table_of(videos, **columns):
    roles = {name: name for name in columns if name in ("image", "group")}
    label = (["a", "b"] * len(videos))[: len(videos)]
    given = [{"bytes": data, "path": None} for data in videos]
    task = curate.Task(video="video", label="label", **roles)
    return curate.load({"video": given, "label": label, **columns}, task=task)


def clips(table):
    return [value["bytes"] for value in table.column("video").to_pylist()]


def loudest_hz(data):
    sound = audio.decode(data)
    return np.abs(np.fft.rfft(sound.samples[0])).argmax() / sound.seconds


def test_a_stretch_has_its_frames_and_its_sound():
    data = film([(40, 2.0), (120, 2.0), (200, 2.0)])
    first, middle, over = cut(data, [(0.0, 2.0), (2.0, 4.0), (3.0, 5.0)])
    for clip, level in ((first, 40), (middle, 120)):
        seen = video.decode(clip, frames=4)
        assert (seen.frame_count, round(seen.seconds, 2)) == (40, 2.0)
        assert abs(seen.frames.mean() - level) < 4
        assert abs(loudest_hz(clip) - 10 * level) < 10
        assert abs(audio.decode(clip).seconds - 2.0) < 0.15
    assert video.decode(over, frames=2).frames.mean((1, 2, 3)).round(-1).tolist() == [120, 200]


def test_pieces_put_together_are_the_whole():
    data = film([(int(level), 0.05) for level in np.linspace(20, 235, 60)], sound=False)
    whole = video.decode(data, frames=60).frames.mean((1, 2, 3))
    parts = [video.decode(clip, frames=100).frames.mean((1, 2, 3)) for clip in cut(data, [(0, 1), (1, 2), (2, 3)])]
    assert [len(part) for part in parts] == [20, 20, 20]
    assert np.abs(np.concatenate(parts) - whole).max() < 3


def test_a_stretch_without_frames_is_told():
    with pytest.raises(DataError, match=r"no frame between 9.00 and 10.00 s"):
        cut(film([(40, 1.0)]), [(9.0, 10.0)])


def test_odd_sides_are_kept():
    [clip] = cut(film([(40, 1.0)], width=64, height=48, sound=False), [(0, 0.5)])
    assert video.decode(clip).frames.shape[1:3] == (48, 64)


def test_windows():
    table = table_of([film([(40, 5.0)]), film([(90, 2.0)])])
    made = SplitVideo(seconds=2.0, min_seconds=0.5).apply(table)
    first, second = table.row_ids.tolist()
    assert made.row_ids.tolist() == [f"{first}#0", f"{first}#1", f"{first}#2", second]
    assert made.parents.tolist() == [first] * 3 + [second]
    assert clips(made)[3] == clips(table)[1]
    assert made.column("video_start").to_pylist() == [0, 2, 4, 0]
    assert [round(video.decode(clip).seconds, 2) for clip in clips(made)] == [2, 2, 1, 2]
    assert made.task.group == "video_parent"


def test_scenes():
    table = table_of([film([(40, 2.0), (140, 3.0), (230, 1.5)])])
    made = SplitVideo(by="scenes").apply(table)
    assert np.allclose(made.column("video_start").to_pylist(), [0, 2, 5], atol=0.06)
    assert [round(float(video.decode(clip).frames.mean()), -1) for clip in clips(made)] == [40, 140, 230]
    joined = SplitVideo(by="scenes", min_seconds=1.9).apply(table)
    assert np.allclose(joined.column("video_start").to_pylist(), [0, 2], atol=0.06)


def test_frames_become_images():
    table = table_of([film([(40, 1.0), (200, 1.0)]), film([(90, 1.0)])])
    made = SampleFrames(frames=2).apply(table)
    assert (made.task.image, made.task.video) == ("image", None)
    levels = [image.decode(value["bytes"]).pixels.mean() for value in made.column("image").to_pylist()]
    assert np.allclose(levels, [40, 200, 90, 90], atol=5)
    assert np.allclose(made.column("video_seconds").to_pylist(), [0.5, 1.5, 0.25, 0.75], atol=0.06)
    every = SampleFrames(frames=100, every_seconds=0.5).apply(table)
    assert len(every) == 4 + 2
    small = SampleFrames(frames=1, longest_px=32, format="png").apply(table)
    assert {image.decode(v["bytes"]).pixels.shape for v in small.column("image").to_pylist()} == {(24, 32, 3)}


def test_a_pipeline_trains_on_clips_and_on_images(tmp_path):
    table = table_of([film([(40 + 10 * i, 3.0)], sound=False) for i in range(4)])
    curated = curate.Pipeline([SplitVideo(seconds=1.0), SampleFrames(frames=1)]).run(
        table, tmp_path / "out", cache=None
    )
    assert curated.accounts[0]["added"] == 8
    assert set(curated.plan["weight"].to_pylist()) == {np.float32(1 / 3)}
    assert sum(len(batch["row_id"]) for batch in curated.loader()) == 12
    assert len(curate.open(tmp_path / "out").table) == 12


def test_what_can_not_be_read_stays_and_is_reported():
    table = table_of([film([(40, 3.0)]), b"no video at all", film([(40, 3.0)])[:-3000]])
    for step in (SplitVideo(seconds=1.0), SplitVideo(seconds=1.0, by="scenes"), SampleFrames(frames=2)):
        made = step.apply(table)
        failed = made.problems["row"].to_pylist()
        assert made.parents[failed].tolist() == table.row_ids[1:].tolist(), step


def test_refusals():
    picture = {"bytes": image.encode_png(np.zeros((8, 8, 3), np.uint8)), "path": None}
    table = table_of([film([(40, 1.0)])], image=[picture])
    with pytest.raises(ConfigError, match="one already"):
        curate.Pipeline([SampleFrames()]).run(table, cache=None)
    with pytest.raises(DataError, match="is there already"):
        SplitVideo().apply(table_of([film([(40, 1.0)])], video_end=[1]))
