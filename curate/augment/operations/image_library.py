"""Albumentations 2.0.8 as a library of image transforms: loading it, its names, and building one by its parameters."""

from __future__ import annotations

import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from curate.augment.operations.image_loading import load
from curate.errors import ConfigError, MissingPackage, nearest

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
}
"""Transforms that can't be used here, with the reason."""

NEEDS = {
    "ConstrainedCoarseDropout": "mask",
    "MaskDropout": "mask",
    "CropNonEmptyMaskIfExists": "mask",
    "BBoxSafeRandomCrop": "boxes",
    "AtLeastOneBBoxRandomCrop": "boxes",
    "RandomSizedBBoxSafeCrop": "boxes",
    "RandomCropNearBBox": "boxes",
}
"""Transforms that look at a part of the row beside its image -> the role that the task must have."""

CERTAIN = frozenset(
    (
        *("AutoContrast", "Equalize", "HorizontalFlip", "InvertImg", "NoOp", "TimeReverse", "ToGray", "ToSepia"),
        *("Transpose", "VerticalFlip"),
    )
)
"""Transforms that draw nothing, whatever their parameters."""

_loading = threading.Lock()


@cache
def _loaded() -> types.ModuleType:
    try:
        return load()
    except ImportError as error:
        raise MissingPackage("albumentations", "image", "augmenting images") from error


def library() -> types.ModuleType:
    """Albumentations, loaded once. Raises MissingPackage."""
    with _loading:
        return _loaded()


@cache
def names() -> tuple[str, ...]:
    """Names of the transforms that work on an image alone, sorted."""
    albumentations = library()
    return tuple(
        name
        for name, value in sorted(vars(albumentations).items())
        if isinstance(value, type)
        and issubclass(value, albumentations.BasicTransform)
        and not issubclass(value, albumentations.Transform3D)
        and name not in (*ABSTRACT, *UNFIT, *NEEDS)
    )


def made(transform: str, parameters: dict[str, Any]) -> Any:
    """A new transform.

    Raises:
        ConfigError: an unknown transform, or parameters that it refuses, in its own words.
    """
    if transform not in names() and transform not in NEEDS:
        if transform in UNFIT:
            raise ConfigError(f"the transform {transform} can't be used here: {UNFIT[transform]}")
        hint = nearest(transform, names()) or _nearest_ignoring_case(transform)
        raise ConfigError(f"unknown image operation {transform!r}{hint}; Albumentations has {', '.join(names())}")
    kind = getattr(library(), transform)
    # Classes without a schema of their own refuse unknown parameters by their signature, and do not know `strict`.
    strict = {"strict": True} if "InitSchema" in vars(kind) else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says of transforms that have a newer name
            return kind(**parameters, **strict)
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
