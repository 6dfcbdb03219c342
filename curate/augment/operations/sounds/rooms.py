"""Operations of rooms: reverberation and echo."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn, seed_of
from curate.augment.operations.sounds.sound import SoundOperation, ordered, power, sound_files, sound_of


class Reverb(SoundOperation):
    """Puts it into a room: convolved with an impulse response, from a folder of yours or made by drawn numbers.

    A made one is noise that dies away by 60 dB within the drawn time (Polack's model). Direct sound keeps its place
    and the whole its loudness; what rings on behind the end is cut off.
    Source: Moorer, About this reverberation business, 1979; scipy.signal (oaconvolve).
    """

    files = ("folder",)

    folder: str | None = Field(
        None, description="folder of impulse responses, or one of them, relative to the pipeline file; made if left out"
    )
    min_seconds: float = Field(0.1, gt=0, le=20, description="shortest time to fall by 60 dB, in seconds")
    max_seconds: float = Field(0.8, gt=0, le=20, description="longest time to fall by 60 dB, in seconds")
    min_wet: float = Field(0.1, ge=0, le=1, description="smallest share of the reverberated sound")
    max_wet: float = Field(0.6, ge=0, le=1, description="largest share of the reverberated sound")
    neutral: ClassVar[dict[str, float]] = {"min_wet": 0.0, "max_wet": 0.0}

    @model_validator(mode="after")
    def _bounds(self) -> Reverb:
        if self.folder is not None:
            sound_files(self.folder, "reverb")
        ordered(self, "min_wet", "max_wet")
        return ordered(self, "min_seconds", "max_seconds")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Share of the reverberated sound, and the room: number of the file, or its time and seed."""
        drawn: Drawn = {"wet": float(rng.uniform(self.min_wet, self.max_wet))}
        if self.folder is not None:
            return drawn | {"file": int(rng.integers(len(sound_files(self.folder, "reverb"))))}
        return drawn | {"seconds": float(rng.uniform(self.min_seconds, self.max_seconds)), "seed": seed_of(rng)}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        from scipy import signal

        if "file" in drawn:
            response = sound_of(sound_files(str(self.folder), "reverb")[drawn["file"]], rate)
            response = response[int(np.abs(response).argmax()) :]  # from the direct sound on
        else:
            response = _room(drawn["seconds"], rate, drawn["seed"])
        before = power(samples)
        if not before or not np.abs(response).max(initial=0.0):
            return samples
        wet = signal.oaconvolve(samples, response[None].astype(np.float32), axes=-1)[:, : samples.shape[-1]]
        after = power(np.ascontiguousarray(wet))
        wet *= np.float32(drawn["wet"] * (before / after) ** 0.5 if after else 0.0)
        return wet + samples * np.float32(1.0 - drawn["wet"])


class Echo(SoundOperation):
    """Adds one softer copy of the sound behind it."""

    min_delay_seconds: float = Field(0.05, gt=0, le=10, description="shortest delay, in seconds")
    max_delay_seconds: float = Field(0.4, gt=0, le=10, description="longest delay, in seconds")
    max_level: float = Field(0.5, gt=0, le=1, description="largest level of the copy, as a share of the sound's")
    neutral: ClassVar[dict[str, float]] = {"max_level": 0.0}

    @model_validator(mode="after")
    def _bounds(self) -> Echo:
        return ordered(self, "min_delay_seconds", "max_delay_seconds")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Delay in seconds, and level."""
        delay = float(rng.uniform(self.min_delay_seconds, self.max_delay_seconds))
        return {"delay": delay, "level": float(rng.uniform(0.0, self.max_level))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        delay = max(1, round(drawn["delay"] * rate))
        heard = samples.copy()
        if delay < samples.shape[-1]:
            heard[:, delay:] += samples[:, :-delay] * np.float32(drawn["level"])
        return heard


def _room(seconds: float, rate: int, seed: int) -> np.ndarray:
    """(n,) impulse response: noise that falls by 60 dB within `seconds`, behind the direct sound."""
    n = max(2, round(seconds * rate))
    response = np.random.default_rng(seed).standard_normal(n, dtype=np.float32)
    response *= np.exp(np.linspace(0.0, -np.log(1000.0), n, dtype=np.float32))
    response[0] = np.abs(response).max() * 4
    return response
