"""Encoded segmentation masks -> the values of their pixels, as they stand in the file."""

from __future__ import annotations

import numpy as np

from curate.media.ending import check_end
from curate.media.image import MAX_PIXELS, opened
from curate.media.item import DecodeError, Mask
from curate.media.sniff import plainly, sniff

GREY = ("1", "L", "P", "I;16", "I;16B", "I;16L", "I")
"""Modes whose values are numbers of classes: those of a palette are its indices, not its colours."""


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Mask:
    """Decode a mask without changing its values: no colours of a palette, no 8 bits of 16, no turning by EXIF.

    Colour masks whose three channels agree are grey ones; of others each colour is one value, ``65536 R + 256 G + B``.
    Transparency is left aside.

    Args:
        data: the encoded file.
        max_pixels: width x height from which on a mask is refused, before any pixel is decoded.

    Raises:
        DecodeError: not an image, larger than `max_pixels`, cut off or damaged, or of numbers that are no classes.
        MissingPackage: the extra ``image`` is not installed.
    """
    if not data:
        raise DecodeError("the file is empty")
    known = sniff(data)
    check_end(data, known[0] if known else "")
    with opened(data, max_pixels, "mask") as image:
        mode, kind = image.mode, image.format or "unknown"
        try:
            image.load()
            if mode in GREY:
                values = np.asarray(image)
            elif mode == "LA":
                values = np.asarray(image)[:, :, 0]
            elif mode == "F":
                values = _whole(np.asarray(image))
            else:
                values = np.asarray(image if mode == "RGB" else image.convert("RGB"))
        except DecodeError:
            raise
        except Exception as error:  # Pillow's readers raise some fifteen kinds of exceptions on damaged files
            raise DecodeError(f"the {kind} mask is damaged or cut off ({plainly(error)})") from None
    return _mask(values, kind, mode)


def _mask(values: np.ndarray, kind: str, mode: str) -> Mask:
    if values.dtype == bool:
        return Mask(values.astype(np.uint8), kind, mode)
    if values.ndim == 2:
        return Mask(np.ascontiguousarray(values), kind, mode)
    red, green, blue = values[:, :, 0], values[:, :, 1], values[:, :, 2]
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return Mask(np.ascontiguousarray(red), kind, mode)
    colours = red.astype(np.int32) << 16 | green.astype(np.int32) << 8 | blue
    return Mask(colours, kind, mode, in_colour=True)


def _whole(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all() or (values != np.rint(values)).any() or np.abs(values).max(initial=0) > 2**31 - 1:
        raise DecodeError("the mask holds fractions, which are no numbers of classes")
    return values.astype(np.int32)
