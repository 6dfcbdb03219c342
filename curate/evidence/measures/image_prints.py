"""Prints of images: small pictures of even contrast by which near-duplicates are aligned and compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.errors import MissingPackage
from curate.evidence.measure import Measure
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
    modality = "image"
    parameters = {"side_px": SIDE_PX, "margin": MARGIN, "levels_per_spread": LEVELS_PER_SPREAD}
    libraries = ("opencv-python-headless",)
    fields = {"image.print": ("int8", (SIDE_PX, SIDE_PX)), "image.print_spread": ("float32", ())}

    def measure(self, items: Sequence[Image]) -> dict[str, np.ndarray]:
        """(n, 64, 64) prints and (n,) spreads."""
        prints, spreads = zip(*(picture_print(item.pixels, SIDE_PX) for item in items))
        return {"image.print": np.stack(prints), "image.print_spread": np.array(spreads)}


def picture_print(pixels: np.ndarray, side_px: int) -> tuple[np.ndarray, float]:
    """(h, w, 3) uint8 RGB -> its (side_px, side_px) int8 print and the spread of its luma."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "comparing images") from None
    height, width = pixels.shape[:2]
    top, left = round(height * MARGIN), round(width * MARGIN)
    inner = np.ascontiguousarray(pixels[top : height - top, left : width - left])
    grey = cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if max(grey.shape) > side_px:  # area averages when shrinking; enlarging, it would make steps
        smaller = (min(grey.shape[1], side_px), min(grey.shape[0], side_px))
        grey = cv2.resize(grey, smaller, interpolation=cv2.INTER_AREA)
    if grey.shape != (side_px, side_px):
        grey = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    spread = float(grey.std())
    levels = (grey - grey.mean()) * (LEVELS_PER_SPREAD / max(spread, LEAST_SPREAD))
    return np.rint(levels).clip(-127, 127).astype(np.int8), spread
