"""Operations on level and amplitude."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn
from curate.augment.operations.sounds.sound import SoundOperation, ordered


class Gain(SoundOperation):
    """Makes it louder or softer by a drawn number of dB; what would pass full scale is cut there.

    Source: `Vol` of torchaudio.
    """

    min_gain_db: float = Field(-12.0, ge=-120, le=60, description="smallest gain, in dB")
    max_gain_db: float = Field(6.0, ge=-120, le=60, description="largest gain, in dB")

    @model_validator(mode="after")
    def _bounds(self) -> Gain:
        return ordered(self, "min_gain_db", "max_gain_db")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The gain in dB."""
        return {"gain_db": float(rng.uniform(self.min_gain_db, self.max_gain_db))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        return samples * np.float32(10.0 ** (drawn["gain_db"] / 20.0))


class Polarity(SoundOperation):
    """Turns the waveform upside down, which no one can hear. Does so always: give `p`."""

    louder = False

    p: float = Field(0.5, ge=0, le=1, description="probability that the operation is done to an item")

    @property
    def by_chance(self) -> bool:
        """Nothing but whether it is done is left to chance."""
        return False

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Nothing."""
        return {}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        return -samples


class Clip(SoundOperation):
    """Cuts off the loudest samples, as an overdriven recording does."""

    louder = False

    max_clipped_fraction: float = Field(0.05, gt=0, le=0.5, description="largest share of samples that are cut off")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The share of samples that are cut off."""
        return {"fraction": float(rng.uniform(0.0, self.max_clipped_fraction))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        heights = np.abs(samples).reshape(-1)
        place = min(len(heights) - 1, int((1.0 - drawn["fraction"]) * len(heights)))
        loudest = np.partition(heights, place)[place]
        return np.clip(samples, -loudest, loudest)


class Bits(SoundOperation):
    """Rounds the samples to fewer bits, as cheap recorders and old samplers do."""

    min_bits: int = Field(6, ge=2, le=24, description="fewest bits of a sample")
    max_bits: int = Field(12, ge=2, le=24, description="most bits of a sample")
    neutral: ClassVar[dict[str, float]] = {"min_bits": 16, "max_bits": 16}

    @model_validator(mode="after")
    def _bounds(self) -> Bits:
        return ordered(self, "min_bits", "max_bits")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The bits."""
        return {"bits": int(rng.integers(self.min_bits, self.max_bits + 1))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        steps = np.float32(2 ** (drawn["bits"] - 1))
        return np.rint(samples * steps) / steps


class SwapChannels(SoundOperation):
    """Exchanges the channels of a recording with several, or silences all but one. Does so always: give `p`."""

    louder = False

    p: float = Field(0.5, ge=0, le=1, description="probability that the operation is done to an item")
    silence: bool = Field(False, description="silence all channels but one instead of exchanging them")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The order of the channels, the one that is kept first."""
        return {"order": rng.permutation(item[0].shape[0]).tolist()}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        if len(samples) < 2:
            return samples
        if not self.silence:
            order = drawn["order"]
            return samples[order if order != sorted(order) else order[::-1]]
        heard = np.zeros_like(samples)
        heard[drawn["order"][0]] = samples[drawn["order"][0]]
        return heard
