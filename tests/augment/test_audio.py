import numpy as np
import pytest
from scipy import signal

from curate.augment.operations import build

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
