"""Fingerprints of audio that outlive loudness, sample rate, lossy coding and silence at the ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from curate.evidence.measure import Measure
from curate.media.audio import resample
from curate.media.item import Audio

RATE = 8_000
WINDOW, HOP, SPECTRUM = 256, 80, 1_024
LOW_HZ, HIGH_HZ, BANDS = 120.0, 3_500.0, 33
FLOOR_DB, TRIM_DB = 35.0, 30.0
"""Below the loudest moment: what is quieter counts as nothing, and at both ends is cut off."""
STEP, CLEAR_DB = 3, 2.0
"""A band rises against the next one if it does so by two decibels within three frames of 10 ms."""
FRAMES, PARTS = 320, 4
"""Frames that are kept: all of the clip, or of a longer one four parts, evenly spaced from its start to its end."""
LEAST_FRAMES = 5
MOST_SECONDS = 300
SLOTS, SLOT_DB, KEYS = 24, 0.5, 64
TIME_BITS, BAND_BITS = 10, 4
KEY_BITS = TIME_BITS + BAND_BITS


class AudioPrints(Measure):
    """Which bands of the spectrum rise or fall against their neighbours, every 10 ms, and keys to look clips up by.

    print_rise, print_fall: bit b of word t says that the level of band b against band b + 1 rose (fell) by more than
    2 dB within 30 ms. print_frames: frames of 10 ms between the silence at both ends; 0 if the clip is silent or
    shorter than 0.1 s. print_profile: mean level of the 33 bands from 120 to 3,500 Hz, in dB above the quietest.
    print_keys: 64 times ten random bits of a picture of the clip in 24 slots of time, and four of its mean spectrum.

    Source: Haitsma, Kalker, A Highly Robust Audio Fingerprinting System, 2002, with shorter frames for short clips.
    """

    name = "audio.prints"
    version = 2
    modality = "audio"
    parameters = {
        "spectrum": [RATE, WINDOW, HOP, LOW_HZ, HIGH_HZ, BANDS],
        "levels": [FLOOR_DB, TRIM_DB, CLEAR_DB, STEP],
        "frames": [FRAMES, PARTS, LEAST_FRAMES, MOST_SECONDS],
        "keys": [SLOTS, SLOT_DB, KEYS, TIME_BITS, BAND_BITS],
    }
    libraries = ("scipy", "soxr")
    fields = {
        "audio.print_rise": ("uint32", (FRAMES,)),
        "audio.print_fall": ("uint32", (FRAMES,)),
        "audio.print_frames": ("int32", ()),
        "audio.print_profile": ("uint8", (BANDS,)),
        "audio.print_keys": ("uint16", (KEYS,)),
    }

    def measure(self, items: Sequence[Audio]) -> dict[str, np.ndarray]:
        """Values of n clips."""
        rows = [fingerprint(item.samples, item.rate) for item in items]
        return {field: np.array([row[place] for row in rows]) for place, field in enumerate(self.fields)}


def fingerprint(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.int32, np.ndarray, np.ndarray]:
    """(channels, n) float32 samples -> the fields of `AudioPrints`, in their order."""
    levels = band_levels(samples, rate)
    nothing = np.zeros(FRAMES, dtype=np.uint32)
    if len(levels) < LEAST_FRAMES + STEP:
        return nothing, nothing, np.int32(0), np.zeros(BANDS, np.uint8), np.zeros(KEYS, np.uint16)
    slope = levels[:, :-1] - levels[:, 1:]
    change = slope[STEP:] - slope[:-STEP]
    kept = change[kept_frames(len(change))]
    mean = levels.mean(0)
    profile = np.round(mean - mean.min()).clip(0, 255).astype(np.uint8)
    return _packed(kept > CLEAR_DB), _packed(kept < -CLEAR_DB), np.int32(len(change)), profile, _keys(slope)


def band_levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """(channels, n) float32 samples -> (t, 33) float32 level of each band in dB, silence at the ends cut off; (0, 33)
    for silence."""
    samples = samples[:, : MOST_SECONDS * rate]
    mono = samples.mean(0, keepdims=True)
    if np.square(mono).sum() * len(samples) < 0.01 * np.square(samples).sum():  # channels that cancel each other
        mono = samples[:1]
    mono = (mono if rate == RATE else resample(mono, rate, RATE))[0]
    mono = np.pad(mono, (WINDOW // 2, WINDOW // 2))
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)[::HOP]
    power = np.concatenate([_band_power(frames[first : first + 4_096]) for first in range(0, len(frames), 4_096)])
    loudness = power.sum(1)
    most = float(loudness.max(initial=0.0))
    if most <= 1e-12:
        return np.zeros((0, BANDS), dtype=np.float32)
    loud = np.flatnonzero(loudness > most * 10 ** (-TRIM_DB / 10))
    power = power[loud[0] : loud[-1] + 1]
    return 10 * np.log10(power / power.max() + np.float32(10 ** (-FLOOR_DB / 10)))


def kept_frames(length: int) -> np.ndarray:
    """(m,) int64 places of the frames that are kept of a clip of `length` frames; m is at most 320."""
    if length <= FRAMES:
        return np.arange(length)
    size = FRAMES // PARTS
    starts = np.round(np.linspace(0, length - size, PARTS)).astype(np.int64)
    return (starts[:, None] + np.arange(size)).ravel()


def _band_power(frames: np.ndarray) -> np.ndarray:
    from scipy.fft import rfft  # takes several frames at once, which numpy's does not

    spectrum: Any = rfft(frames * np.hanning(WINDOW + 1)[:-1].astype(np.float32), SPECTRUM, axis=1)
    return (spectrum.real**2 + spectrum.imag**2) @ _bands()


def _packed(bits: np.ndarray) -> np.ndarray:
    """(m, 32) bool -> (320,) uint32, zeros from m on."""
    words = np.zeros(FRAMES, dtype=np.uint32)
    words[: len(bits)] = np.packbits(bits, axis=1, bitorder="little").view(np.uint32).ravel()
    return words


def _keys(slope: np.ndarray) -> np.ndarray:
    """(t, 32) levels of bands against the next -> (64,) uint16 of ten random bits of its picture in 24 slots of time,
    and four that say which bands are louder than the next all the time."""
    edges = np.linspace(0, len(slope), SLOTS + 1)
    total = np.concatenate([np.zeros((1, slope.shape[1])), np.cumsum(slope, axis=0, dtype=np.float64)])
    low = np.minimum(edges.astype(np.int64), len(total) - 2)
    at = total[low] + (total[low + 1] - total[low]) * (edges - low)[:, None]
    picture = np.diff(at, axis=0) / np.diff(edges)[:, None]
    usual = np.median(picture, axis=0)
    over_time, over_bands = (picture - usual > SLOT_DB).ravel(), usual > CLEAR_DB
    rng = np.random.default_rng(0)
    moments = over_time[rng.integers(0, over_time.size, (KEYS, TIME_BITS))]
    bands = over_bands[rng.integers(0, over_bands.size, (KEYS, BAND_BITS))]
    return (np.concatenate([moments, bands], axis=1) @ (1 << np.arange(KEY_BITS))).astype(np.uint16)


@cache
def _bands() -> np.ndarray:
    """(513, 33) float32 weights of overlapping triangular bands, evenly spaced in log-frequency, each summing to 1."""
    hertz = np.log(np.maximum(np.fft.rfftfreq(SPECTRUM, 1 / RATE), 1.0))
    middle = np.linspace(np.log(LOW_HZ), np.log(HIGH_HZ), BANDS)
    width = 1.2 * (middle[1] - middle[0])
    weights = np.maximum(0.0, 1 - np.abs(hertz[:, None] - middle[None]) / width)
    return (weights / weights.sum(0)).astype(np.float32)
