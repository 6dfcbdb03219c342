"""Operations on the spectrum: filters, equalisers, masked bands."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn
from curate.augment.operations.sounds.sound import SoundOperation, ordered

HIGHEST = 0.49
"""Highest edge of a filter, as a share of the rate."""


class _Filter(SoundOperation):
    """A Butterworth filter of second order, at a cut-off drawn evenly over octaves."""

    form: ClassVar[str]
    min_cutoff_hz: float
    max_cutoff_hz: float

    @model_validator(mode="after")
    def _bounds(self) -> _Filter:
        return ordered(self, "min_cutoff_hz", "max_cutoff_hz")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The cut-off in Hz."""
        return {"cutoff_hz": _evenly(rng, self.min_cutoff_hz, self.max_cutoff_hz)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        from scipy import signal

        if drawn["cutoff_hz"] >= HIGHEST * rate and self.form == "lowpass":
            return samples
        return _filtered(
            samples, signal.butter(2, min(drawn["cutoff_hz"], HIGHEST * rate), self.form, fs=rate, output="sos")
        )


class LowPass(_Filter):
    """Takes away what is higher than a drawn frequency, as a wall does.

    Source: scipy.signal (Butterworth).
    """

    form = "lowpass"
    min_cutoff_hz: float = Field(1000.0, gt=0, description="lowest cut-off frequency, in Hz")
    max_cutoff_hz: float = Field(7500.0, gt=0, description="highest cut-off frequency, in Hz")
    neutral: ClassVar[dict[str, float]] = {"min_cutoff_hz": 24_000.0, "max_cutoff_hz": 24_000.0}


class HighPass(_Filter):
    """Takes away what is lower than a drawn frequency, as a small loudspeaker does.

    Source: scipy.signal (Butterworth).
    """

    form = "highpass"
    min_cutoff_hz: float = Field(20.0, gt=0, description="lowest cut-off frequency, in Hz")
    max_cutoff_hz: float = Field(1000.0, gt=0, description="highest cut-off frequency, in Hz")
    neutral: ClassVar[dict[str, float]] = {"min_cutoff_hz": 1.0, "max_cutoff_hz": 1.0}


class _Band(SoundOperation):
    form: ClassVar[str]
    min_centre_hz: float = Field(200.0, gt=0, description="lowest middle of the band, in Hz")
    max_centre_hz: float = Field(4000.0, gt=0, description="highest middle of the band, in Hz")
    octaves: float = Field(1.0, gt=0, le=8, description="width of the band, in octaves")

    @model_validator(mode="after")
    def _bounds(self) -> _Band:
        return ordered(self, "min_centre_hz", "max_centre_hz")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The middle of the band in Hz."""
        return {"centre_hz": _evenly(rng, self.min_centre_hz, self.max_centre_hz)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        from scipy import signal

        half = 2.0 ** (self.octaves / 2)
        low, high = drawn["centre_hz"] / half, min(drawn["centre_hz"] * half, HIGHEST * rate)
        if low >= high:  # the whole band is above what the recording holds
            return samples
        return _filtered(samples, signal.butter(2, (low, high), self.form, fs=rate, output="sos"))


class BandPass(_Band):
    """Keeps a drawn band alone, as a radio does.

    Source: scipy.signal (Butterworth).
    """

    form = "bandpass"
    octaves: float = Field(4.0, gt=0, le=8, description="width of the band, in octaves")


class BandStop(_Band):
    """Takes a drawn band away: the frequency mask of SpecAugment on the waveform.

    Source: Park and others, SpecAugment, 2019; scipy.signal (Butterworth).
    """

    form = "bandstop"


class Equalize(SoundOperation):
    """Raises or lowers drawn bands, as other microphones and rooms do.

    Source: Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients, 1998.
    """

    bands: int = Field(3, ge=1, le=16, description="bands that are changed")
    max_gain_db: float = Field(6.0, gt=0, le=40, description="largest change either way, in dB")
    octaves: float = Field(1.5, gt=0, le=8, description="width of a band, in octaves")
    min_hz: float = Field(100.0, gt=0, description="lowest middle of a band, in Hz")
    max_hz: float = Field(8000.0, gt=0, description="highest middle of a band, in Hz")
    neutral: ClassVar[dict[str, float]] = {"max_gain_db": 0.0}

    @model_validator(mode="after")
    def _bounds(self) -> Equalize:
        return ordered(self, "min_hz", "max_hz")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Middle in Hz and gain in dB of each band."""
        gains = rng.uniform(-self.max_gain_db, self.max_gain_db, self.bands).tolist()
        return {"bands": [[_evenly(rng, self.min_hz, self.max_hz), gain] for gain in gains]}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        sections = [self._section(hz, gain, rate) for hz, gain in drawn["bands"] if hz < HIGHEST * rate]
        return _filtered(samples, np.array(sections)) if sections else samples

    def _section(self, hz: float, gain_db: float, rate: int) -> list[float]:
        """A peaking filter as one line of second-order sections."""
        turn, height = 2 * np.pi * hz / rate, 10.0 ** (gain_db / 40.0)
        alpha = np.sin(turn) * np.sinh(np.log(2) / 2 * self.octaves * turn / np.sin(turn))
        scale = 1 + alpha / height
        up, down = (1 + alpha * height) / scale, (1 - alpha * height) / scale
        back = -2 * np.cos(turn) / scale
        return [up, back, down, 1.0, back, (1 - alpha / height) / scale]


def _evenly(rng: np.random.Generator, low: float, high: float) -> float:
    """A frequency, drawn evenly over octaves."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _filtered(samples: np.ndarray, sections: Any) -> np.ndarray:
    from scipy import signal

    # In the samples' own precision, which takes half the time; second-order sections are stable in it.
    return np.asarray(signal.sosfilt(np.asarray(sections, np.float32), samples, axis=-1))
