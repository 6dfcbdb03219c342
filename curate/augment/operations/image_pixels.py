"""Changes of pixel values by a given amount, as the policies of learned augmentation define them (after Pillow)."""

from __future__ import annotations

import numpy as np

from curate.errors import MissingPackage

VALUES = np.arange(256, dtype=np.float32)


def _cv2():
    try:
        import cv2
    except ImportError as error:
        raise MissingPackage("opencv-python-headless", "image", "augmenting images") from error
    return cv2


def brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """(h, w, 3) uint8 times a factor; 0 is black, 1 as it is."""
    return _looked_up(image, VALUES * np.float32(factor))


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """(h, w, 3) uint8 away from its mean grey by a factor; 0 is that grey, 1 as it is."""
    mean = round(float(grey(image).mean()))
    return _looked_up(image, mean + (VALUES - mean) * np.float32(factor))


def colour(image: np.ndarray, factor: float) -> np.ndarray:
    """(h, w, 3) uint8 away from its greys by a factor; 0 is grey, 1 as it is."""
    grey_rgb = _cv2().cvtColor(grey(image), _cv2().COLOR_GRAY2RGB)
    return _cv2().addWeighted(image, factor, grey_rgb, 1.0 - factor, 0.0)


def sharpness(image: np.ndarray, factor: float) -> np.ndarray:
    """(h, w, 3) uint8 away from its smoothed self by a factor; 0 is smooth, 1 as it is. The border stays."""
    if min(image.shape[:2]) < 3:
        return image
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
    smooth = image.copy()
    smooth[1:-1, 1:-1] = _cv2().filter2D(image, -1, kernel)[1:-1, 1:-1]
    return _cv2().addWeighted(image, factor, smooth, 1.0 - factor, 0.0)


def posterize(image: np.ndarray, bits: int) -> np.ndarray:
    """(h, w, 3) uint8 with that many bits per channel, 1 to 8."""
    return image & np.uint8((0xFF00 >> bits) & 0xFF)


def solarize(image: np.ndarray, threshold: int) -> np.ndarray:
    """(h, w, 3) uint8 with the values from a threshold in [0, 256] on inverted."""
    return _looked_up(image, np.where(threshold <= VALUES, 255 - VALUES, VALUES))


def autocontrast(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 with each channel stretched to [0, 255]; a channel of one value stays."""
    low, high = image.min((0, 1)).astype(np.float32), image.max((0, 1)).astype(np.float32)
    flat = high <= low
    scale = np.where(flat, 1.0, 255.0 / np.where(flat, 1.0, high - low))
    table = (VALUES[:, None] - np.where(flat, 0.0, low)) * scale
    return _looked_up(image, table, whole=False)


def equalize(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 with each channel's values spread evenly."""
    return np.dstack([_cv2().equalizeHist(np.ascontiguousarray(image[..., c])) for c in range(3)])


def grey(image: np.ndarray) -> np.ndarray:
    """(h, w) uint8 luma of an (h, w, 3) RGB image."""
    return _cv2().cvtColor(image, _cv2().COLOR_RGB2GRAY)


def _looked_up(image: np.ndarray, table: np.ndarray, whole: bool = True) -> np.ndarray:
    """The image through a table (256,) or (256, 3) of what becomes of each value, cut at 0 and 255."""
    values = np.clip(np.floor(table) if not whole else np.rint(table), 0, 255).astype(np.uint8)
    return _cv2().LUT(image, values if values.ndim == 1 else np.ascontiguousarray(values[:, None]))
