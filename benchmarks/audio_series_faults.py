"""Faults to plant in real recordings and series, by the issue that ought to find them."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

Wave = np.ndarray
AudioFault = Callable[[Wave, int, np.random.Generator], bytes]
SeriesFault = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def encoded(samples: Wave, rate: int, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    """(n,) or (channels, n) samples as the bytes of an audio file."""
    import soundfile

    out = BytesIO()
    soundfile.write(out, np.atleast_2d(samples).T, rate, format=kind, subtype=subtype)
    return out.getvalue()


def recordings(folder: Path) -> list[tuple[Wave, int]]:
    """The mono WAV files of a folder, in the order of their names."""
    import soundfile

    return [soundfile.read(path, dtype="float32") for path in sorted(folder.glob("*.wav"))]


def to_stereo(wave: Wave, rng: np.random.Generator) -> Wave:
    """(n,) -> (2, n): the second channel is later, weaker and a little noisy, as from a second microphone."""
    late = int(rng.integers(1, 6))
    second = 0.8 * np.concatenate([np.zeros(late, np.float32), wave[:-late]])
    return np.stack([wave, second + rng.normal(0, 1e-3, len(wave)).astype(np.float32)])


def normalised(wave: Wave) -> Wave:
    """The same with its peak at full scale."""
    return wave / max(float(np.abs(wave).max()), 1e-9)


def silenced(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """Zeros, or what is left after 80 dB less gain."""
    return encoded(wave * (0.0 if rng.random() < 0.5 else 1e-4), rate, "PCM_24")


def padded(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """Followed by silence, 5 to 10 times its length."""
    return encoded(np.concatenate([wave, np.zeros(int(len(wave) * rng.uniform(5, 10)), np.float32)]), rate)


def clipped(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """5 % of the samples cut off at full scale."""
    return encoded(np.clip(wave / max(np.quantile(np.abs(wave), 0.95), 1e-4), -1, 1), rate)


def clipped_and_scaled(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """10 % of the samples cut off, then scaled down."""
    loud = np.clip(wave / max(np.quantile(np.abs(wave), 0.9), 1e-4), -1, 1)
    return encoded(loud * rng.uniform(0.2, 0.9), rate)


def shifted(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """An offset of 2 to 20 % of full scale."""
    return encoded(np.clip(wave * 0.7 + rng.choice([-1, 1]) * rng.uniform(0.02, 0.2), -1, 1), rate)


def noisy(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """White noise at a signal-to-noise ratio of -5 to 5 dB."""
    level = np.sqrt(np.mean(wave**2)) * 10 ** (-rng.uniform(-5, 5) / 20)
    return encoded(0.3 * (wave + rng.normal(0, level, len(wave))), rate)


def narrowed(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """Resampled to half the rate and back."""
    import soxr

    return encoded(soxr.resample(soxr.resample(wave, rate, rate // 2), rate // 2, rate)[: len(wave)], rate)


def with_nan(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """One sample is NaN or infinite."""
    broken = wave.copy()
    broken[rng.integers(len(wave))] = rng.choice([np.nan, np.inf, -np.inf])
    return encoded(broken, rate, "FLOAT")


def quieter(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """A level of -70 to -60 dB of full scale."""
    level = 10 ** (rng.uniform(-70, -60) / 20)
    return encoded(wave * level / np.sqrt(np.mean(wave**2)), rate, "PCM_24")


def louder(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """30 dB over full scale."""
    return encoded(np.clip(31.6 * normalised(wave), -1, 1), rate)


def faster(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """Another sampling rate."""
    import soxr

    other = int(rng.choice([2 * rate, round(1.378125 * rate), 5512 * rate // 4000]))
    return encoded(soxr.resample(wave, rate, other), other)


def of_other_length(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """Repeated 12 times, or cut to 30 ms."""
    return encoded(np.tile(wave, 12) if rng.random() < 0.5 else wave[: int(0.03 * rate)], rate)


def cut_off(wave: Wave, rate: int, rng: np.random.Generator) -> bytes:
    """A file of one of four formats that ends in its middle."""
    kind, subtype = [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("AIFF", "PCM_16")][rng.integers(4)]
    whole = encoded(np.tile(wave, 4), rate, subtype, kind)
    return whole[: int(len(whole) * rng.uniform(0.3, 0.8))]


AUDIO_FAULTS: dict[str, AudioFault] = {
    "silent": silenced,
    "mostly_silent": padded,
    "clipped": clipped,
    "clipped (scaled)": clipped_and_scaled,
    "dc_offset": shifted,
    "low_snr": noisy,
    "narrow_bandwidth": narrowed,
    "not_finite": with_nan,
    "too_quiet": quieter,
    "too_loud": louder,
    "odd_rate": faster,
    "odd_duration": of_other_length,
}
"""Issue (with a remark in brackets) -> how to make it."""

STEREO_FAULTS: dict[str, Callable[[Wave], Wave]] = {
    "dead_channel": lambda stereo: stereo * np.array([[1.0], [0.0]], np.float32),
    "identical_channels": lambda stereo: stereo[[0, 0]],
    "cancelling_channels": lambda stereo: stereo[[0, 0]] * np.array([[1.0], [-1.0]], np.float32),
    "odd_channels": lambda stereo: stereo[:1],
}


def _channel(series: np.ndarray, rng: np.random.Generator) -> int:
    """A channel in which something happens."""
    moving = np.flatnonzero(series.std(1) > 0)
    return int(rng.choice(moving)) if len(moving) else 0


def gap(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A tenth of the values of a channel missing in a row."""
    n, out = series.shape[1], series.copy()
    start = int(rng.integers(0, n - n // 10 - 1))
    out[_channel(series, rng), start : start + max(1, n // 10)] = np.nan
    return out


def flat_run(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A channel is stuck for 30 % of the length."""
    n, out = series.shape[1], series.copy()
    start, channel = int(rng.integers(0, n - int(0.3 * n))), _channel(series, rng)
    out[channel, start : start + int(np.ceil(0.3 * n))] = out[channel, start]
    return out


def spike(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One value is off by five times the range of the channel."""
    out, channel = series.copy(), _channel(series, rng)
    at = int(rng.integers(3, series.shape[1] - 3))
    out[channel, at] += rng.choice([-1, 1]) * 5 * np.ptp(series[channel])
    return out


def level_shift(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From a place in the middle on, twice the range of the channel is added."""
    n, out, channel = series.shape[1], series.copy(), _channel(series, rng)
    start = int(rng.integers(int(0.3 * n), int(0.7 * n)))
    out[channel, start:] += rng.choice([-1, 1]) * 2 * np.ptp(series[channel])
    return out


def unit_jump(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The whole series in another unit: times 10, 100, 1,000 or a thousandth."""
    return series * rng.choice([10, 100, 1000, 1e-3]).astype(np.float32)


def unit_jump_inside(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From a place in the middle on, in another unit: times 100 or 1,000."""
    out, n = series.copy(), series.shape[1]
    out[:, int(rng.integers(int(0.3 * n), int(0.6 * n))) :] *= rng.choice([100, 1000])
    return out


def wrong_length(series: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut, or continued."""
    n = series.shape[1]
    return series[:, : int(n * rng.uniform(0.3, 0.9))] if rng.random() < 0.5 else np.tile(series, 2)


SERIES_FAULTS: dict[str, SeriesFault] = {
    "gap": gap,
    "flat_run": flat_run,
    "spike": spike,
    "level_shift": level_shift,
    "unit_jump": unit_jump,
    "unit_jump (inside)": unit_jump_inside,
    "wrong_length": wrong_length,
}
