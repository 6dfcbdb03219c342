"""Audio without a model: log-mel picture, cepstral statistics, and their change over time."""

from __future__ import annotations

from functools import cache

import numpy as np

from curate.evidence.measure import Measure
from curate.media.audio import factors

RATE = 16_000
WINDOW, HOP, BANDS = 400, 160, 40
COEFFICIENTS = 20
SLOTS = 16
MOST_SECONDS = 120
QUIETEST_DB = -80.0
TRIM_DB = -45.0
"""Frames at both ends that are so much quieter than the loudest are cut off."""
SIZES = (BANDS * SLOTS, COEFFICIENTS * SLOTS, COEFFICIENTS * 6, BANDS * 2, 4)
DIMENSIONS = sum(SIZES)


def audio_descriptor(samples: np.ndarray, rate: int) -> np.ndarray:
    """(channels, n) float32 samples -> (d,) float32.

    Parts: the log-mel picture, its time stretched to 16 slots and its mean level taken off; the same of 20
    mel-frequency cepstral coefficients (Davis, Mermelstein, 1980); mean, deviation and quartile spread of the
    coefficients and of their changes; mean and deviation of each band; length, share of loud frames, level.
    """
    frames = log_mel(_mono(samples, rate))
    level = frames.mean(1)
    loud = np.flatnonzero(level > level.max() + TRIM_DB * np.log(10) / 10)
    frames = frames[loud[0] : loud[-1] + 1]
    cepstrum = frames @ _cosines().T
    change = np.diff(cepstrum, axis=0) if len(cepstrum) > 1 else np.zeros_like(cepstrum)
    slots = _stretched(frames, SLOTS)
    statistics = [_spread(cepstrum), _spread(change)]
    shape = [np.log(len(frames)), len(loud) / len(level), level.mean() / 10, level.std()]
    parts = [
        (slots - slots.mean()).ravel(),
        (_stretched(cepstrum, SLOTS) - cepstrum.mean(0)).ravel(),
        np.concatenate(statistics).ravel(),
        np.concatenate([frames.mean(0) - frames.mean(), frames.std(0)]),
        np.array(shape),
    ]
    return np.concatenate(parts).astype(np.float32)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """(n,) samples at 16 kHz -> (t, 40) natural logarithm of the power in mel bands, with a floor of -80 dB."""
    if len(samples) < WINDOW:
        samples = np.pad(samples, (0, WINDOW - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), 512, axis=1)) ** 2
    power = spectrum.astype(np.float32) @ _mel_bands().T
    return np.log(np.maximum(power, max(float(power.max()), 1e-9) * 10 ** (QUIETEST_DB / 10)))


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """(n,) samples at another rate, float32."""
    from scipy.signal import resample_poly

    changed = samples if rate == wanted else resample_poly(samples, *factors(rate, wanted))
    return np.asarray(changed, dtype=np.float32)


def _mono(samples: np.ndarray, rate: int) -> np.ndarray:
    if not samples.size:
        return np.zeros(WINDOW, dtype=np.float32)
    return resampled(samples[:, : int(MOST_SECONDS * rate)].mean(0), rate, RATE)


@cache
def _mel_bands() -> np.ndarray:
    """(40, 257) triangular bands, evenly spaced on the mel scale from 60 Hz to 7,600 Hz."""
    low, high = 1127 * np.log1p(np.array([60, 7600]) / 700)
    mel = np.linspace(low, high, BANDS + 2)
    edges = 700 * np.expm1(mel / 1127)
    hertz = np.linspace(0, RATE / 2, 257)
    rising = (hertz[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz[None]) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@cache
def _cosines() -> np.ndarray:
    """(20, 40) orthonormal discrete cosine transform, without the coefficient of the level."""
    band = np.arange(BANDS)
    order = np.arange(1, COEFFICIENTS + 1)
    return (np.sqrt(2 / BANDS) * np.cos(np.pi * order[:, None] * (band[None] + 0.5) / BANDS)).astype(np.float32)


def _stretched(frames: np.ndarray, slots: int) -> np.ndarray:
    """(t, c) -> (slots, c): means over equal stretches of time, by interpolation of the running sum."""
    total = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
    edges = np.linspace(0, len(frames), slots + 1)
    low = np.minimum(edges.astype(np.int64), len(frames) - 1)
    at = total[low] + (edges - low)[:, None] * (total[low + 1] - total[low])
    return np.diff(at, axis=0) * (slots / len(frames))


def _spread(values: np.ndarray) -> np.ndarray:
    quartiles = np.quantile(values, [0.25, 0.75], axis=0)
    return np.concatenate([values.mean(0), values.std(0), quartiles[1] - quartiles[0]])


class AudioDescriptors(Measure):
    """The descriptor of every recording."""

    name = "encoder.audio_descriptors"
    version = 2
    modality = "audio"
    fields = {"encoder.audio_descriptors": ("float32", (DIMENSIONS,))}

    def measure(self, items: list) -> dict[str, np.ndarray]:
        """Descriptors of a chunk of `curate.media.item.Audio`."""
        return {"encoder.audio_descriptors": np.stack([audio_descriptor(i.samples, i.rate) for i in items])}
