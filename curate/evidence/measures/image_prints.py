"""Prints of images: small pictures of even contrast by which near-duplicates are aligned and compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.errors import MissingPackage
from curate.evidence.measure import Measure
from curate.evidence.measures.image import ENOUGH_PX
from curate.media.item import Image

SIDE_PX = 64
MARGIN = 0.04
"""Share of each side that is left out: turning a picture by some degrees paints its corners."""
LEVELS_PER_SPREAD = 32.0
"""Levels of the print per standard deviation of luma, so that four of them fit to either side."""
LEAST_SPREAD = 1.0
"""Standard deviation of luma (0 to 255) under which contrast is not raised any further: it is noise."""


class ImagePrint(Measure):
    """A 64 x 64 picture of luma, shrunk by area, without the outermost 4 % of each side.

    image.print has mean 0 and 32 levels per standard deviation, so that brightness and contrast play no part;
    image.print_spread is that standard deviation in levels of luma (0 to 255), near 0 for blank images.
    """

    name = "image.print"
    version = 2
    modality = "image"
    least_side = ENOUGH_PX
    parameters = {"side_px": SIDE_PX, "margin": MARGIN, "levels_per_spread": LEVELS_PER_SPREAD}
    libraries = ("opencv-python-headless",)
    fields = {"image.print": ("int8", (SIDE_PX, SIDE_PX)), "image.print_spread": ("float32", ())}

    def measure(self, items: Sequence[Image]) -> dict[str, np.ndarray]:
        """(n, 64, 64) prints and (n,) spreads."""
        small = np.stack([picture(item.luma, SIDE_PX) for item in items])
        spreads = small.std((1, 2))
        levels = small - small.mean((1, 2), keepdims=True)
        levels *= (LEVELS_PER_SPREAD / np.maximum(spreads, LEAST_SPREAD))[:, None, None]
        np.rint(levels, out=levels)
        return {"image.print": levels.clip(-127, 127, out=levels).astype(np.int8), "image.print_spread": spreads}


def picture(luma: np.ndarray, side_px: int) -> np.ndarray:
    """(h, w) uint8 luma -> (side_px, side_px) float32 by area, without the margins."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "comparing images") from None
    height, width = luma.shape
    top, left = round(height * MARGIN), round(width * MARGIN)
    grey = luma[top : height - top, left : width - left]
    while min(grey.shape) >= 2 * side_px:  # halves are many times cheaper than areas with fractions of pixels
        grey = cv2.resize(
            grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2],
            (grey.shape[1] // 2, grey.shape[0] // 2),
            interpolation=cv2.INTER_AREA,
        )
    grey = grey.astype(np.float32)
    if max(grey.shape) > side_px:  # area averages when shrinking; enlarging, it would make steps
        smaller = (min(grey.shape[1], side_px), min(grey.shape[0], side_px))
        grey = cv2.resize(grey, smaller, interpolation=cv2.INTER_AREA)
    if grey.shape != (side_px, side_px):
        grey = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return grey
