"""Images as thumbnails."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from curate.media.image import decode
from curate.report.previews.item import Budget, LeftOut, Picture, data_uri

LARGEST_PX = 128
"""Longest side of a thumbnail; shown at up to 96, so that it stays sharp on dense screens."""
TINY_PX = 64


def image_preview(data: bytes, budget: Budget) -> Picture | LeftOut:
    """A thumbnail of an encoded image.

    Raises:
        DecodeError: the image can't be decoded.
        MissingPackage: the extra ``image`` is not installed.
    """
    return thumbnail(decode(data).pixels, budget)


def thumbnail(pixels: np.ndarray, budget: Budget) -> Picture | LeftOut:
    """(h, w, 3) uint8 -> at most `LARGEST_PX` on the longer side: PNG for tiny images, else JPEG."""
    from PIL import Image

    height, width = pixels.shape[:2]
    image = Image.fromarray(pixels)
    # A strip of 10,000 x 1 would shrink to nothing: no side falls below one pixel.
    scale = min(1.0, LARGEST_PX / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    tiny = max(height, width) <= TINY_PX
    out = BytesIO()
    if tiny:
        image.save(out, "PNG", optimize=True)
    else:
        image.save(out, "JPEG", quality=82, optimize=True)
    uri = data_uri("image/png" if tiny else "image/jpeg", out.getvalue())
    return Picture(uri, width, height, tiny) if budget.take(len(uri)) else LeftOut()
