"""A transform of Albumentations as it is called here: seeded for each item, and without what a call does besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ascontiguousarray

from curate.augment.operations import image_library as library
from curate.augment.operations.chance import Numbers, Stream
from curate.augment.operations.image_quick import QUICK

BYTES = np.dtype(np.uint8)


class Lonely(ValueError):
    """A transform that looks at a part of the row beside its image was given an image alone; its text is the role."""


class Built:
    """A transform with generators of its own. Not for two threads at once: it keeps the state of its last call."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform
        own, base = type(transform), library.library().BasicTransform
        if own.__name__ in QUICK:
            transform.apply = QUICK[own.__name__](transform)
        self.role = library.NEEDS.get(own.__name__)
        # What a transform does not redefine is not called.
        self._get = transform.get_params if own.get_params is not base.get_params else None
        own_update = own.update_transform_params is not base.update_transform_params
        self._update = transform.update_transform_params if own_update else None
        own_depend = own.get_params_dependent_on_data is not base.get_params_dependent_on_data
        self._depend = transform.get_params_dependent_on_data if own_depend else None
        self._constant = {
            name: getattr(transform, name)
            for name in ("interpolation", "fill", "fill_mask")
            if hasattr(transform, name)
        }
        self.targets: dict[str, Callable[..., Any]] = transform.targets
        self.one: Callable[..., np.ndarray] = self.targets["image"]
        self.many: Callable[..., np.ndarray] = self.targets["images"]
        self._parameters: dict[str, Any] | None = None
        self._numbers: Numbers | None = None
        self._seed: int | None = 0
        self._python = Stream()
        transform.set_random_state(_Awaited(self), self._python)
        if "bboxes" in self.targets:
            self._place_boxes(own.__name__)
        if self.role is not None:
            self.image = self.frames = self._needs_more

    def _needs_more(self, pixels: np.ndarray, seed: int | None) -> np.ndarray:
        raise Lonely(self.role)

    def _place_boxes(self, name: str) -> None:
        albumentations = library.library()
        bounds = albumentations.core
        if name == "Morphological":  # of several boxes it makes one around all of them
            self.targets = self.targets | {"bboxes": _one_by_one(self.targets["bboxes"])}
        boxes = bounds.bbox_utils.BboxProcessor(albumentations.BboxParams(format="albumentations"))
        points = bounds.keypoints_utils.KeypointsProcessor(albumentations.KeypointParams(format="xy"))
        self.transform.set_processors({"bboxes": boxes, "keypoints": points})

    def begin(self, seed: int | None) -> None:
        """Go on as from this seed; without one, of a transform that draws nothing, a draw would raise TypeError."""
        # What was drawn is kept until the next call begins, as the library does: noise and maps that were freed at once
        # would go back to the system, and each call would have to ask for their pages anew (100 of 700 microseconds of
        # GaussNoise).
        self._parameters = None
        self._python.begin(seed)
        self._seed = seed
        if self._numbers is not None and seed is not None:
            self._numbers.begin(seed)

    def awaited(self) -> np.random.Generator:
        """The generator of NumPy, as of the last `begin`; made for transforms that ask for one, which most do not."""
        if self._numbers is None:
            self._numbers = Numbers()
            self._numbers.begin(self._seed)  # type: ignore[arg-type]
            self.transform.set_random_state(self._numbers.generator, self._python)
        return self._numbers.generator

    def drawn(self, data: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
        """The parameters of one call, as the library draws them.

        Args:
            data: the parts of an item by the library's names.
            shape: of its image.
        """
        parameters = {} if self._get is None else self._get()
        if self._update is None:
            parameters["shape"] = shape
            if self._constant:
                parameters.update(self._constant)
        else:
            parameters = self._update(parameters, data)
        if self._depend is not None:
            parameters.update(self._depend(parameters, data))
        self._parameters = parameters
        return parameters

    def image(self, pixels: np.ndarray, seed: int | None) -> np.ndarray:
        """(h, w, 3) uint8 after a call that draws by a seed."""
        shape = pixels.shape
        if 0 in shape:
            return pixels
        self.begin(seed)
        pixels = ascontiguousarray(pixels)
        # As `drawn`, but for one call and one dict less: of the cheapest transforms those are a tenth.
        parameters = {"shape": shape, **self._constant} if self._get is None else self._get()
        if self._update is not None:
            parameters = self._update(parameters, {"image": pixels})
        elif self._get is not None:
            parameters["shape"] = shape
            if self._constant:
                parameters.update(self._constant)
        if self._depend is not None:
            parameters.update(self._depend(parameters, {"image": pixels}))
        self._parameters = parameters
        changed = self.one(pixels, **parameters)
        if changed.dtype is not BYTES or changed.ndim != 3 or changed.shape[2] != 3:
            _refuse(changed, pixels)
        return ascontiguousarray(changed)

    def frames(self, pixels: np.ndarray, seed: int | None) -> np.ndarray:
        """(t, h, w, 3) uint8 after a call, all alike."""
        if not pixels.size:
            return pixels
        self.begin(seed)
        pixels = np.ascontiguousarray(pixels)
        changed = self.many(pixels, **self.drawn({"images": pixels}, pixels.shape[1:]))
        _refuse(changed, pixels)
        return np.ascontiguousarray(changed)

    def scene(self, pixels: np.ndarray, parts: dict[str, Any], seed: int | None) -> tuple[np.ndarray, dict[str, Any]]:
        """(h, w, 3) uint8 after a call, and what was drawn for it from the image and its parts."""
        self.begin(seed)
        pixels = np.ascontiguousarray(pixels)
        parameters = self.drawn({"image": pixels, **parts}, pixels.shape)
        changed = self.one(pixels, **parameters)
        _refuse(changed, pixels)
        return np.ascontiguousarray(changed), parameters


class _Awaited:
    """Stands for a generator until a transform asks for it the first time."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._built.awaited(), name)


def _refuse(changed: np.ndarray, pixels: np.ndarray) -> None:
    """Raises ValueError for what is no longer a picture like the one that it was made from."""
    if changed.ndim != pixels.ndim or changed.shape[-1] != 3 or changed.dtype != BYTES:
        raise ValueError(f"it gave {changed.dtype} of shape {changed.shape}, not 8-bit RGB")


def _one_by_one(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A function of boxes (n, 5) that is asked for one box at a time."""

    def each(boxes: np.ndarray, **parameters: Any) -> np.ndarray:
        found = [
            np.column_stack([function(boxes[i : i + 1, :4], **parameters).reshape(-1, 4)[:1], boxes[i : i + 1, 4:]])
            for i in range(len(boxes))
        ]
        return np.concatenate(found)

    return each
