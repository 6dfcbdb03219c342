"""Measures of images: size, light and sharpness."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from curate.errors import MissingPackage
from curate.evidence.measure import Measure
from curate.media.item import Image

ENOUGH_PX = 1_024
"""Longer side that measures of images can do with: twice that on which sharpness is measured."""
SHARPNESS_SIDE_PX = 512
LINES = 128
"""Lines of an image (or columns) over which what is fine is counted: of fewer than twice as many, all."""
STRIPS, REACH = 8, 3
"""Strips, in the middle of equal parts, in which those lines stand where their neighbours count, too; so many lines
further goes each to either side."""
COUNTED_LINES = 64
"""Of these, lines that percentiles are taken over."""
WINDOW = np.ones((7, 7), dtype=np.uint8)
"""Around a pixel, in which the range of luma is set against its Laplacian."""
LEAST_DIFFERENCE = 0.05
"""Mean difference of neighbouring pixels (0 to 255) below which an image has nothing that could be blurred."""


class ImageStatistics(Measure):
    """What the header and the histogram of luma say, and how sharp the image is.

    brightness and contrast are mean and standard deviation of luma (0 to 1), dark_level and light_level its 1st and
    99th percentile; entropy_bits is of its histogram (0 to 8). Of images with 256 lines and more, 128 lines count.
    sharpness is the variance of the Laplacian of luma (0 to 255) after the longer side was shrunk to at most 512
    pixels; detail is the share of the differences between neighbouring pixels that an average over 3 pixels removes,
    in the smoother of the two directions: above 0.17 for nearly all photos of any content and size, below 0.1 for
    those out of focus or smeared by motion, and for flat drawings. edge_sharpness is the 99th percentile of the
    Laplacian over that of the range within 7 x 7 pixels: 1 and more for edges of one pixel, below 0.3 for blurred ones.
    """

    name = "image.statistics"
    version = 4
    modality = "image"
    least_side = ENOUGH_PX
    parameters = {"sharpness_side_px": SHARPNESS_SIDE_PX}
    libraries = ("opencv-python-headless",)
    fields = {
        "image.width": ("int32", ()),
        "image.height": ("int32", ()),
        "image.channels": ("int32", ()),
        "image.frames": ("int32", ()),
        "image.has_alpha": ("bool", ()),
        "image.format": ("str", ()),
        "image.brightness": ("float32", ()),
        "image.contrast": ("float32", ()),
        "image.dark_level": ("float32", ()),
        "image.light_level": ("float32", ()),
        "image.entropy_bits": ("float32", ()),
        "image.sharpness": ("float32", ()),
        "image.detail": ("float32", ()),
        "image.edge_sharpness": ("float32", ()),
    }

    def measure(self, items: Sequence[Image]) -> dict[str, np.ndarray]:
        """Values of n images."""
        light = light_of(np.stack([histogram(spaced(item.luma, LINES)) for item in items]))
        fine = [_fine(item.luma) for item in items]
        edges, spans = (percentiles(np.stack([one[place] for one in fine])) for place in (2, 3))
        return {
            "image.width": np.array([item.width for item in items]),
            "image.height": np.array([item.height for item in items]),
            "image.channels": np.array([item.channels for item in items]),
            "image.frames": np.array([item.frames for item in items]),
            "image.has_alpha": np.array([item.has_alpha for item in items]),
            "image.format": np.array([item.format for item in items]),
            "image.sharpness": np.array([one[0] for one in fine]),
            "image.detail": np.array([one[1] for one in fine]),
            "image.edge_sharpness": edges / np.maximum(spans, 4.0),
            **{f"image.{name}": values for name, values in light.items()},
        }


def luma(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 RGB -> (h, w) uint8 luma (BT.601)."""
    cv2 = opencv()
    return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)


def histogram(grey: np.ndarray) -> np.ndarray:
    """(h, w) uint8 -> (256,) float64 shares."""
    counts = opencv().calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    return counts / counts.sum()


def light_of(shares: np.ndarray) -> dict[str, np.ndarray]:
    """(n, 256) histograms of luma -> brightness, contrast, dark_level, light_level, entropy_bits: (n,) float64."""
    levels = np.arange(256) / 255
    mean = shares @ levels
    spread = np.sqrt(((levels - mean[:, None]) ** 2 * shares).sum(1))
    reached = np.cumsum(shares, axis=1)
    return {
        "brightness": mean,
        "contrast": spread,
        "dark_level": levels[(reached >= 0.01).argmax(1)],
        "light_level": levels[(reached >= 0.99 - 1e-9).argmax(1)],
        # + 0 turns the -0.0 of a blank image into 0.0.
        "entropy_bits": -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(1) + 0.0,
    }


def shrunk_luma(grey: np.ndarray) -> np.ndarray:
    """(h, w) uint8 luma on at most 512 pixels a side."""
    cv2 = opencv()
    scale = SHARPNESS_SIDE_PX / max(grey.shape)
    if scale >= 1:
        return grey
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def _fine(grey: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """sharpness and detail of (h, w) uint8 luma, and the histograms behind edge_sharpness."""
    cv2 = opencv()
    grey = shrunk_luma(grey)
    strips = _strips(grey)
    edges, span = cv2.Laplacian(strips, cv2.CV_16S), cv2.morphologyEx(strips, cv2.MORPH_GRADIENT, WINDOW)
    if strips is not grey:
        edges, span = _inner(edges), _inner(span)
    sizes = cv2.convertScaleAbs(spaced(edges, COUNTED_LINES))
    return _variance(edges), detail(grey), histogram(sizes), histogram(spaced(span, COUNTED_LINES))


def sharpness(grey: np.ndarray) -> float:
    """Variance of the Laplacian of (h, w) uint8 luma, on at most 512 pixels a side."""
    return _fine(grey)[0]


def edge_sharpness(grey: np.ndarray) -> float:
    """99th percentile of the Laplacian of (h, w) uint8 luma over that of its range within 7 x 7 pixels; 0 if flat."""
    edges, spans = percentiles(np.stack(_fine(grey)[2:]))
    return float(edges / max(spans, 4.0))


def _strips(grey: np.ndarray) -> np.ndarray:
    """Parts of (h, w) luma, one below the other; all of it where it has fewer than twice `LINES` lines."""
    if len(grey) < 2 * LINES:
        return grey
    height = LINES // STRIPS + 2 * REACH
    starts = [(2 * place + 1) * len(grey) // (2 * STRIPS) - height // 2 for place in range(STRIPS)]
    return np.concatenate([grey[start : start + height] for start in starts])


def _inner(strips: np.ndarray) -> np.ndarray:
    """The lines of strips whose neighbours all stand beside them, copied: (`LINES`, w)."""
    parts = strips.reshape(STRIPS, -1, strips.shape[1])[:, REACH:-REACH]
    return parts.reshape(LINES, -1)


def _variance(values: np.ndarray) -> float:
    """Of (h, w) int16."""
    cv2 = opencv()
    return max(0.0, cv2.norm(values, cv2.NORM_L2SQR) / values.size - cv2.mean(values)[0] ** 2)


def detail(grey: np.ndarray) -> float:
    """Share of the differences of neighbours in (h, w) uint8 luma that averaging over 3 pixels removes, 0 to 1.

    The smaller of both directions, so that blur by motion shows; 1 where there are no differences to be blurred. After
    Crete and others, The Blur Effect (2007), with a narrower average, so that content matters less.
    """
    cv2 = opencv()
    grey = shrunk_luma(grey)
    kept = []
    for lines in (grey, cv2.transpose(grey)):
        if lines.shape[1] < 3:
            continue
        lines = spaced(lines, LINES)
        before, after = (_step(one) for one in (lines, cv2.blur(lines, (3, 1))))
        kept.append(after / before if before > LEAST_DIFFERENCE else 0.0)
    return float(np.clip(1.0 - max(kept, default=0.0), 0.0, 1.0))


def _step(lines: np.ndarray) -> float:
    """Mean difference of neighbours on lines, (n, length) uint8."""
    cv2 = opencv()
    return cv2.norm(lines[:, 1:], lines[:, :-1], cv2.NORM_L1) / (len(lines) * (lines.shape[1] - 1))


def spaced(lines: np.ndarray, count: int) -> np.ndarray:
    """`count` lines of (h, w, ...), evenly spaced and copied, since OpenCV is slow on lines that lie apart.

    All of them where there are fewer than twice as many.
    """
    return lines if len(lines) < 2 * count else lines.take(np.arange(count) * len(lines) // count, axis=0)


def percentiles(shares: np.ndarray) -> np.ndarray:
    """(n, 256) histograms -> (n,) float64 99th percentiles."""
    return (np.cumsum(shares, axis=1) < 0.99 - 1e-9).sum(1).astype(np.float64)


@cache
def opencv() -> Any:
    """OpenCV. Raises MissingPackage."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "measuring images") from None
    return cv2
