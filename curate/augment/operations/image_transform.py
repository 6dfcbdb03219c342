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
from curate.augment.operations.chance import Numbers, Stream
from curate.augment.operations.image_magnitudes import NEUTRAL, scaled
from curate.augment.operations.operation import Drawn, Operation
from curate.augment.operations.scene import Scene
from curate.errors import DataError

TINY_PX = 16
"""Images with a shorter side than this stay as they are where a transform can't take them; larger ones are an error."""
KEPT = 4096
"""Built transforms that a thread keeps (some kB each): the settings of a recipe, at up to a hundred strengths."""

BYTES = np.dtype(np.uint8)

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

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """A seed of the transform's own generators."""
        return {"seed": int(rng.integers(0, 2**63))}

    def drawn_by(self, key: int, item: Any) -> Drawn:
        """The same from a key: its lower half is as good a seed."""
        return {"seed": key & (2**63 - 1)}

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """The transform of an image (h, w, 3) uint8, of all frames (t, h, w, 3) alike, or of a `Scene`.

        With a seed s it does what the transform does after ``set_random_state(Generator(Philox(key=s)), stream)``,
        with a `Stream` from s.

        Raises:
            DataError: the transform can't take an image of this size, or misses a part of the scene.
        """
        if isinstance(item, Scene):
            return self._scene(item, drawn["seed"])
        if not item.size:
            return item
        built = self._built()
        if built.role is not None:
            raise DataError(f"the image operation {self.transform} needs {built.role} beside the image")
        built.begin(drawn["seed"])
        try:
            return built.changed(item)[0]
        except Exception as error:  # cv2.error, ValueError, ZeroDivisionError ...: each transform fails in its own way
            if min(item.shape[-3:-1]) < TINY_PX:
                return item
            raise self._failure(error, item) from error

    def _scene(self, scene: Scene, seed: int) -> Scene:
        """The scene after it."""
        if not scene.image.size:
            return scene
        built = self._built()
        if built.role is not None and getattr(scene, built.role) is None:
            raise DataError(f"the image operation {self.transform} needs {built.role} beside the image")
        built.begin(seed)
        try:
            changed, parameters = built.changed(scene.image, scene.points() | _near(scene, seed))
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
            return built.one, built.drawn({"images": frames})
        except Exception as error:
            raise self._failure(error, frames) from error

    def _failure(self, error: Exception, pixels: np.ndarray) -> DataError:
        height, width = pixels.shape[-3:-1]
        return DataError(
            f"the image operation {self.transform} failed on an image of {width} x {height} pixels:"
            f" {str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__}"
        )

    @cached_property
    def _key(self) -> str:
        return json.dumps([self.transform, self.parameters], sort_keys=True, default=str)

    def _built(self) -> _Built:
        """This thread's own transform: transforms keep the state of their last call."""
        try:
            made: OrderedDict[str, _Built] = _local.made
        except AttributeError:
            made = _local.made = OrderedDict()
        found = made.get(self._key)
        if found is None:
            if len(made) >= KEPT:
                made.popitem(last=False)
            found = made[self._key] = _Built(library.made(self.transform, {**self.parameters, "p": 1.0}))
        return found


def _near(scene: Scene, seed: int) -> dict[str, Any]:
    """One of the scene's boxes in pixels, for the transform that crops near a box."""
    corners = scene.corners
    if not len(corners):
        return {}
    height, width = scene.image.shape[:2]
    return {"cropping_bbox": (corners[seed % len(corners)] * [width, height, width, height]).round().astype(int)}


def _one_by_one(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A function of boxes (n, 5) that is asked for one box at a time."""

    def each(boxes: np.ndarray, **parameters: Any) -> np.ndarray:
        found = [
            np.column_stack([function(boxes[i : i + 1, :4], **parameters).reshape(-1, 4)[:1], boxes[i : i + 1, 4:]])
            for i in range(len(boxes))
        ]
        return np.concatenate(found)

    return each


class _Built:
    """A transform of Albumentations with generators that are seeded only when it asks them for something."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform
        own, base = type(transform), library.library().BasicTransform
        self.role = library.NEEDS.get(own.__name__)
        self._gets = own.get_params is not base.get_params
        self._updates = own.update_transform_params is not base.update_transform_params
        self._depends = own.get_params_dependent_on_data is not base.get_params_dependent_on_data
        self._constant = {
            name: getattr(transform, name)
            for name in ("interpolation", "fill", "fill_mask")
            if hasattr(transform, name)
        }
        self.targets: dict[str, Callable[..., Any]] = transform.targets
        self.one: Callable[..., np.ndarray] = self.targets["image"]
        self.many: Callable[..., np.ndarray] = self.targets["images"]
        self._parameters: dict[str, Any] = {}
        self.numbers = Numbers()
        self.python = Stream()
        transform.set_random_state(self.numbers, self.python)
        if "bboxes" in self.targets:
            bounds = library.library().core
            if own.__name__ == "Morphological":  # of several boxes it makes one around all of them
                self.targets = self.targets | {"bboxes": _one_by_one(self.targets["bboxes"])}
            transform.set_processors(
                {
                    "bboxes": bounds.bbox_utils.BboxProcessor(library.library().BboxParams(format="albumentations")),
                    "keypoints": bounds.keypoints_utils.KeypointsProcessor(
                        library.library().KeypointParams(format="xy")
                    ),
                }
            )

    def begin(self, seed: int) -> None:
        """Go on as from this seed."""
        self.numbers.begin(seed)
        self.python.begin(seed)

    def drawn(self, data: dict[str, Any]) -> dict[str, Any]:
        """The parameters of one call, as the library draws them; what a transform does not redefine is not called."""
        transform = self.transform
        parameters = transform.get_params() if self._gets else {}
        if self._updates:
            parameters = transform.update_transform_params(parameters, data)
        else:
            parameters["shape"] = (data["image"] if "image" in data else data["images"][0]).shape
            parameters.update(self._constant)
        if self._depends:
            parameters.update(transform.get_params_dependent_on_data(parameters, data))
        return parameters

    def changed(self, pixels: np.ndarray, parts: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """The image, or all frames, after a call, and what it drew."""
        if not pixels.flags.c_contiguous:
            pixels = np.ascontiguousarray(pixels)
        key, function = ("images", self.many) if pixels.ndim == 4 else ("image", self.one)
        parameters = self.drawn({key: pixels} if parts is None else {key: pixels, **parts})
        # Kept until the next call, as the library does: noise and maps that were freed at once would go back to the
        # system, and each call would have to ask for their pages anew (100 of 700 microseconds of GaussNoise).
        self._parameters = parameters
        changed = function(pixels, **parameters)
        if changed.ndim != pixels.ndim or changed.shape[-1] != 3 or changed.dtype != BYTES:
            raise ValueError(f"it gave {changed.dtype} of shape {changed.shape}, not 8-bit RGB")
        return (changed if changed.flags.c_contiguous else np.ascontiguousarray(changed)), parameters
