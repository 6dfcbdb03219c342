"""Recordings at one rate, loudness and length, without silence, cut into clips, as spectra."""

import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.media import audio
from curate.steps import NormalizeLoudness, ResampleAudio, Spectrogram, SplitAudio, TrimSilence
from curate.transforms.media.sounds import loudness_lufs

RATE = 16_000


def tone(seconds, hz=440.0, level=0.3, rate=RATE, channels=1):
    t = np.arange(round(seconds * rate)) / rate
    return np.repeat(level * np.sin(2 * np.pi * hz * t)[None], channels, axis=0).astype(np.float32)


def silence(seconds, rate=RATE):
    return np.zeros((1, round(seconds * rate)), np.float32)


def media(samples, rate=RATE, kind="WAV"):
    return {"bytes": audio.encode(samples, rate, kind), "path": None}


def table_of(recordings, labels=None, **columns):
    labels = labels or (["a", "b"] * len(recordings))[: len(recordings)]
    roles = {name: name for name in columns if name in ("group", "split")}
    return curate.load(
        {"audio": recordings, "label": labels, **columns}, task=curate.Task(audio="audio", label="label", **roles)
    )


def decoded(table):
    return [audio.decode(value["bytes"]) for value in table.column("audio").to_pylist()]


def test_resampling_keeps_pitch_and_length_and_leaves_what_fits():
    table = table_of([media(tone(1.0, rate=44_100, channels=2), 44_100), media(tone(1.0))])
    made = ResampleAudio(rate=RATE).apply(table)
    first, second = decoded(made)
    assert (first.rate, first.channels, second.rate) == (RATE, 1, RATE)
    assert abs(first.seconds - 1.0) < 0.01
    assert abs(np.abs(np.fft.rfft(first.samples[0])).argmax() / first.seconds - 440) < 2
    assert made.column("audio")[1].as_py()["bytes"] == table.column("audio")[1].as_py()["bytes"]
    kept = decoded(ResampleAudio(rate=8_000, channels="keep", format="flac", bits=24).apply(table))
    assert (kept[0].channels, kept[0].rate) == (2, 8_000)
    assert kept[0].format.startswith("FLAC")


def test_silence_at_the_ends_goes_and_a_margin_stays():
    table = table_of([media(np.concatenate([silence(0.5), tone(1.0), silence(1.5)], axis=1)), media(silence(1.0))])
    first, second = decoded(TrimSilence(margin_seconds=0.1).apply(table))
    assert abs(first.seconds - 1.2) < 0.05
    assert second.seconds == 1.0
    assert abs(decoded(TrimSilence(where="start").apply(table))[0].seconds - 2.55) < 0.05
    assert abs(decoded(TrimSilence(where="end").apply(table))[0].seconds - 1.55) < 0.05


def test_long_pauses_are_shortened():
    given = np.concatenate([tone(1.0), silence(2.0), tone(1.0), silence(0.1), tone(0.5)], axis=1)
    [made] = decoded(TrimSilence(max_pause_seconds=0.4).apply(table_of([media(given)])))
    assert abs(made.seconds - (1.0 + 0.4 + 1.0 + 0.1 + 0.5)) < 0.05


@pytest.mark.parametrize(("by", "target"), [("lufs", -23.0), ("rms", -20.0), ("peak", -6.0)])
def test_loudness_becomes_one(by, target):
    table = table_of([media(tone(2.0, level=level)) for level in (0.02, 0.2, 0.5)] + [media(silence(1.0))])
    made = decoded(NormalizeLoudness(by=by, target_db=target).apply(table))
    for one in made[:3]:
        samples = one.samples
        level = {
            "lufs": lambda s=samples: loudness_lufs(s, RATE),
            "rms": lambda s=samples: 10 * np.log10(np.square(s).mean()),
            "peak": lambda s=samples: 20 * np.log10(np.abs(s).max()),
        }[by]()
        assert abs(level - target) < 0.2
    assert not made[3].samples.any()


def test_no_gain_drives_the_peak_over_its_bound():
    click = tone(1.0, level=0.01)
    click[0, 100] = 0.9
    [made] = decoded(NormalizeLoudness(target_db=-10.0).apply(table_of([media(click)])))
    assert 20 * np.log10(np.abs(made.samples).max()) <= -0.99


def test_a_tone_of_known_loudness():
    """A sine of 997 Hz at 0 dBFS has -3.01 LUFS (BS.1770)."""
    assert abs(loudness_lufs(tone(5.0, 997.0, 1.0, 48_000), 48_000) + 3.01) < 0.1


def test_windows_cover_everything_and_stay_with_their_recording():
    table = table_of([media(tone(25.0)), media(tone(3.0)), media(tone(10.5))])
    made = SplitAudio(seconds=10.0, min_seconds=2.0).apply(table)
    first, second, third = table.row_ids.tolist()
    assert made.row_ids.tolist() == [f"{first}#0", f"{first}#1", f"{first}#2", second, f"{third}#0", f"{third}#1"]
    assert made.parents.tolist() == [first] * 3 + [second] + [third] * 2
    assert [round(one.seconds, 2) for one in decoded(made)] == [10, 10, 5, 3, 10, 2]
    assert made.column("audio_start").to_pylist() == [0, 10, 20, 0, 0, 8.5]
    assert made.task.group == "audio_parent"
    assert len(set(made.groups.tolist())) == 3
    assert made.labels.codes.tolist() == [0, 0, 0, 1, 0, 0]
    assert SplitAudio(seconds=10.0, label="none").apply(table).labels.codes.tolist() == [-1, -1, -1, 1, -1, -1]


def test_overlapping_windows():
    made = SplitAudio(seconds=4.0, overlap_seconds=2.0).apply(table_of([media(tone(9.0))]))
    assert made.column("audio_start").to_pylist() == [0, 2, 4, 6]
    assert made.column("audio_end").to_pylist() == [4, 6, 8, 9]


def test_clips_end_in_pauses():
    words = [tone(1.0), silence(0.6), tone(1.5), silence(0.8), tone(2.0)]
    made = SplitAudio(by="pauses", seconds=3.0, min_seconds=0.5).apply(table_of([media(np.concatenate(words, axis=1))]))
    assert np.allclose(made.column("audio_start").to_pylist(), [0, 1.3, 3.5], atol=0.03)


def test_clips_weigh_as_much_as_their_recording():
    table = table_of([media(tone(20.0)), media(tone(3.0))])
    curated = curate.Pipeline([SplitAudio(seconds=5.0)]).run(table, cache=None)
    assert curated.plan["weight"].to_pylist() == [0.25] * 4 + [1.0]
    assert curated.accounts[0]["added"] == 3


def test_spectra_take_the_place_of_the_recording():
    table = table_of([media(tone(1.0, hz=hz)) for hz in (300.0, 3000.0)])
    made = Spectrogram(bands=40).apply(table)
    assert (made.task.series, made.task.audio) == ("spectrogram", None)
    spectra = [np.array(rows) for rows in made.column("spectrogram").to_pylist()]
    assert spectra[0].shape == (40, 101)
    assert spectra[0].mean(1).argmax() < 12 < 24 < spectra[1].mean(1).argmax()
    assert spectra[0].max() - spectra[0].min() <= 80.01
    assert (
        np.array(Spectrogram(scale="mfcc", coefficients=13).apply(table).column("spectrogram")[0].as_py()).shape[0]
        == 13
    )
    linear = np.array(Spectrogram(scale="linear", log=False).apply(table).column("spectrogram")[0].as_py())
    assert linear.shape[0] == 201
    assert abs(linear.mean(1).argmax() * RATE / 400 - 300) <= 40
    fixed = Spectrogram(seconds=2.0).apply(table).column("spectrogram").to_pylist()
    assert {np.array(rows).shape for rows in fixed} == {(64, 201)}


def test_a_pipeline_trains_on_spectra():
    table = table_of([media(tone(0.5, hz=200 + 100 * i)) for i in range(8)])
    curated = curate.Pipeline([Spectrogram(seconds=0.5, bands=32), "scale"]).run(table, cache=None)
    [batch] = list(curated.loader(batch_size=8))
    shapes = {name: tuple(value.shape) for name, value in batch.items() if hasattr(value, "shape")}
    assert (8, 32, 51) in shapes.values()


def test_what_can_not_be_read_stays_and_is_reported():
    table = table_of([media(tone(1.0)), {"bytes": b"RIFF no sound", "path": None}, media(tone(12.0))])
    for step in (ResampleAudio(rate=8_000), TrimSilence(), NormalizeLoudness(), SplitAudio(), Spectrogram()):
        made = step.apply(table)
        assert made.unreadable.sum() == 1, step.name
        assert made.problems["row"].to_pylist() == [1], step.name
        curated = curate.Pipeline([step]).run(table, cache=None)
        assert curated.accounts[0]["unreadable"] == 1, step.name


def test_settings_that_contradict_each_other():
    with pytest.raises(ConfigError, match=r"min_seconds is 1, and must be at most seconds \(0.5\)"):
        SplitAudio(seconds=0.5)
    with pytest.raises(ConfigError, match="overlap_seconds must be smaller"):
        SplitAudio(seconds=2.0, overlap_seconds=2.0)
    with pytest.raises(ConfigError, match="coefficients must be at most bands"):
        Spectrogram(scale="mfcc", bands=10)
    with pytest.raises(ConfigError, match="half the rate"):
        Spectrogram(max_hz=9_000)
    with pytest.raises(DataError, match="is there already"):
        SplitAudio().apply(table_of([media(tone(1.0))], audio_start=[1]))
    columns = {"audio": [media(tone(1.0))], "s": [[1.0, 2.0]], "label": ["a"]}
    table = curate.load(columns, task=curate.Task(audio="audio", series="s", label="label"))
    with pytest.raises(ConfigError, match="one already"):
        curate.Pipeline([Spectrogram()]).run(table, cache=None)


def test_a_run_that_changes_sound_is_saved_and_opened_again(tmp_path):
    table = table_of([media(tone(0.5)) for _ in range(4)])
    steps = [TrimSilence(), NormalizeLoudness(target_db=-20.0), ResampleAudio(rate=8_000)]
    curate.Pipeline(steps).run(table, out=tmp_path / "out", cache=False)
    assert curate.open(tmp_path / "out").pipeline.steps == tuple(steps)
