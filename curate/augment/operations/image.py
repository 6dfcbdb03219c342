"""Operations on images and video frames: the transforms of Albumentations 2.0.8, by their own names and parameters."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.augment.operations.operation import Drawn, Operation
from curate.errors import ConfigError, DataError, MissingPackage, nearest

if TYPE_CHECKING:
    import types

ABSTRACT = ("BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D")
UNFIT = {
    "Normalize": "images stay 8-bit here; the feed normalises them",
    "ToFloat": "images stay 8-bit here; the feed makes them float",
    "FromFloat": "images are 8-bit here",
    "ToTensorV2": "the feed makes the tensors",
    "ToTensor3D": "the feed makes the tensors",
    "Lambda": "it takes functions, which a pipeline file can't hold",
    "FDA": "it needs reference images",
    "HistogramMatching": "it needs reference images",
    "PixelDistributionAdaptation": "it needs reference images",
    "Mosaic": "it needs other images",
    "OverlayElements": "it needs images to lay over",
    "TextImage": "it needs a text and its place for each image",
    "ToRGB": "images are RGB here",
    "ConstrainedCoarseDropout": "it needs a mask or boxes for each image",
    "MaskDropout": "it needs a mask for each image",
    "CropNonEmptyMaskIfExists": "it needs a mask for each image",
    "BBoxSafeRandomCrop": "it needs boxes for each image",
    "AtLeastOneBBoxRandomCrop": "it needs boxes for each image",
    "RandomSizedBBoxSafeCrop": "it needs boxes for each image",
    "RandomCropNearBBox": "it needs a box for each image",
}
"""Transforms that can't be used on an image alone, with the reason."""

TINY_PX = 16
"""Images with a shorter side than this stay as they are where a transform can't take them; larger ones are an error."""

_loading = threading.Lock()
_local = threading.local()


@cache
def _loaded() -> types.ModuleType:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would ask a server for its newest version
    part = "albumentations.pytorch"
    hidden = "albumentations" not in sys.modules and part not in sys.modules
    if hidden:
        sys.modules[part] = None  # type: ignore[assignment]  # its tensors are not used, and would load torch (2 s)
    try:
        return importlib.import_module("albumentations")
    except ImportError as error:
        raise MissingPackage("albumentations", "image", "augmenting images") from error
    finally:
        if hidden:
            del sys.modules[part]


def _albumentations() -> types.ModuleType:
    with _loading:
        return _loaded()


@cache
def names() -> tuple[str, ...]:
    """Names of the transforms that work on an image alone, sorted."""
    library = _albumentations()
    return tuple(
        name
        for name, value in sorted(vars(library).items())
        if isinstance(value, type)
        and issubclass(value, library.BasicTransform)
        and not issubclass(value, library.Transform3D)
        and name not in ABSTRACT
        and name not in UNFIT
    )


def _build(transform: str, parameters: dict[str, Any]) -> Any:
    """A new transform. Its own messages about its parameters become a ConfigError."""
    if transform not in names():
        if transform in UNFIT:
            raise ConfigError(f"the transform {transform} can't be used here: {UNFIT[transform]}")
        hint = nearest(transform, names()) or _nearest_ignoring_case(transform)
        raise ConfigError(f"unknown image operation {transform!r}{hint}; Albumentations has {', '.join(names())}")
    made = getattr(_albumentations(), transform)
    # Classes without a schema of their own refuse unknown parameters by their signature, and do not know `strict`.
    strict = {"strict": True} if "InitSchema" in vars(made) else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says of transforms that have a newer name
            return made(**parameters, **strict)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"image operation {transform}: {_sentence(error)}") from error


def _nearest_ignoring_case(name: str) -> str:
    lower = {known.lower(): known for known in names()}
    plain = name.replace("_", "").lower()
    hint = nearest(plain, lower)
    for low, known in lower.items():
        hint = hint.replace(repr(low), repr(known))
    return hint


def _sentence(error: Exception) -> str:
    """Pydantic's report of several lines as one line, without its links."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line.split(" [type=")[0] for line in lines if line and not line.startswith("For further information")]
    return ": ".join(kept[1:]) if len(kept) > 1 and "validation error" in kept[0] else " ".join(kept)


class Image(Operation):
    """One Albumentations transform. Cost: about 0.1 ms plus the transform's own."""

    modality: ClassVar[str] = "image"

    transform: str = Field(description="name of an Albumentations transform")
    parameters: dict[str, Any] = Field({}, description="its parameters, without p")

    @classmethod
    def of(cls, transform: str, parameters: dict[str, Any]) -> Image:
        """The operation of that name, with `p` as the transform has it by default where it is not given.

        Raises:
            ConfigError: unknown transform or wrong parameters.
        """
        built = _build(transform, parameters)
        rest = {key: value for key, value in parameters.items() if key != "p"}
        return cls(transform=transform, parameters=rest, p=float(built.p))

    @property
    def moves_pixels(self) -> bool:
        """Whether it changes where things are, so that masks and boxes would have to move along."""
        return not issubclass(getattr(_albumentations(), self.transform), _albumentations().ImageOnlyTransform)

    def draw(self, rng: np.random.Generator, item: np.ndarray) -> Drawn:
        """A seed of the transform's own generators."""
        return {"seed": int(rng.integers(0, 2**32))}

    def apply(self, item: np.ndarray, drawn: Drawn) -> np.ndarray:
        """The transform of an image (h, w, 3) uint8, or of all frames (t, h, w, 3) alike.

        Raises:
            DataError: the transform can't take an image of this size.
        """
        if not item.size:
            return item
        transform = self._built()
        transform.set_random_seed(drawn["seed"])
        key = "images" if item.ndim == 4 else "image"
        height, width = item.shape[-3:-1]
        try:
            changed = transform(force_apply=True, **{key: np.ascontiguousarray(item)})[key]
            if changed.ndim != item.ndim or changed.shape[-1] != 3 or changed.dtype != np.uint8:
                raise ValueError(f"it gave {changed.dtype} of shape {changed.shape}, not 8-bit RGB")
        except Exception as error:  # cv2.error, ValueError, ZeroDivisionError ...: each transform fails in its own way
            if min(height, width) < TINY_PX:
                return item.copy()
            raise DataError(
                f"the image operation {self.transform} failed on an image of {width} x {height} pixels:"
                f" {str(error).strip().splitlines()[-1]}"
            ) from error
        return changed if changed is not item else item.copy()

    def _built(self) -> Any:
        """This thread's own transform: transforms keep the state of their last call."""
        made: dict[str, Any] = _local.__dict__.setdefault("made", {})
        key = json.dumps([self.transform, self.parameters], sort_keys=True, default=str)
        if key not in made:
            made[key] = _build(self.transform, {**self.parameters, "p": 1.0})
        return made[key]
