"""Noise and bandwidth of a recording, from its short-time spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from curate.evidence.measure import Measure
from curate.media.item import Audio

WINDOW_SECONDS = 0.032
LONGEST_WINDOW_SECONDS = 0.064
FRAMES = 128
SMOOTHED_BINS = 3
QUIET_PERCENT = 5.0
FLOOR_PERCENT = 20.0
FLOOR_SPAN = 0.15
LOWEST_SNR_DB = -10.0
HIGHEST_SNR_DB = 80.0
BANDS = 64
EDGE_BANDS = 4
SHALLOWEST_EDGE_DB = 6.0
LOWEST_EDGE_HZ = 1_500.0
"""No recording is made at less than 3 kHz; what ends below is a low sound."""


class AudioSpectrum(Measure):
    """Signal-to-noise ratio and bandwidth of the mean of the channels.

    snr_db: power of the whole over that of its steady broadband floor, in dB from -10 to 80, NaN in silence. The floor
    is, per frequency, what the power falls to at its quietest moments (minimum statistics; Martin, 2001), and over
    neighbouring frequencies what lies between lines, so that steady tones are no noise. bandwidth_hz: the frequency
    above which nothing is left but a flat floor, half the rate where there is no such edge. band_edge_db: how deep the
    spectrum falls at that edge, 0 where there is none.
    """

    name = "audio.spectrum"
    modality = "audio"
    parameters = {
        "window_seconds": [WINDOW_SECONDS, LONGEST_WINDOW_SECONDS],
        "frames": FRAMES,
        "floor": [SMOOTHED_BINS, QUIET_PERCENT, FLOOR_PERCENT, FLOOR_SPAN],
    }
    libraries = ("scipy",)
    fields = {
        "audio.snr_db": ("float32", ()),
        "audio.bandwidth_hz": ("float32", ()),
        "audio.band_edge_db": ("float32", ()),
    }

    def measure(self, items: Sequence[Audio]) -> dict[str, np.ndarray]:
        """Values of n clips."""
        values = np.array([_row(item) for item in items])
        return dict(zip(self.fields, values.T))


def _row(item: Audio) -> tuple[float, float, float]:
    mono = item.samples[0] if item.channels == 1 else item.samples.mean(0)
    power = spectrogram(mono - mono.mean(dtype=np.float64).astype(np.float32), item.rate)
    bandwidth, edge = bandwidth_hz(power, item.rate)
    return snr_db(power), bandwidth, edge


def spectrogram(mono: np.ndarray, rate: int) -> np.ndarray:
    """(n,) samples -> (frames, bins) float32 power of up to 128 evenly spaced windows.

    Windows are 32 ms, and up to 64 ms (a fortieth of the clip) in longer ones, where tones can be told apart.
    """
    from scipy.fft import rfft

    seconds = min(max(len(mono) / rate / 40, WINDOW_SECONDS), LONGEST_WINDOW_SECONDS)
    size = min(1 << max(5, round(np.log2(seconds * rate))), len(mono))
    count = max(1, min(FRAMES, 2 * len(mono) // size - 1))
    starts = np.linspace(0, len(mono) - size, count).astype(np.int64)
    loudest = max(float(np.abs(mono).max(initial=0.0)), 1.0)  # floats beyond full scale must not overflow
    window = np.hanning(size + 2)[1:-1].astype(np.float32)
    frames = (mono / np.float32(loudest))[starts[:, None] + np.arange(size)] * window
    return np.abs(np.asarray(rfft(frames, axis=1))) ** 2


def snr_db(power: np.ndarray) -> float:
    """(frames, bins) power -> dB; NaN where there is no power or too little of it to tell (under 3 frames, 8 bins)."""
    frames, bins = power.shape
    total = float(power.sum(dtype=np.float64)) / frames
    if frames < 3 or bins < 8 or total <= 0:
        return float("nan")
    noise = min(broadband_floor(power).sum(), total)
    signal = max(total - noise, 10 ** (LOWEST_SNR_DB / 10) * noise)
    return float(np.clip(10 * np.log10(signal / max(noise, 1e-12 * total)), LOWEST_SNR_DB, HIGHEST_SNR_DB))


def broadband_floor(power: np.ndarray) -> np.ndarray:
    """(frames, bins) power -> (bins,) power of the steady noise below whatever else there is."""
    return _uncorrected_floor(power) / _bias(power.shape[0])


def _uncorrected_floor(power: np.ndarray) -> np.ndarray:
    padded = np.concatenate([power[:, :1], power, power[:, -1:]], axis=1)
    smooth = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    rank = int(QUIET_PERCENT / 100 * (len(smooth) - 1))
    quiet = np.partition(np.ascontiguousarray(smooth.T), rank, axis=1)[:, rank] / SMOOTHED_BINS
    # Between lines: a low percentile of each stretch of neighbouring bins, on straight lines from one to the next.
    bins = len(quiet)
    span = max(SMOOTHED_BINS, round(FLOOR_SPAN * bins))
    starts = np.unique(np.linspace(0, bins - span, round(4 / FLOOR_SPAN)).astype(np.int64))
    stretches = np.sort(quiet[starts[:, None] + np.arange(span)], axis=1)
    return np.interp(np.arange(bins), starts + (span - 1) / 2, stretches[:, round(FLOOR_PERCENT / 100 * (span - 1))])


@cache
def _bias(frames: int) -> float:
    """What the floor of white noise of power 1 comes out as in that many frames, by simulation."""
    noise = np.random.default_rng(0).normal(size=(frames + 1) * 128).astype(np.float32)
    power = _half_overlapping(noise)
    return float(_uncorrected_floor(power).mean() / power.mean())


def _half_overlapping(noise: np.ndarray) -> np.ndarray:
    """(frames + 1) * 128 samples -> (frames, 129) power."""
    blocks = noise.reshape(-1, 128)
    frames = np.concatenate([blocks[:-1], blocks[1:]], axis=1) * np.hanning(258)[1:-1]
    return np.abs(np.fft.rfft(frames, axis=1)) ** 2


def bandwidth_hz(power: np.ndarray, rate: int) -> tuple[float, float]:
    """(frames, bins) power -> the edge of the band in Hz and its depth in dB; (rate / 2, 0) where there is none.

    At an edge the spectrum falls from a filled band (what a quarter of its frequencies, and a fifth of the octave, stay
    below) to a floor that nothing above exceeds. A slope is no edge, nor is the highest of some tones.
    """
    bins, nyquist = power.shape[1], rate / 2
    if bins < BANDS or power.sum() <= 0:
        return nyquist, 0.0
    bounds = np.linspace(0, bins, BANDS + 1).astype(np.int64)[:-1]
    mean = power.mean(0, dtype=np.float64)
    level = 10 * np.log10(np.maximum(mean, 1e-14 * mean.max()))
    between = np.array([np.sort(part)[len(part) // 4] for part in np.split(level, bounds[1:])])
    highest_above = np.maximum.accumulate(np.maximum.reduceat(level, bounds)[::-1])[::-1]
    edges = np.arange(max(8, int(np.ceil(LOWEST_EDGE_HZ / nyquist * BANDS))), BANDS - EDGE_BANDS)
    if not len(edges):
        return nyquist, 0.0
    filled = np.array([np.sort(between[k // 2 : k])[(k - k // 2) // 5] for k in edges])
    depth = filled - highest_above[edges + EDGE_BANDS]
    best = int(depth.argmax())
    if depth[best] < SHALLOWEST_EDGE_DB:
        return nyquist, 0.0
    return float(edges[best] / BANDS * nyquist), float(depth[best])
