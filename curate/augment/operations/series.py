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


def means(values: np.ndarray) -> np.ndarray:
    """Mean along the last axis, (..., 1), without missing values; 0 where all are missing."""
    there = np.isfinite(values)
    return np.where(there, values, 0.0).sum(-1, keepdims=True) / np.maximum(1, there.sum(-1, keepdims=True))


def read_at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(..., n) values between their places, linearly, at (m,) places in [0, n - 1]; missing beside a missing one."""
    left = np.clip(places.astype(np.int64), 0, values.shape[-1] - 1)
    right = np.minimum(left + 1, values.shape[-1] - 1)
    part = (places - left).astype(np.float32)
    # A place that is exactly a point takes nothing of its neighbour, which may be missing.
    return np.where(part == 0, values[..., left], values[..., left] * (1 - part) + values[..., right] * part)


def smooth(knots: list[float], length: int) -> np.ndarray:
    """(length,) cubic spline through knots that stand at even distances."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.linspace(0, max(1, length - 1), len(knots)), knots)(np.arange(length))


class _Series(Operation):
    modality: ClassVar[str] = "series"

    def apply(self, item: np.ndarray, drawn: Drawn) -> np.ndarray:
        """The series after it, of the same shape, float32."""
        return np.asarray(self._changed(item, drawn), dtype=np.float32) if item.size else item

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        raise NotImplementedError


class Jitter(_Series):
    """Adds normal noise in proportion to each channel's spread; a constant channel stays as it is.

    Source: Um and others, Data augmentation of wearable sensor data, 2017.
    """

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
    """Multiplies each channel by a drawn factor around 1.

    Source: Um and others, Data augmentation of wearable sensor data, 2017.
    """

    max_change: float = Field(0.2, gt=0, lt=1, description="largest change of the factor either way, as a share of 1")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """One factor per channel."""
        channels = item.shape[0] if item.ndim > 1 else 1
        return {"factors": rng.uniform(1.0 - self.max_change, 1.0 + self.max_change, size=channels).tolist()}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        factors = np.asarray(drawn["factors"], dtype=np.float32)
        return values * (factors[:, None] if values.ndim > 1 else factors[0])


class MagnitudeWarp(_Series):
    """Multiplies each channel by a smooth curve around 1.

    Source: Um and others, Data augmentation of wearable sensor data, 2017.
    """

    max_sigma: float = Field(0.2, gt=0, le=2, description="largest standard deviation of the curve's knots around 1")
    knots: int = Field(4, ge=2, le=100, description="knots of the curve; more make it change faster")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Knots of a curve per channel."""
        channels = item.shape[0] if item.ndim > 1 else 1
        sigma = float(rng.uniform(0.0, self.max_sigma))
        return {"curves": rng.normal(1.0, sigma, (channels, self.knots)).tolist()}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        curves = np.stack([smooth(knots, values.shape[-1]) for knots in drawn["curves"]]).astype(np.float32)
        return values * (curves if values.ndim > 1 else curves[0])


class TimeWarp(_Series):
    """Runs faster here and slower there, all channels alike, between the ends as they were.

    Source: Um and others, Data augmentation of wearable sensor data, 2017.
    """

    max_sigma: float = Field(
        0.2, gt=0, le=2, description="largest standard deviation of the logarithm of the speed at the knots"
    )
    knots: int = Field(4, ge=2, le=100, description="knots of the speed; more make it change faster")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Logarithms of the speed at the knots."""
        sigma = float(rng.uniform(0.0, self.max_sigma))
        return {"speeds": rng.normal(0.0, sigma, self.knots).tolist()}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        n = values.shape[-1]
        if n < 3:
            return values.copy()
        speed = np.exp(np.clip(smooth(drawn["speeds"], n - 1), -3.0, 3.0))
        places = np.concatenate([[0.0], np.cumsum(speed)])
        return read_at(values, places * ((n - 1) / places[-1]))


class WindowSlice(_Series):
    """Keeps a drawn stretch and stretches it to the length that the whole had.

    Source: Le Guennec, Malinowski, Tavenard, Data augmentation for time series classification, 2016.
    """

    min_fraction: float = Field(0.8, gt=0, le=1, description="shortest stretch, as a share of the length")
    neutral: ClassVar[dict[str, float]] = {"min_fraction": 1.0}

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Length and start, as shares."""
        length = float(rng.uniform(self.min_fraction, 1.0))
        return {"length": length, "start": float(rng.uniform(0.0, 1.0 - length))}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        last = values.shape[-1] - 1
        start = drawn["start"] * last
        return read_at(values, np.linspace(start, min(last, start + drawn["length"] * last), last + 1))


class WindowWarp(_Series):
    """Runs through a drawn stretch at another speed, and through the rest so that the length stays.

    Source: Le Guennec, Malinowski, Tavenard, Data augmentation for time series classification, 2016.
    """

    fraction: float = Field(0.1, gt=0, le=0.9, description="length of the stretch, as a share of the whole")
    max_factor: float = Field(2.0, gt=1, le=10, description="how much faster or slower at most, as a factor")
    neutral: ClassVar[dict[str, float]] = {"max_factor": 1.0}

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Start of the stretch as a share, and its speed."""
        turn = float(np.log(self.max_factor))
        return {"start": float(rng.uniform(0.0, 1.0 - self.fraction)), "speed": float(np.exp(rng.uniform(-turn, turn)))}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        n = values.shape[-1]
        if n < 3:
            return values.copy()
        speed = np.ones(n - 1)
        start = round(drawn["start"] * (n - 1))
        speed[start : start + max(1, round(self.fraction * (n - 1)))] = drawn["speed"]
        places = np.concatenate([[0.0], np.cumsum(speed)])
        return read_at(values, places * ((n - 1) / places[-1]))


class Permutation(_Series):
    """Cuts it into segments and puts them together in another order, all channels alike.

    Source: Um and others, Data augmentation of wearable sensor data, 2017.
    """

    max_segments: int = Field(5, ge=2, le=1000, description="most segments")
    neutral: ClassVar[dict[str, float]] = {"max_segments": 2}

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Ends of the segments as shares, and their order."""
        count = int(rng.integers(2, self.max_segments + 1))
        return {"ends": np.sort(rng.random(count - 1)).tolist(), "order": rng.permutation(count).tolist()}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        ends = [round(end * values.shape[-1]) for end in drawn["ends"]]
        parts = np.split(values, ends, axis=-1)
        return np.concatenate([parts[place] for place in drawn["order"]], axis=-1)


class Mask(_Series):
    """Replaces stretches of all channels by each channel's mean, or by zero: the time mask of SpecAugment.

    Source: Park and others, SpecAugment, 2019.
    """

    max_length_fraction: float = Field(0.2, gt=0, le=1, description="longest stretch, as a share of the length")
    stretches: int = Field(1, ge=1, le=100, description="how many")
    fill_mean: bool = Field(True, description="fill with the channel's mean, else with 0")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Start and length of each stretch, as shares of the length."""
        lengths = rng.uniform(0.0, self.max_length_fraction, self.stretches).tolist()
        return {"stretches": [[float(rng.uniform(0.0, 1.0 - length)), length] for length in lengths]}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        n, masked = values.shape[-1], values.copy()
        fill = means(values) if self.fill_mean else np.float32(0.0)
        for start, length in drawn["stretches"]:
            first = round(start * n)
            masked[..., first : first + round(length * n)] = fill
        return masked


class ChannelMask(_Series):
    """Replaces bands of neighbouring channels by their means, or by zero: the frequency mask of SpecAugment.

    One channel alone stays as it is. Source: Park and others, SpecAugment, 2019.
    """

    max_channels_fraction: float = Field(0.2, gt=0, le=1, description="widest band, as a share of the channels")
    bands: int = Field(1, ge=1, le=100, description="how many")
    fill_mean: bool = Field(True, description="fill with the mean of all that is there, else with 0")
    neutral: ClassVar[dict[str, float]] = {"max_channels_fraction": 0.0}

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """Start and width of each band, as shares of the channels."""
        widths = rng.uniform(0.0, self.max_channels_fraction, self.bands).tolist()
        return {"bands": [[float(rng.uniform(0.0, 1.0 - width)), width] for width in widths]}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        masked = values.copy()
        if values.ndim < 2 or len(values) < 2:
            return masked
        fill = means(values.reshape(-1)) if self.fill_mean else np.float32(0.0)
        for start, width in drawn["bands"]:
            first = min(len(values) - 1, round(start * len(values)))
            masked[first : first + max(1, round(width * len(values)))] = fill
        return masked


class ChannelDropout(_Series):
    """Replaces whole channels by zero, each with the drawn probability; never all of them.

    Source: as spatial dropout (Tompson and others, 2015) on the input.
    """

    max_fraction: float = Field(0.2, gt=0, lt=1, description="largest probability that a channel is replaced")

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """The probability, and the seed of the choice."""
        return {"fraction": float(rng.uniform(0.0, self.max_fraction)), "seed": seed_of(rng)}

    def _changed(self, values: np.ndarray, drawn: Drawn) -> np.ndarray:
        if values.ndim < 2 or len(values) < 2:
            return values.copy()
        rng = np.random.default_rng(drawn["seed"])
        gone = rng.random(len(values)) < drawn["fraction"]
        gone[int(rng.integers(len(values)))] = False
        return np.where(gone[:, None], np.float32(0.0), values)


OPERATIONS = named(globals())
