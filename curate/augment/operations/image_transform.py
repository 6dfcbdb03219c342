"""One transform of Albumentations as an operation: on an image, on all frames of a clip, or on a scene."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from curate.augment.operations import image_library as library
from curate.augment.operations.image_built import Built, Lonely
from curate.augment.operations.image_magnitudes import NEUTRAL, scaled
from curate.augment.operations.operation import Drawn, Operation
from curate.augment.operations.scene import Scene
from curate.errors import DataError

TINY_PX = 16
"""Images with a shorter side than this stay as they are where a transform can't take them; larger ones are an error."""
KEPT = 4096
"""Built transforms that a thread keeps (some kB each): the settings of a recipe, at up to a hundred strengths."""

SEED = 2**63 - 1

_local = threading.local()


class Image(Operation):
    """One Albumentations transform. Cost: the transform's own; its chance is only drawn where it uses any."""

    modality: ClassVar[str] = "image"

    transform: str = Field(description="name of an Albumentations transform")
    parameters: dict[str, Any] = Field({}, description="its parameters, without p")

    @classmethod
    def of(cls, transform: str, parameters: dict[str, Any]) -> Image:
        """The operation of that name, with `p` as the transform has it by default where it is not given.

        Raises:
            ConfigError: unknown transform or wrong parameters.
        """
        built = library.made(transform, parameters)
        rest = {key: value for key, value in parameters.items() if key != "p"}
        return cls(transform=transform, parameters=rest, p=float(built.p))

    @property
    def needs(self) -> str | None:
        """The role that the task must have for it beside the image."""
        return library.NEEDS.get(self.transform)

    def at(self, strength: float) -> Self:
        """The transform with its ranges drawn in towards what does nothing, or done less often (see `NEUTRAL`)."""
        if strength >= 1.0:
            return self
        if self.transform not in NEUTRAL:
            return self.altered(p=self.p * strength)
        kind = getattr(library.library(), self.transform)
        return type(self)(
            transform=self.transform, parameters=scaled(self.transform, kind, self.parameters, strength), p=self.p
        )

    @property
    def by_chance(self) -> bool:
        """Whether the transform ever draws anything."""
        return self.transform not in library.CERTAIN

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """A seed of the transform's own generators."""
        return {"seed": int(rng.integers(0, 2**63))}

    def drawn_by(self, key: int, item: Any) -> Drawn:
        """The same from a key: its lower half is as good a seed."""
        return {"seed": key & SEED}

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """The transform of an image (h, w, 3) uint8, of all frames (t, h, w, 3) alike, or of a `Scene`.

        With a seed s it does what the transform does after ``set_random_state(sfc64(s), stream)``, with a `Stream`
        from s.

        Raises:
            DataError: the transform can't take an image of this size, or misses a part of the scene.
        """
        return self.done(item, drawn["seed"])

    def done(self, item: Any, key: int | None) -> Any:
        """The same from a key, without a word of what was drawn."""
        seed = None if key is None else key & SEED
        if isinstance(item, Scene):
            return self._scene(item, seed)
        try:
            built = _local.made[self._key]
        except (AttributeError, KeyError):
            built = self._built()
        try:
            return built.image(item, seed) if item.ndim == 3 else built.frames(item, seed)
        except Exception as error:  # cv2.error, ValueError, ZeroDivisionError ...: each transform fails in its own way
            if min(item.shape[-3:-1]) < TINY_PX and built.role is None:
                return item
            raise self._failure(error, item) from error

    def _scene(self, scene: Scene, seed: int | None) -> Scene:
        """The scene after it."""
        if not scene.image.size:
            return scene
        built = self._built()
        if built.role is not None and getattr(scene, built.role) is None:
            raise self._lack(built.role)
        try:
            changed, parameters = built.scene(scene.image, scene.points() | _near(scene, seed or 0), seed)
            return scene.moved(changed, built.targets, parameters)
        except Exception as error:
            if min(scene.image.shape[:2]) < TINY_PX:
                return scene
            raise self._failure(error, scene.image) from error

    def parameters_of(self, frames: np.ndarray, seed: int) -> tuple[Callable[..., np.ndarray], dict[str, Any]]:
        """What a seed draws for frames (t, h, w, 3), and the function that does it to one frame: (frame, **drawn)."""
        built = self._built()
        built.begin(seed)
        try:
            return built.one, built.drawn({"images": frames}, frames.shape[1:])
        except Exception as error:
            raise self._failure(error, frames) from error

    def _lack(self, role: str) -> DataError:
        return DataError(f"the image operation {self.transform} needs {role} beside the image")

    def _failure(self, error: Exception, pixels: np.ndarray) -> DataError:
        if isinstance(error, Lonely):
            return self._lack(str(error))
        height, width = pixels.shape[-3:-1]
        return DataError(
            f"the image operation {self.transform} failed on an image of {width} x {height} pixels:"
            f" {str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__}"
        )

    @cached_property
    def _key(self) -> str:
        return json.dumps([self.transform, self.parameters], sort_keys=True, default=str)

    def _built(self) -> Built:
        """This thread's own transform: transforms keep the state of their last call."""
        made: OrderedDict[str, Built] = _local.__dict__.setdefault("made", OrderedDict())
        built = made.get(self._key)
        if built is None:
            if len(made) >= KEPT:
                made.popitem(last=False)
            built = made[self._key] = Built(library.made(self.transform, {**self.parameters, "p": 1.0}))
        return built


def _near(scene: Scene, seed: int) -> dict[str, Any]:
    """One of the scene's boxes in pixels, for the transform that crops near a box."""
    corners = scene.corners
    if not len(corners):
        return {}
    height, width = scene.image.shape[:2]
    return {"cropping_bbox": (corners[seed % len(corners)] * [width, height, width, height]).round().astype(int)}
