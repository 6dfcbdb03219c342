"""Operations on time: shifts, masks, speed, stretching, pitch."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn
from curate.augment.operations.sounds.sound import SoundOperation, ordered, power
from curate.errors import MissingPackage

WINDOW_SECONDS = 0.064
"""Frames of the phase vocoder."""


class TimeShift(SoundOperation):
    """Moves the sound in time; what leaves at one end is lost, or comes in at the other."""

    louder = False

    max_shift_fraction: float = Field(0.2, gt=0, le=1, description="longest shift either way, as a share of the length")
    rollover: bool = Field(False, description="let what leaves at one end come in at the other, else silence comes in")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The shift, as a share of the length; later is positive."""
        return {"shift": self.max_shift_fraction * (2.0 * rng.random() - 1.0)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        n = samples.shape[-1]
        by = round(drawn["shift"] * n)
        if not by:
            return samples
        cut = n - by if by > 0 else -by
        moved = np.empty_like(samples)
        moved[:, : n - cut] = samples[:, cut:] if by < 0 or self.rollover else 0.0
        moved[:, n - cut :] = samples[:, :cut] if by > 0 or self.rollover else 0.0
        return moved


class TimeMask(SoundOperation):
    """Silences a stretch (as in Park et al. 2019, "SpecAugment", on the waveform), with 5 ms ramps at its ends.

    Source: Park and others, SpecAugment, 2019.
    """

    louder = False

    max_length_fraction: float = Field(0.2, gt=0, le=1, description="longest stretch, as a share of the length")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
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


class Crop(SoundOperation):
    """Keeps a drawn stretch of a length; a shorter recording stays as it is.

    Source: random crops as in VGGish and PANNs training.
    """

    louder = False

    seconds: float = Field(4.0, gt=0, le=3600, description="length of what is kept, in seconds")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The start, as a share of where it can be."""
        return {"start": float(rng.random())}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        length = max(1, round(self.seconds * rate))
        if samples.shape[-1] <= length:
            return samples
        start = int(drawn["start"] * (samples.shape[-1] - length + 1))
        return samples[:, start : start + length].copy()


class _Factor(SoundOperation):
    min_factor: float = Field(0.9, ge=0.25, le=4, description="slowest speed, as a factor")
    max_factor: float = Field(1.1, ge=0.25, le=4, description="fastest speed, as a factor")
    keep_length: bool = Field(False, description="cut or fill with silence at the end to the length it had")

    @model_validator(mode="after")
    def _bounds(self) -> _Factor:
        return ordered(self, "min_factor", "max_factor")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The factor."""
        return {"factor": float(rng.uniform(self.min_factor, self.max_factor))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        n = samples.shape[-1]
        if n < 2:
            return samples
        played = self._played(samples, rate, drawn["factor"])
        if not self.keep_length:
            return played if played.shape[-1] else samples
        return fitted(played, n)

    def _played(self, samples: np.ndarray, rate: int, factor: float) -> np.ndarray:
        raise NotImplementedError


class Speed(_Factor):
    """Plays it faster or slower, pitch along with it, by resampling; the length changes unless it is kept.

    Source: Ko and others, Audio augmentation for speech recognition, 2015; soxr.
    """

    def _played(self, samples: np.ndarray, rate: int, factor: float) -> np.ndarray:
        return resampled(samples, factor)


class TimeStretch(_Factor):
    """Plays it faster or slower at the pitch it has; the length changes unless it is kept.

    Source: Flanagan and Golden, Phase vocoder, 1966 (`TimeStretch` of torchaudio).
    """

    def _played(self, samples: np.ndarray, rate: int, factor: float) -> np.ndarray:
        return stretched(samples, rate, factor)


class PitchShift(SoundOperation):
    """Makes it higher or lower at the length it has: stretched, then played at another speed.

    Source: phase vocoder (torchaudio) and resampling (soxr); as `PitchShift` of torchaudio at a fiftieth of its cost.
    """

    min_semitones: float = Field(-2.0, ge=-24, le=24, description="lowest shift, in semitones")
    max_semitones: float = Field(2.0, ge=-24, le=24, description="highest shift, in semitones")

    @model_validator(mode="after")
    def _bounds(self) -> PitchShift:
        return ordered(self, "min_semitones", "max_semitones")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The shift in semitones."""
        return {"semitones": float(rng.uniform(self.min_semitones, self.max_semitones))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        factor = 2.0 ** (drawn["semitones"] / 12.0)
        if samples.shape[-1] < 2:
            return samples
        return fitted(resampled(stretched(samples, rate, 1.0 / factor), factor), samples.shape[-1])


def fitted(samples: np.ndarray, length: int) -> np.ndarray:
    """(channels, n) cut or filled with silence at the end to a length."""
    kept = np.zeros((len(samples), length), np.float32)
    kept[:, : samples.shape[-1]] = samples[:, :length]
    return kept


def resampled(samples: np.ndarray, factor: float) -> np.ndarray:
    """(channels, n) played `factor` times as fast. Raises MissingPackage."""
    try:
        import soxr
    except ImportError as error:
        raise MissingPackage("soxr", "audio", "changing the speed of sound") from error
    return np.ascontiguousarray(soxr.resample(np.ascontiguousarray(samples.T), factor, 1.0).T)


def stretched(samples: np.ndarray, rate: int, factor: float) -> np.ndarray:
    """(channels, n) played `factor` times as fast at the same pitch. Raises MissingPackage."""
    from curate.media.torch_audio import torchaudio

    vocoder = torchaudio("stretching sound").functional.phase_vocoder
    import torch

    window = 1 << max(4, round(float(np.log2(WINDOW_SECONDS * rate))))
    hop = window // 4
    n = samples.shape[-1]
    if n <= window:  # too short for frames: silence around it, which is cut off again
        samples = np.pad(samples, np.array([[0, 0], [0, int(window + 1 - n)]]))
    with torch.no_grad():
        shape = torch.hann_window(window)
        wave = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
        spectrum = torch.stft(wave, window, hop, window=shape, return_complex=True)
        advance = torch.linspace(0, np.pi * hop, spectrum.shape[-2])[:, None]
        moved = vocoder(spectrum, factor, advance)
        length = max(1, round(n / factor))
        out = torch.istft(moved, window, hop, window=shape, length=max(length, window))
    made = out.numpy()[:, :length].copy()
    # The vocoder lets the phases of neighbouring bins drift apart, which costs up to 6 dB: give them back.
    before, after = power(samples[:, :n]), power(made)
    return made * np.float32((before / after) ** 0.5) if after else made
