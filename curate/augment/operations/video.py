"""Operations on clips: frames (t, h, w, 3) uint8, alone or with their sound; the number of frames is kept."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, field_validator, model_validator

from curate.augment.operations.image_policies import POLICIES
from curate.augment.operations.image_transform import Image
from curate.augment.operations.operation import Drawn, Operation, named, seed_of
from curate.errors import ConfigError


class Clip(NamedTuple):
    """Frames and the sound of the same stretch of time.

    Attributes:
        frames: (t, h, w, 3) uint8, evenly spaced over the stretch.
        samples: (channels, n) float32 in [-1, 1] over the whole stretch, None if it is silent.
        rate: samples per second.
    """

    frames: np.ndarray
    samples: np.ndarray | None = None
    rate: int = 0


class _Retimed(Operation):
    """An operation that shows the clip by another clock; a piecewise linear map says which moment is shown when."""

    modality: ClassVar[str] = "video"

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """Frames (t, h, w, 3), or a `Clip`, whose sound follows the same map."""
        clip = item if isinstance(item, Clip) else Clip(item)
        if not len(clip.frames):
            return item
        length, knots, moments = self._clock(drawn)
        t = len(clip.frames)
        shown = np.interp((np.arange(t) + 0.5) / t, knots, moments)
        frames = clip.frames[np.clip((shown * t).astype(np.int64), 0, t - 1)]
        if not isinstance(item, Clip):
            return frames
        return clip._replace(frames=frames, samples=_heard(clip.samples, length, knots, moments))

    def _clock(self, drawn: Drawn) -> tuple[float, list[float], list[float]]:
        """New length as a share of the old one, and the map: shares of the new length -> shares of the old one."""
        raise NotImplementedError


def _heard(samples: np.ndarray | None, length: float, knots: list[float], moments: list[float]) -> np.ndarray | None:
    """The samples by the same clock; where the clock stands still it is silent."""
    if samples is None or not samples.shape[-1]:
        return samples
    n = samples.shape[-1]
    wanted = max(1, round(n * length))
    at = (np.arange(wanted) + 0.5) / wanted
    places = np.interp(at, knots, moments) * n - 0.5
    slope = np.interp(at, *_steps(knots, moments))
    heard = np.stack([np.interp(places, np.arange(n), channel) for channel in samples]).astype(np.float32)
    heard[:, slope == 0] = 0.0
    return heard


def _steps(knots: list[float], moments: list[float]) -> tuple[list[float], list[float]]:
    """The speed of the clock as a function for `np.interp`: constant between knots."""
    places, speeds = [], []
    for a, b, x, y in zip(knots, knots[1:], moments, moments[1:]):
        if b > a:
            places += [a, np.nextafter(b, a)]
            speeds += [(y - x) / (b - a)] * 2
    return places, speeds


class TemporalCrop(_Retimed):
    """Shows a drawn stretch of the clip, with its sound. Frames are repeated where the stretch has too few."""

    min_length_fraction: float = Field(0.5, gt=0, le=1, description="shortest stretch, as a share of the clip")
    max_length_fraction: float = Field(1.0, gt=0, le=1, description="longest stretch, as a share of the clip")
    neutral = {"min_length_fraction": 1.0, "max_length_fraction": 1.0}

    @model_validator(mode="after")
    def _bounds(self) -> TemporalCrop:
        if self.min_length_fraction > self.max_length_fraction:
            raise ValueError("min_length_fraction is larger than max_length_fraction")
        return self

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Length and start of the stretch, as shares of the clip."""
        length = float(rng.uniform(self.min_length_fraction, self.max_length_fraction))
        return {"start": float(rng.uniform(0.0, 1.0 - length)), "length": length}

    def _clock(self, drawn: Drawn) -> tuple[float, list[float], list[float]]:
        start, length = drawn["start"], drawn["length"]
        return length, [0.0, 1.0], [start, start + length]


class Speed(_Retimed):
    """Plays the clip faster or slower over the same time: slower shows its beginning, faster ends in its last frame.

    The sound goes along as a tape would (its pitch changes), silent while the last frame stands.
    """

    min_speed: float = Field(0.75, gt=0, le=8, description="lowest speed, as a factor")
    max_speed: float = Field(1.5, gt=0, le=8, description="highest speed, as a factor")
    neutral = {"min_speed": 1.0, "max_speed": 1.0}

    @model_validator(mode="after")
    def _bounds(self) -> Speed:
        if self.min_speed > self.max_speed:
            raise ValueError("min_speed is larger than max_speed")
        return self

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The factor."""
        return {"speed": float(np.exp(rng.uniform(np.log(self.min_speed), np.log(self.max_speed))))}

    def _clock(self, drawn: Drawn) -> tuple[float, list[float], list[float]]:
        speed = drawn["speed"]
        if speed <= 1.0:
            return 1.0, [0.0, 1.0], [0.0, speed]
        return 1.0, [0.0, 1.0 / speed, 1.0], [0.0, 1.0, 1.0]


class Reverse(_Retimed):
    """Plays the clip backwards, with its sound. Not for classes that differ in direction (sit down, stand up)."""

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Nothing."""
        return {}

    def _clock(self, drawn: Drawn) -> tuple[float, list[float], list[float]]:
        return 1.0, [0.0, 1.0], [1.0, 0.0]


class _Held(Operation):
    """An operation after which some frames stand for others; time, and so the sound, goes on as it was."""

    modality: ClassVar[str] = "video"

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """Frames (t, h, w, 3), or a `Clip`."""
        frames = item.frames if isinstance(item, Clip) else item
        if not len(frames):
            return item
        changed = frames[self._sources(len(frames), drawn)]
        return item._replace(frames=changed) if isinstance(item, Clip) else changed

    def _sources(self, t: int, drawn: Drawn) -> np.ndarray:
        """(t,) number of the frame that is shown in each place."""
        raise NotImplementedError


class Stride(_Held):
    """Shows every k-th frame only, each for k places, as at a lower frame rate; k and the first are drawn."""

    max_stride: int = Field(3, ge=2, le=64, description="largest number of frames from one that is shown to the next")
    neutral = {"max_stride": 1.0}

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The stride, and how many frames the first is shown less."""
        stride = int(rng.integers(min(2, self.max_stride), self.max_stride + 1))
        return {"stride": stride, "offset": int(rng.integers(stride))}

    def _sources(self, t: int, drawn: Drawn) -> np.ndarray:
        stride, offset = drawn["stride"], drawn["offset"]
        return np.clip((np.arange(t) + offset) // stride * stride - offset, 0, t - 1)


class DropFrames(_Held):
    """Loses drawn frames, in whose places the frame before stands, as players do; the first is never lost."""

    max_fraction: float = Field(0.25, gt=0, le=1, description="largest share of the frames that are lost")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """The share, and the seed of the places."""
        return {"fraction": float(rng.uniform(0.0, self.max_fraction)), "seed": seed_of(rng)}

    def _sources(self, t: int, drawn: Drawn) -> np.ndarray:
        there = np.random.default_rng(drawn["seed"]).random(t) >= drawn["fraction"]
        there[0] = True
        return np.maximum.accumulate(np.where(there, np.arange(t), 0))


class Smooth(Operation):
    """Does an image operation that changes smoothly along the clip, between some draws of it.

    Every number that the transform draws (amounts, matrices, maps, noise) goes in a straight line from one draw to the
    next; what is no number (a choice, a list of another length) stays as it was first drawn, and so does everything
    where the frames would differ in size. Cost: the transform, once per frame.
    """

    modality: ClassVar[str] = "video"

    operation: str | dict[str, dict[str, Any] | None] = Field(
        description="the image operation: the name of an Albumentations transform, or {name: parameters}"
    )
    draws: int = Field(2, ge=2, le=64, description="draws along the clip, evenly spaced")

    @field_validator("operation")
    @classmethod
    def _one_transform(cls, value: Any) -> Any:
        name, parameters = (value, {}) if isinstance(value, str) else next(iter(value.items()), ("", {}))
        if not isinstance(value, str) and len(value) != 1:
            raise ValueError("name one operation, or {name: parameters}")
        if name in POLICIES:
            raise ValueError(f"{name} chooses between changes, and can't go over from one to another")
        try:
            Image.of(name, dict(parameters or {}))
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return value

    @cached_property
    def _image(self) -> Image:
        value = self.operation
        name, parameters = (value, {}) if isinstance(value, str) else next(iter(value.items()))
        return Image.of(name, dict(parameters or {}))

    def at(self, strength: float) -> Smooth:
        """The image operation at that strength."""
        if strength >= 1.0:
            return self
        image = self._image.at(strength)
        share = image.p / max(self._image.p, 1e-9)
        changed = {image.transform: {**image.parameters, "p": self._image.p}}
        return self.altered(operation=changed, p=self.p * share)

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """A seed for each draw."""
        return {"seeds": [seed_of(rng) for _ in range(self.draws)]}

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """Frames (t, h, w, 3), or a `Clip`; the sound stays."""
        frames = item.frames if isinstance(item, Clip) else item
        if not frames.size:
            return item
        changed = self._changed(np.ascontiguousarray(frames), drawn["seeds"])
        return item._replace(frames=changed) if isinstance(item, Clip) else changed

    def _changed(self, frames: np.ndarray, seeds: list[int]) -> np.ndarray:
        image = self._image
        found = [image.parameters_of(frames, seed) for seed in seeds]
        where = np.linspace(0.0, len(seeds) - 1.0, len(frames))
        made = []
        for frame, place in zip(frames, where):
            left = min(int(place), len(seeds) - 2)
            parameters = between(found[left][1], found[left + 1][1], place - left)
            made.append(found[0][0](frame, **parameters))
        if any(frame.shape != made[0].shape for frame in made):
            return image.apply(frames, {"seed": seeds[0]})
        return np.stack(made)


def between(one: Any, other: Any, share: float) -> Any:
    """A value `share` of the way from one to another: numbers and arrays of one shape, also inside of lists and dicts.

    Whole numbers stay whole and switches stay as they are in `one`, as does all that differs in form.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: between(value, other.get(key, value), share) for key, value in one.items()}
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return type(one)(between(a, b, share) for a, b in zip(one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.shape == other.shape:
        if one.dtype != other.dtype or one.dtype.kind not in "iuf":
            return one
        mixed = one.astype(np.float64) * (1.0 - share) + other.astype(np.float64) * share
        return (np.rint(mixed) if one.dtype.kind in "iu" else mixed).astype(one.dtype)
    if isinstance(one, bool | str) or not isinstance(one, int | float | np.number):
        return one
    if isinstance(other, bool) or not isinstance(other, int | float | np.number):
        return one
    mixed = float(one) * (1.0 - share) + float(other) * share
    return round(mixed) if isinstance(one, int | np.integer) else mixed


OPERATIONS = named(globals())
