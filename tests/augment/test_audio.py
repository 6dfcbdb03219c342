import numpy as np
import pytest
from scipy import signal

from curate.augment.operations import build
from curate.errors import ConfigError
from curate.media.audio import encode_wav

RATE = 8000
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE))[None].astype(np.float32)


def done(name, samples=TONE, seed=0, **settings):
    operation = build("audio", {name: settings})
    return operation.apply((samples, RATE), operation.draw(np.random.default_rng(seed), (samples, RATE)))[0]


def power(samples):
    return float(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
def test_noise_has_the_drawn_ratio(colour, snr_db):
    noise = done("add_noise", min_snr_db=snr_db, max_snr_db=snr_db, colour=colour) - TONE
    assert 10 * np.log10(power(TONE) / power(noise)) == pytest.approx(snr_db, abs=0.3)


def test_pink_noise_falls_by_3_db_per_octave():
    quiet = np.full((1, 1 << 16), 1e-3, np.float32)
    levels = {}
    for colour in ("white", "pink"):
        noise = done("add_noise", quiet, min_snr_db=0, max_snr_db=0, colour=colour) - quiet
        frequency, density = signal.welch(noise[0], RATE, nperseg=2048)
        low, high = (density[(frequency > f) & (frequency < 2 * f)].mean() for f in (250, 1000))
        levels[colour] = 10 * np.log10(low / high)
    assert levels["white"] == pytest.approx(0, abs=0.5)
    assert levels["pink"] == pytest.approx(6, abs=1)


def test_gain_and_polarity_are_exact():
    np.testing.assert_allclose(done("gain", min_gain_db=-6, max_gain_db=-6), TONE * 10 ** (-6 / 20), rtol=1e-5)
    assert np.abs(done("gain", min_gain_db=40, max_gain_db=40)).max() == 1.0
    np.testing.assert_array_equal(done("polarity", p=1.0), -TONE)


def test_shift_and_mask():
    ramp = np.linspace(0.1, 0.9, 1000, dtype=np.float32)[None]
    for seed in range(10):
        moved = done("time_shift", ramp, seed, max_shift_fraction=0.3)
        assert 0 < (moved == 0).sum() <= 300
        rolled = done("time_shift", ramp, seed, max_shift_fraction=0.3, rollover=True)
        np.testing.assert_array_equal(np.sort(rolled), ramp)
        masked = done("time_mask", ramp, seed, max_length_fraction=0.4)
        assert 0 < (masked != ramp).sum() <= 401


def test_speed_changes_pitch_and_length():
    faster = done("speed", min_factor=2, max_factor=2)
    assert faster.shape[1] == pytest.approx(RATE / 2, abs=2)
    peak = np.argmax(np.abs(np.fft.rfft(faster[0]))) * RATE / faster.shape[1]
    assert peak == pytest.approx(880, abs=4)
    assert done("speed", min_factor=0.5, max_factor=0.5, keep_length=True).shape == TONE.shape


def test_filters_take_away_what_they_say():
    two = TONE + (0.3 * np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)).astype(np.float32)
    for name, gone, kept in (("low_pass", 3000, 440), ("high_pass", 440, 3000)):
        heard = done(name, two, min_cutoff_hz=1200, max_cutoff_hz=1200)
        spectrum = np.abs(np.fft.rfft(heard[0])) / np.abs(np.fft.rfft(two[0])).max()
        assert spectrum[gone] < 0.2
        assert spectrum[kept] > 0.9


def test_clipping_cuts_no_more_than_the_drawn_share():
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 5000)).astype(np.float32)
    clipped = done("clip", noise, max_clipped_fraction=0.2)
    share = (np.abs(clipped) >= np.abs(clipped).max()).mean()
    assert 0 < share <= 0.201
    np.testing.assert_array_equal(
        clipped[np.abs(noise) < np.abs(clipped).max()], noise[np.abs(noise) < np.abs(clipped).max()]
    )


def peak_hz(samples, rate=RATE):
    return np.abs(np.fft.rfft(samples[0])).argmax() * rate / samples.shape[1]


@pytest.mark.parametrize("semitones", [-7, -2, 3, 12])
def test_pitch_moves_and_length_stays(semitones):
    heard = done("pitch_shift", min_semitones=semitones, max_semitones=semitones)
    assert heard.shape == TONE.shape
    assert peak_hz(heard) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_stretching_keeps_pitch(factor):
    heard = done("time_stretch", min_factor=factor, max_factor=factor)
    assert heard.shape[1] == pytest.approx(RATE / factor, abs=2)
    assert peak_hz(heard) == pytest.approx(440, rel=0.01)
    assert power(heard) == pytest.approx(power(TONE), rel=0.15)
    assert done("time_stretch", min_factor=factor, max_factor=factor, keep_length=True).shape == TONE.shape


def test_a_stretched_pitch_shift_is_torchaudios():
    """The same vocoder: a shift of torchaudio and ours have their energy at the same places."""
    from curate.media.torch_audio import torchaudio

    theirs = torchaudio("tests").functional
    import torch

    music = sum(0.1 * np.sin(2 * np.pi * hz * np.arange(2 * RATE) / RATE) for hz in (220, 330, 550))[None].astype(
        np.float32
    )
    ours = done("pitch_shift", music, min_semitones=4, max_semitones=4)
    reference = theirs.pitch_shift(torch.from_numpy(music), RATE, 4).numpy()
    spectra = [np.abs(np.fft.rfft(one[0])) for one in (ours, reference)]
    tops = [sorted(np.argsort(spectrum)[-3:] * RATE / (2 * RATE)) for spectrum in spectra]
    np.testing.assert_allclose(tops[0], tops[1], atol=3)


def test_crop_keeps_a_stretch():
    ramp = np.linspace(0.1, 0.9, RATE, dtype=np.float32)[None]
    starts = set()
    for seed in range(8):
        kept = done("crop", ramp, seed, seconds=0.25)
        assert kept.shape == (1, RATE // 4)
        assert np.allclose(np.diff(kept[0]), np.diff(ramp[0])[0], atol=1e-6)
        starts.add(round(float(kept[0, 0]), 4))
    assert len(starts) == 8
    np.testing.assert_array_equal(done("crop", ramp, seconds=3), ramp)


def test_bands_and_equalisers():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (1, 4 * RATE)).astype(np.float32)

    def level(samples, low, high):
        frequency, density = signal.welch(samples[0], RATE, nperseg=1024)
        return 10 * np.log10(density[(frequency > low) & (frequency < high)].mean())

    fixed = {"min_centre_hz": 1000, "max_centre_hz": 1000}
    kept = done("band_pass", noise, **fixed, octaves=1)
    gone = done("band_stop", noise, **fixed, octaves=1)
    assert level(kept, 900, 1100) > level(noise, 900, 1100) - 1.5
    assert level(kept, 100, 300) < level(noise, 100, 300) - 20
    assert level(gone, 950, 1050) < level(noise, 950, 1050) - 20
    assert level(gone, 100, 300) > level(noise, 100, 300) - 1.5
    operation = build("audio", {"equalize": {"octaves": 1.0}})
    heard = operation.apply((noise, RATE), {"bands": [[1000.0, 6.0], [200.0, -6.0]]})[0]
    assert level(heard, 980, 1020) - level(noise, 980, 1020) == pytest.approx(6, abs=0.7)
    assert level(heard, 195, 205) - level(noise, 195, 205) == pytest.approx(-6, abs=1.5)


def test_reverberation_rings_on_at_the_same_loudness():
    click = np.zeros((1, RATE), np.float32)
    click[0, 100] = 0.5
    heard = done("reverb", click, min_wet=0.5, max_wet=0.5, min_seconds=0.5, max_seconds=0.5)
    assert np.abs(heard[0]).argmax() == 100
    assert np.abs(heard[0, :100]).max() < 1e-4
    early, late = (np.square(heard[0, a:b]).mean() for a, b in ((200, 600), (2200, 2600)))
    assert 10 * np.log10(early / late) == pytest.approx(60 * 0.25 / 0.5, abs=8)
    loud = done("reverb", TONE, min_wet=1.0, max_wet=1.0)
    assert power(loud) == pytest.approx(power(TONE), rel=0.05)


def test_echo_comes_after_its_delay():
    click = np.zeros((1, RATE), np.float32)
    click[0, 100] = 0.5
    heard = build("audio", "echo").apply((click, RATE), {"delay": 0.25, "level": 0.4})[0]
    assert heard[0, 100] == 0.5
    assert heard[0, 100 + RATE // 4] == pytest.approx(0.2)


def test_recordings_of_noise_and_rooms(tmp_path):
    for name, hz in (("a", 1500), ("b", 2500)):
        tone = np.sin(2 * np.pi * hz * np.arange(4 * RATE) / (2 * RATE))[None].astype(np.float32) * 0.5
        (tmp_path / f"{name}.wav").write_bytes(encode_wav(tone, 2 * RATE))
    heard = {
        round(peak_hz(done("background_noise", seed=seed, folder=str(tmp_path), min_snr_db=-20, max_snr_db=-20)), -2)
        for seed in range(12)
    }
    assert heard == {1500, 2500}
    noise = done("background_noise", folder=str(tmp_path), min_snr_db=10, max_snr_db=10) - TONE
    assert 10 * np.log10(power(TONE) / power(noise)) == pytest.approx(10, abs=0.3)
    room = np.zeros((1, 2 * RATE), np.float32)
    room[0, [50, 2050]] = 0.9, 0.5
    (tmp_path / "room.wav").write_bytes(encode_wav(room, 2 * RATE))
    click = np.zeros((1, RATE), np.float32)
    click[0, 100] = 0.5
    wet = done("reverb", click, folder=str(tmp_path / "room.wav"), min_wet=1.0, max_wet=1.0)
    assert np.abs(wet[0]).argsort()[-1] == 100
    assert np.abs(wet[0, 1050:1150]).argmax() + 1050 == pytest.approx(1100, abs=1)
    with pytest.raises(ConfigError, match="no file or folder"):
        build("audio", {"background_noise": {"folder": str(tmp_path / "nothing")}})
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no recording"):
        build("audio", {"reverb": {"folder": str(tmp_path / "empty")}})


@pytest.mark.parametrize("codec", ["mp3", "aac", "opus"])
def test_codecs_lose_little_of_a_tone_and_keep_its_length(codec):
    heard = done("lossy_codec", codecs=[codec], min_kbps=32, max_kbps=32)
    assert heard.shape == TONE.shape
    assert not np.array_equal(heard, TONE)
    assert peak_hz(heard) == pytest.approx(440, abs=2)
    assert power(heard) == pytest.approx(power(TONE), rel=0.25)
    stereo = np.repeat(np.repeat(TONE, 2, axis=0), 2, axis=1)
    assert done("lossy_codec", stereo, codecs=[codec], min_kbps=64, max_kbps=64).shape == stereo.shape


def test_a_telephone_keeps_its_band_alone():
    rate = 16_000
    t = np.arange(rate) / rate
    given = sum(0.1 * np.sin(2 * np.pi * hz * t) for hz in (100, 1000, 5000))[None].astype(np.float32)
    operation = build("audio", "telephone")
    heard = operation.apply((given, rate), {})[0]
    spectrum = np.abs(np.fft.rfft(heard[0])) / np.abs(np.fft.rfft(given[0])).max()
    assert heard.shape == given.shape
    assert spectrum[1000] > 0.8
    assert spectrum[[100, 5000]].max() < 0.1


def test_bits_clicks_and_channels():
    steps = np.unique(done("bits", min_bits=4, max_bits=4))
    assert len(steps) <= 16
    clicked = done("clicks", max_per_second=20) != TONE
    assert 0 < clicked.sum() <= 20 * 3
    two = np.concatenate([TONE, -0.5 * TONE])
    np.testing.assert_array_equal(done("swap_channels", two), two[::-1])
    assert sorted(np.abs(done("swap_channels", two, silence=True)).max(1) > 0) == [False, True]


def test_at_no_strength_nothing_is_done():
    for name in (
        "gain",
        "add_noise",
        "pitch_shift",
        "time_stretch",
        "speed",
        "equalize",
        "reverb",
        "echo",
        "time_shift",
    ):
        operation = build("audio", name).at(0.0)
        heard = operation.apply((TONE, RATE), operation.draw(np.random.default_rng(0), (TONE, RATE)))[0]
        assert heard.shape == TONE.shape
        assert operation.p == 0 or np.abs(heard - TONE).max() < 0.02, name
