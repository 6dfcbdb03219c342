"""Measures of audio: length, level, clipping, silence, and where in the spectrum the energy lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curate.evidence.measure import Measure
from curate.media.item import Audio

FRAME_SECONDS = 0.025
SILENCE_DB = -60.0
FLOOR_DB = -120.0
CLIPPED = 0.999
SPECTRUM_FRAMES = 256
SPECTRUM_SAMPLES = 1_024


class AudioStatistics(Measure):
    """Statistics of the waveform and of its mean spectrum. Levels are in dB of full scale, at least -120.

    clipped_fraction: samples at 0.999 of full scale or beyond. silent_fraction: 25 ms frames below -60 dB.
    level_range_db: from the 10th to the 95th percentile of the frames' levels, a floor for the signal-to-noise ratio.
    zero_crossing_rate: sign changes per sample. centroid_hz, rolloff_hz: mean of the power spectrum, and the frequency
    below which 95 % of it lies; both NaN in silence.
    """

    name = "audio.statistics"
    version = 2
    modality = "audio"
    libraries = ("scipy",)
    parameters = {
        "frame_seconds": FRAME_SECONDS,
        "silence_db": SILENCE_DB,
        "clipped": CLIPPED,
        "spectrum": [SPECTRUM_FRAMES, SPECTRUM_SAMPLES],
    }
    fields = {
        "audio.seconds": ("float32", ()),
        "audio.rate_hz": ("int32", ()),
        "audio.channels": ("int32", ()),
        "audio.format": ("str", ()),
        "audio.rms_db": ("float32", ()),
        "audio.peak": ("float32", ()),
        "audio.clipped_fraction": ("float32", ()),
        "audio.dc_offset": ("float32", ()),
        "audio.silent_fraction": ("float32", ()),
        "audio.level_range_db": ("float32", ()),
        "audio.zero_crossing_rate": ("float32", ()),
        "audio.centroid_hz": ("float32", ()),
        "audio.rolloff_hz": ("float32", ()),
        "audio.non_finite_fraction": ("float32", ()),
    }

    def measure(self, items: Sequence[Audio]) -> dict[str, np.ndarray]:
        """Values of n clips."""
        rows = [self._row(item) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}

    def _row(self, item: Audio) -> dict[str, float | str]:
        samples = item.samples
        levels = frame_levels_db(samples, item.rate)
        mono = samples[0] if item.channels == 1 else samples.mean(0)
        centroid, rolloff = spectrum_shape(mono, item.rate)
        low, high = np.percentile(levels, [10, 95])
        return {
            "seconds": item.seconds,
            "rate_hz": item.file_rate,
            "channels": item.channels,
            "format": item.format,
            "rms_db": float(decibels(np.einsum("ij,ij->", samples, samples, dtype=np.float64) / samples.size)),
            "peak": float(max(samples.max(), -samples.min())),
            "clipped_fraction": np.count_nonzero(np.abs(samples) >= CLIPPED) / samples.size,
            "dc_offset": float(samples.mean(dtype=np.float64)),
            "silent_fraction": float((levels < SILENCE_DB).mean()),
            "level_range_db": float(high - low),
            "zero_crossing_rate": np.count_nonzero(np.diff(np.signbit(mono))) / max(len(mono) - 1, 1),
            "centroid_hz": centroid,
            "rolloff_hz": rolloff,
            "non_finite_fraction": item.non_finite / samples.size,
        }


def decibels(power: float | np.ndarray) -> np.ndarray:
    """Mean square (full scale 1) -> dB of full scale, at least -120."""
    return 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))


def frame_levels_db(samples: np.ndarray, rate: int) -> np.ndarray:
    """(channels, n) -> (frames,) float64 level of each 25 ms, over all channels; a rest at the end counts too."""
    size = max(1, min(round(rate * FRAME_SECONDS), samples.shape[1]))
    whole = samples.shape[1] // size * size
    frames = samples[:, :whole].reshape(samples.shape[0], -1, size)
    power = np.einsum("cfs,cfs->f", frames, frames, dtype=np.float64) / (size * samples.shape[0])
    rest = samples[:, whole:].astype(np.float64)
    return decibels(np.append(power, np.mean(rest**2)) if rest.size else power)


def spectrum_shape(mono: np.ndarray, rate: int) -> tuple[float, float]:
    """Centroid and 95 % roll-off in Hz of the mean power spectrum of up to 256 evenly spaced frames; NaN in silence."""
    from scipy.fft import rfft  # takes several frames at once, which numpy's does not

    size = min(SPECTRUM_SAMPLES, len(mono))
    count = min(SPECTRUM_FRAMES, max(1, len(mono) // max(size, 1)))
    starts = np.linspace(0, len(mono) - size, count).astype(np.int64)
    loudest = max(float(np.abs(mono).max(initial=0.0)), 1.0)  # floats beyond full scale must not overflow
    frames = mono[starts[:, None] + np.arange(size)] * (np.hanning(size + 2)[1:-1] / loudest).astype(np.float32)
    spectrum: Any = rfft(frames, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).mean(0, dtype=np.float64)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    total = power.sum()
    if total * loudest**2 <= 1e-20:
        return float("nan"), float("nan")
    rolloff = hertz[(np.cumsum(power) >= 0.95 * total * (1 - 1e-12)).argmax()]
    return float(power @ hertz / total), float(rolloff)
