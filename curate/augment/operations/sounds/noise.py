"""Operations that add noise."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn, seed_of
from curate.augment.operations.sounds.sound import SoundOperation, ordered, power, sound_files, sound_of

POOL = 1 << 20
"""Values of noise that are drawn once per process and begun anywhere: a minute at 16 kHz before they come again."""


class _Noisy(SoundOperation):
    neutral: ClassVar[dict[str, float]] = {"min_snr_db": 100.0, "max_snr_db": 100.0}

    min_snr_db: float = Field(5.0, ge=-40, le=100, description="smallest signal-to-noise ratio, in dB")
    max_snr_db: float = Field(30.0, ge=-40, le=100, description="largest signal-to-noise ratio, in dB")

    @model_validator(mode="after")
    def _bounds(self) -> _Noisy:
        return ordered(self, "min_snr_db", "max_snr_db")


class AddNoise(_Noisy):
    """Adds white, pink or brown noise at a drawn signal-to-noise ratio. Silence has no such ratio and stays silent.

    Source: `AddNoise` of torchaudio for the ratio.
    """

    colour: Literal["white", "pink", "brown"] = Field(
        "white", description="equal power per Hz (white), per octave (pink), or 6 dB less per octave (brown)"
    )

    def prepare(self) -> None:
        """Draw the noise."""
        _pool(self.colour)

    def draw(self, rng: np.random.Generator, item: object) -> Drawn:
        """The ratio in dB, and where the noise begins in each of up to 64 channels."""
        return {"snr_db": float(rng.uniform(self.min_snr_db, self.max_snr_db)), "seed": seed_of(rng)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        pool = _pool(self.colour)
        length = samples.shape[-1]
        noise = np.empty_like(samples)
        for channel in range(len(samples)):
            start = (drawn["seed"] + channel * 0x9E3779B1) % POOL
            noise[channel] = _stretch(pool, start, length)
        return _added(samples, noise, drawn["snr_db"])


class BackgroundNoise(_Noisy):
    """Adds a stretch of a recording of your own (streets, rooms, music) at a drawn signal-to-noise ratio.

    A recording that is shorter is repeated. Silence has no such ratio and stays as it is.
    Source: `AddBackgroundNoise` of audiomentations for the idea.
    """

    files = ("folder",)

    folder: str = Field(description="folder of recordings, or one recording; relative to the pipeline file")

    @model_validator(mode="after")
    def _files(self) -> BackgroundNoise:
        sound_files(self.folder, "background_noise")
        return self

    def draw(self, rng: np.random.Generator, item: object) -> Drawn:
        """Ratio in dB, number of the recording among the sorted ones, and where in it the stretch begins (share)."""
        count = len(sound_files(self.folder, "background_noise"))
        snr_db = float(rng.uniform(self.min_snr_db, self.max_snr_db))
        return {"snr_db": snr_db, "file": int(rng.integers(count)), "start": float(rng.random())}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        noise = sound_of(sound_files(self.folder, "background_noise")[drawn["file"]], rate)
        stretch = _stretch(noise, int(drawn["start"] * len(noise)), samples.shape[-1])
        return _added(samples, np.broadcast_to(stretch, samples.shape), drawn["snr_db"])


class Clicks(SoundOperation):
    """Puts in short clicks, as scratches and lost packets do."""

    max_per_second: float = Field(5.0, gt=0, le=1000, description="most clicks per second")
    max_level: float = Field(0.5, gt=0, le=1, description="largest height of a click, full scale is 1")
    neutral: ClassVar[dict[str, float]] = {"max_per_second": 0.0}

    def draw(self, rng: np.random.Generator, item: object) -> Drawn:
        """How many per second, and the seed of places and heights."""
        return {"per_second": float(rng.uniform(0.0, self.max_per_second)), "seed": seed_of(rng)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        rng = np.random.default_rng(drawn["seed"])
        count = max(1, round(drawn["per_second"] * samples.shape[-1] / rate))
        heard = samples.copy()
        for place, height in zip(rng.integers(0, samples.shape[-1], count), rng.uniform(-1, 1, count) * self.max_level):
            length = min(max(1, rate // 4000), samples.shape[-1] - place)
            heard[:, place : place + length] += np.float32(height) * np.linspace(1, 0, length, dtype=np.float32)
        return heard


def _stretch(values: np.ndarray, start: int, length: int) -> np.ndarray:
    """(length,) of (n,) values from `start` on, beginning anew at their end; a view where it can be."""
    if start + length <= len(values):
        return values[start : start + length]
    return np.resize(np.concatenate([values[start:], values[:start]]), length)


def _added(samples: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    signal, own = power(samples), power(np.ascontiguousarray(noise))
    if not signal or not own:
        return samples
    heard = noise * np.float32((signal / own / 10.0 ** (snr_db / 10.0)) ** 0.5)
    heard += samples
    return heard


@cache
def _pool(colour: str) -> np.ndarray:
    """(POOL,) float32 noise of mean square 1, the same in every process."""
    noise = np.random.Generator(np.random.Philox(key=0)).standard_normal(POOL, dtype=np.float32)
    if colour != "white":
        spectrum = np.fft.rfft(noise)
        spectrum /= np.maximum(1.0, np.arange(len(spectrum))) ** (0.5 if colour == "pink" else 1.0)
        noise = np.fft.irfft(spectrum, n=POOL).astype(np.float32)
        noise /= np.float32(power(noise) ** 0.5)
    noise.setflags(write=False)
    return noise
