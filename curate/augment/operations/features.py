"""Operations on vectors of numbers: (d,) float32; missing values stay missing. For swap noise see the step `mix`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from curate.augment.operations.operation import Drawn, Operation, named, seed_of


class _Vector(Operation):
    modality: ClassVar[str] = "features"

    def apply(self, item: np.ndarray, drawn: Drawn) -> np.ndarray:
        """The vector after it, of the same shape, float32."""
        return np.asarray(self._changed(item, drawn), dtype=np.float32) if item.size else item

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        raise NotImplementedError


class Jitter(_Vector):
    """Adds normal noise of one standard deviation to all numbers; scale the columns first.

    Source: Bishop, Training with noise is equivalent to Tikhonov regularization, 1995.
    """

    max_sigma: float = Field(
        0.1, gt=0, le=1000, description="largest standard deviation of the noise, in units of the features"
    )

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """The standard deviation, and the seed of the noise."""
        return {"sigma": float(rng.uniform(0.0, self.max_sigma)), "seed": seed_of(rng)}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        noise = np.random.default_rng(drawn["seed"]).standard_normal(values.shape, dtype=np.float32)
        return values + noise * np.float32(drawn["sigma"])


class Scaling(_Vector):
    """Multiplies the vector by a drawn factor around 1."""

    max_change: float = Field(0.2, gt=0, lt=1, description="largest change of the factor either way, as a share of 1")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """The factor."""
        return {"factor": float(rng.uniform(1.0 - self.max_change, 1.0 + self.max_change))}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        return values * np.float32(drawn["factor"])


class Mask(_Vector):
    """Replaces a drawn share of the numbers by a constant (0 is the mean of scaled columns).

    Source: Vincent and others, Extracting and composing robust features with denoising autoencoders, 2008.
    """

    max_fraction: float = Field(0.2, gt=0, le=1, description="largest share of the numbers that are replaced")
    fill: float = Field(0.0, description="what they are replaced by, in units of the features")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """The share, and the seed of the places."""
        return {"fraction": float(rng.uniform(0.0, self.max_fraction)), "seed": seed_of(rng)}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        chosen = np.random.default_rng(drawn["seed"]).random(values.shape) < drawn["fraction"]
        return np.where(chosen, np.float32(self.fill), values)


class Round(_Vector):
    """Rounds the numbers to a drawn step, as coarser instruments do."""

    max_step: float = Field(0.2, gt=0, le=1000, description="largest step, in units of the features")
    neutral: ClassVar[dict[str, float]] = {"max_step": 1e-6}

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """The step."""
        return {"step": float(rng.uniform(self.max_step / 10, self.max_step))}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        step = np.float32(drawn["step"])
        return np.rint(values / step) * step


OPERATIONS = named(globals())
