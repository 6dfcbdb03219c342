"""Operations on sound: a pair of samples (channels, n) float32 in [-1, 1] and the rate in Hz."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn, Operation, named, seed_of
from curate.errors import MissingPackage

Sound = tuple[np.ndarray, int]


class _Sound(Operation):
    """An operation on the samples that keeps rate and shape."""

    modality: ClassVar[str] = "audio"

    def apply(self, item: Sound, drawn: Drawn) -> Sound:
        """The sound after it, with samples kept in [-1, 1]."""
        samples, rate = item
        if not samples.size:
            return item
        return np.clip(self._heard(samples, rate, drawn), -1.0, 1.0).astype(np.float32), rate

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        raise NotImplementedError


def _ordered(settings: Any, low: str, high: str) -> Any:
    if getattr(settings, low) > getattr(settings, high):
        raise ValueError(f"{low} ({getattr(settings, low):g}) is larger than {high} ({getattr(settings, high):g})")
    return settings


class AddNoise(_Sound):
    """Adds white or pink noise at a drawn signal-to-noise ratio. Silence has no such ratio and stays silent."""

    min_snr_db: float = Field(5.0, ge=-40, le=100, description="smallest signal-to-noise ratio, in dB")
    max_snr_db: float = Field(30.0, ge=-40, le=100, description="largest signal-to-noise ratio, in dB")
    colour: Literal["white", "pink"] = Field("white", description="equal power per Hz (white) or per octave (pink)")

    @model_validator(mode="after")
    def _bounds(self) -> AddNoise:
        return _ordered(self, "min_snr_db", "max_snr_db")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """The ratio in dB, and the seed of the noise."""
        return {"snr_db": float(rng.uniform(self.min_snr_db, self.max_snr_db)), "seed": seed_of(rng)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        rng = np.random.default_rng(drawn["seed"])
        noise = rng.standard_normal(samples.shape, dtype=np.float32)
        if self.colour == "pink" and samples.shape[-1] > 1:
            spectrum = np.fft.rfft(noise)
            spectrum /= np.sqrt(np.maximum(1.0, np.arange(spectrum.shape[-1])))
            noise = np.fft.irfft(spectrum, n=samples.shape[-1])
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        own = float(np.mean(np.square(noise, dtype=np.float64)))
        if not power or not own:
            return samples
        return samples + noise * np.float32((power / own / 10.0 ** (drawn["snr_db"] / 10.0)) ** 0.5)


class Gain(_Sound):
    """Makes it louder or softer by a drawn number of dB; what would pass full scale is cut there."""

    min_gain_db: float = Field(-12.0, ge=-120, le=60, description="smallest gain, in dB")
    max_gain_db: float = Field(6.0, ge=-120, le=60, description="largest gain, in dB")

    @model_validator(mode="after")
    def _bounds(self) -> Gain:
        return _ordered(self, "min_gain_db", "max_gain_db")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """The gain in dB."""
        return {"gain_db": float(rng.uniform(self.min_gain_db, self.max_gain_db))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        return samples * np.float32(10.0 ** (drawn["gain_db"] / 20.0))


class TimeShift(_Sound):
    """Moves the sound in time; what leaves at one end is lost, or comes in at the other."""

    max_shift_fraction: float = Field(0.2, gt=0, le=1, description="longest shift either way, as a share of the length")
    rollover: bool = Field(False, description="let what leaves at one end come in at the other, else silence comes in")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """The shift, as a share of the length; later is positive."""
        return {"shift": float(rng.uniform(-self.max_shift_fraction, self.max_shift_fraction))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        by = round(drawn["shift"] * samples.shape[-1])
        moved = np.roll(samples, by, axis=-1)
        if not self.rollover and by > 0:
            moved[..., :by] = 0.0
        elif not self.rollover and by < 0:
            moved[..., by:] = 0.0
        return moved


class TimeMask(_Sound):
    """Silences a stretch (as in Park et al. 2019, "SpecAugment", on the waveform), with 5 ms ramps at its ends."""

    max_length_fraction: float = Field(0.2, gt=0, le=1, description="longest stretch, as a share of the length")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """Length and start of the stretch, as shares of the length."""
        length = float(rng.uniform(0.0, self.max_length_fraction))
        return {"start": float(rng.uniform(0.0, 1.0 - length)), "length": length}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        n = samples.shape[-1]
        start, length = round(drawn["start"] * n), round(drawn["length"] * n)
        shape = np.zeros(length, dtype=np.float32)
        ramp = min(round(0.005 * rate), length // 2)
        if ramp:
            shape[:ramp] = np.linspace(1.0, 0.0, ramp, dtype=np.float32)
            shape[length - ramp :] = np.linspace(0.0, 1.0, ramp, dtype=np.float32)
        masked = samples.copy()
        masked[..., start : start + length] *= shape[: n - start]
        return masked


class Polarity(_Sound):
    """Turns the waveform upside down, which no one can hear. Does so always: give `p`."""

    p: float = Field(0.5, ge=0, le=1, description="probability that the operation is done to an item")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """Nothing."""
        return {}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        return -samples


class Speed(_Sound):
    """Plays it faster or slower, pitch along with it, by resampling (soxr); the length changes unless it is kept."""

    min_factor: float = Field(0.9, ge=0.25, le=4, description="slowest speed, as a factor")
    max_factor: float = Field(1.1, ge=0.25, le=4, description="fastest speed, as a factor")
    keep_length: bool = Field(False, description="cut or fill with silence at the end to the length it had")

    @model_validator(mode="after")
    def _bounds(self) -> Speed:
        return _ordered(self, "min_factor", "max_factor")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """The factor."""
        return {"factor": float(rng.uniform(self.min_factor, self.max_factor))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        try:
            import soxr
        except ImportError as error:
            raise MissingPackage("soxr", "audio", "changing the speed of sound") from error
        n = samples.shape[-1]
        if n < 2:
            return samples
        played = soxr.resample(np.ascontiguousarray(samples.T), rate * drawn["factor"], rate).T
        if not self.keep_length:
            return played if played.shape[-1] else samples
        kept = np.zeros_like(samples)
        length = min(n, played.shape[-1])
        kept[:, :length] = played[:, :length]
        return kept


class _Filter(_Sound):
    """A Butterworth filter of second order, at a cut-off drawn evenly over octaves."""

    kind: ClassVar[str]
    min_cutoff_hz: float
    max_cutoff_hz: float

    @model_validator(mode="after")
    def _bounds(self) -> _Filter:
        return _ordered(self, "min_cutoff_hz", "max_cutoff_hz")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """The cut-off in Hz."""
        return {"cutoff_hz": float(np.exp(rng.uniform(np.log(self.min_cutoff_hz), np.log(self.max_cutoff_hz))))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        from scipy import signal

        if drawn["cutoff_hz"] >= 0.49 * rate and self.kind == "lowpass":
            return samples
        sections = signal.butter(2, min(drawn["cutoff_hz"], 0.49 * rate), self.kind, fs=rate, output="sos")
        return np.asarray(signal.sosfilt(sections, samples, axis=-1))


class LowPass(_Filter):
    """Takes away what is higher than a drawn frequency, as a telephone or a wall does."""

    kind = "lowpass"
    min_cutoff_hz: float = Field(1000.0, gt=0, description="lowest cut-off frequency, in Hz")
    max_cutoff_hz: float = Field(7500.0, gt=0, description="highest cut-off frequency, in Hz")


class HighPass(_Filter):
    """Takes away what is lower than a drawn frequency, as a small loudspeaker does."""

    kind = "highpass"
    min_cutoff_hz: float = Field(20.0, gt=0, description="lowest cut-off frequency, in Hz")
    max_cutoff_hz: float = Field(1000.0, gt=0, description="highest cut-off frequency, in Hz")


class Clip(_Sound):
    """Cuts off the loudest samples, as an overdriven recording does."""

    max_clipped_fraction: float = Field(0.05, gt=0, le=0.5, description="largest share of samples that are cut off")

    def draw(self, rng: np.random.Generator, item: Sound) -> Drawn:
        """The share of samples that are cut off."""
        return {"fraction": float(rng.uniform(0.0, self.max_clipped_fraction))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        loudest = np.quantile(np.abs(samples), 1.0 - drawn["fraction"])
        return np.clip(samples, -loudest, loudest)


OPERATIONS = named(globals())
