"""Operations on time series: (channels, length) or (length,) float32; missing values stay missing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from curate.augment.operations.operation import Drawn, Operation, named, seed_of


def spread(values: np.ndarray) -> np.ndarray:
    """Standard deviation along the last axis, (..., 1), without missing values; 0 where fewer than two are there."""
    there = np.isfinite(values)
    count = np.maximum(1, there.sum(-1, keepdims=True))
    mean = np.where(there, values, 0.0).sum(-1, keepdims=True) / count
    return np.sqrt(np.where(there, np.square(values - mean), 0.0).sum(-1, keepdims=True) / count)


class _Series(Operation):
    modality: ClassVar[str] = "series"

    def apply(self, item: np.ndarray, drawn: Drawn) -> np.ndarray:
        """The series after it, of the same shape, float32."""
        return np.asarray(self._changed(item, drawn), dtype=np.float32) if item.size else item

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        raise NotImplementedError


class Jitter(_Series):
    """Adds normal noise in proportion to each channel's spread (Um et al. 2017); a constant channel stays as it is."""

    max_sigma: float = Field(
        0.05, gt=0, le=10, description="largest standard deviation of the noise, in standard deviations of the channel"
    )

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """The standard deviation, and the seed of the noise."""
        return {"sigma": float(rng.uniform(0.0, self.max_sigma)), "seed": seed_of(rng)}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        noise = np.random.default_rng(drawn["seed"]).standard_normal(values.shape, dtype=np.float32)
        return values + noise * np.float32(drawn["sigma"]) * spread(values)


class Scaling(_Series):
    """Multiplies each channel by a drawn factor around 1."""

    max_change: float = Field(0.2, gt=0, lt=1, description="largest change of the factor either way, as a share of 1")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """One factor per channel."""
        channels = item.shape[0] if item.ndim > 1 else 1
        return {"factors": rng.uniform(1.0 - self.max_change, 1.0 + self.max_change, size=channels).tolist()}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        factors = np.asarray(drawn["factors"], dtype=np.float32)
        return values * (factors[:, None] if values.ndim > 1 else factors[0])


class Mask(_Series):
    """Replaces a stretch of all channels by each channel's mean, or by zero."""

    max_length_fraction: float = Field(0.2, gt=0, le=1, description="longest stretch, as a share of the length")
    fill_mean: bool = Field(True, description="fill with the channel's mean, else with 0")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Length and start of the stretch, as shares of the length."""
        length = float(rng.uniform(0.0, self.max_length_fraction))
        return {"start": float(rng.uniform(0.0, 1.0 - length)), "length": length}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        n = values.shape[-1]
        start = round(drawn["start"] * n)
        masked = values.copy()
        there = np.isfinite(values)
        mean = np.where(there, values, 0.0).sum(-1, keepdims=True) / np.maximum(1, there.sum(-1, keepdims=True))
        masked[..., start : start + round(drawn["length"] * n)] = mean if self.fill_mean else 0.0
        return masked


OPERATIONS = named(globals())
