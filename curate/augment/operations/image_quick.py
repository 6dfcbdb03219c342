"""What transforms of Albumentations do to 8-bit pixels, byte for byte, in fewer passes and without its wrappers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

VALUES = np.arange(256, dtype=np.float32)

Apply = Callable[..., np.ndarray]


def jitter(transform: Any) -> Apply:
    """`ColorJitter.apply`: the arithmetic of its library, in one copy of the image instead of one per colour.

    Factors of exactly 0 and 1, which the library has cases of their own for, and other images go to the library.
    """
    import cv2
    from albucore.functions import sz_lut

    theirs, steps = transform.apply, transform.transforms

    def looked_up(pixels: np.ndarray, table: np.ndarray) -> None:
        whole = table.clip(0, 255, out=table).astype(np.uint8)
        sz_lut(pixels, whole, inplace=True)

    def brightness(pixels: np.ndarray, factor: float) -> None:
        looked_up(pixels, VALUES * np.float32(factor))

    def contrast(pixels: np.ndarray, factor: float) -> None:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        # The sum is of whole numbers: as exact as NumPy's, in a tenth of its time.
        mean = cv2.sumElems(grey)[0] / grey.size
        looked_up(pixels, VALUES * factor + mean * (1 - factor))

    def saturation(pixels: np.ndarray, factor: float) -> None:
        grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        cv2.addWeighted(pixels, factor, grey, 1 - factor, 0, pixels)

    def hue(pixels: np.ndarray, factor: float) -> None:
        coloured = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
        turned = np.mod(np.arange(256, dtype=np.int16) + 180 * factor, 180).astype(np.uint8)
        hues = cv2.extractChannel(coloured, 0)
        sz_lut(hues, turned, inplace=True)
        cv2.insertChannel(hues, coloured, 0)
        cv2.cvtColor(coloured, cv2.COLOR_HSV2RGB, pixels)

    ours = (brightness, contrast, saturation, hue)

    def apply(
        img: np.ndarray,
        brightness: float,
        contrast: float,
        saturation: float,
        hue: float,
        order: Sequence[int],
        **parameters: Any,
    ) -> np.ndarray:
        factors = (brightness, contrast, saturation, hue)
        if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3 or {0, 1} & set(factors):
            return theirs(img, *factors, order, **parameters)
        pixels = img.copy()
        for i in order:
            ours[i](pixels, factors[i])
        return pixels

    # Another version of the library may do other things by that name.
    names = [step.__name__ for step in steps]
    known = [f"adjust_{name}_torchvision" for name in ("brightness", "contrast", "saturation", "hue")]
    return apply if names == known else theirs


QUICK: dict[str, Callable[[Any], Apply]] = {"ColorJitter": jitter}
"""Name of a transform -> from one that is built to what is called in place of its `apply`."""
