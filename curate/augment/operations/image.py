"""Operations on images and video frames: the transforms of Albumentations 2.0.8, by their own names and parameters."""

from __future__ import annotations

from curate.augment.operations import image_library as library
from curate.augment.operations.image_policies import POLICIES
from curate.augment.operations.image_presets import PRESETS
from curate.augment.operations.image_transform import Image

__all__ = ["OPERATIONS", "PRESETS", "Image", "names"]

OPERATIONS = POLICIES
"""Operations on images that are not one transform of Albumentations: name -> class."""


def names() -> tuple[str, ...]:
    """Names of the operations that work on an image alone, sorted."""
    return tuple(sorted((*library.names(), *OPERATIONS)))
