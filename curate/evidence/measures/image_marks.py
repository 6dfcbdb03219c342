"""Measures of what marks an image out from others of its set: turned, see-through, without colour, framed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure
from curate.evidence.measures.image import ENOUGH_PX, opencv, spaced
from curate.media.item import Image

SIDE_PX = 256
"""Longest side of the copy on which frames are measured."""
LEAST_SIDE_PX = 16
"""Smaller images have no frame that could be told from their content."""
COLOUR_LINES = 64
"""Lines of an image on which colour is measured, evenly spaced; of images with less than twice as many, all."""
EDGE_POINTS = 64
"""Places along an edge at which it is looked at first."""
FRAME_TOLERANCE = 6
"""Levels (0 to 255) by which the pixels of a frame may differ from its colour: JPEG leaves that much. In images that
don't use the whole scale less in proportion, but at least 2."""
FRAME_STRAYS = 0.05
"""Share of the pixels of a line of a frame that may be of another colour: rounded corners, a logo."""
OTHER_COLOUR = 4.0
"""Pixels that differ by this many times the tolerance are of another colour; what is less may be ringing."""
STRAIGHT_SHARE = 0.65
"""A frame ends where at least this share of a line differs (by twice the tolerance) at once, on average over opposite
sides; a plain background ends at the outline of a thing."""
EXTREME = (10, 245)
"""A frame on one side alone is taken for one only if it is black or white: skies are plain, too."""


class ImageMarks(Measure):
    """Orientation tag, transparency, colour, and uniform frames.

    orientation: EXIF, 1 to 8 (the pixels are turned by it). transparency: mean, 0 opaque to 1 invisible. chroma: 99th
    percentile over pixels of the largest less the smallest of R, G and B (0 to 1); 0 for greys. margin_fraction: share
    of the area outside the box around all that is not of the colour of the edges. border_fraction: the same for
    margins that end in a straight line, as letterbox bars, scanner borders and picture frames do.
    """

    name = "image.marks"
    version = 3
    modality = "image"
    least_side = ENOUGH_PX
    parameters = {"side_px": SIDE_PX, "tolerance": FRAME_TOLERANCE, "strays": FRAME_STRAYS, "straight": STRAIGHT_SHARE}
    libraries = ("opencv-python-headless",)
    fields = {
        "image.orientation": ("int32", ()),
        "image.transparency": ("float32", ()),
        "image.chroma": ("float32", ()),
        "image.margin_fraction": ("float32", ()),
        "image.border_fraction": ("float32", ()),
    }

    def measure(self, items: Sequence[Image]) -> dict[str, np.ndarray]:
        """Values of n images."""
        frames = np.zeros((len(items), 2))
        for place in np.flatnonzero(plain_edges(items)).tolist():
            frames[place] = frame_fractions(shrunk(items[place].pixels))
        return {
            "image.orientation": np.array([item.orientation for item in items]),
            "image.transparency": np.array([item.transparency for item in items]),
            "image.chroma": chroma([spaced(item.pixels, COLOUR_LINES) for item in items]),
            "image.margin_fraction": frames[:, 0],
            "image.border_fraction": frames[:, 1],
        }


def plain_edges(items: Sequence[Image]) -> np.ndarray:
    """(n,) bool: whether an edge of the images may be of one colour once they are shrunk; in doubt, yes.

    Where none is there are no frames, and nothing to shrink for.
    """
    plain = np.array([min(item.pixels.shape[:2]) >= LEAST_SIDE_PX for item in items])
    # Luma is quicker, and differs from its median by no more than the colours differ, but for its rounding.
    for slack, pictures in ((1, [item.luma for item in items]), (0, [item.pixels for item in items])):
        left = np.flatnonzero(plain)
        if not len(left):
            break
        apart = _apart([pictures[place] for place in left.tolist()])
        plain[left] = (apart <= 1.5 * FRAME_TOLERANCE + slack).any(1)
    return plain


def _apart(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """(n, 4) float64: how far the four edges of (h, w) or (h, w, 3) uint8 pictures are from their median, on average.

    In levels (0 to 255), of the colour that differs most.
    """
    edges = np.zeros((len(pictures), 4, EDGE_POINTS, *pictures[0].shape[2:]), dtype=np.uint8)
    for pixels, own in zip(pictures, edges):
        _sample_edges(pixels, own)
    middle = np.sort(edges, axis=2)[:, :, EDGE_POINTS // 2, None]
    apart = np.abs(edges - middle.astype(np.int16)).reshape(*edges.shape[:3], -1)
    return apart.max(3).mean(2)


def _sample_edges(pixels: np.ndarray, edges: np.ndarray) -> None:
    """Fill in (4, 64) or (4, 64, 3) uint8 with means along the edges."""
    cv2 = opencv()
    depth = -(-max(pixels.shape[:2]) // SIDE_PX)  # lines that become one when the picture is shrunk
    across = (cv2.transpose(pixels[:, :depth]), cv2.transpose(pixels[:, -depth:]))  # quicker than to shrink columns
    for edge, strip in zip(edges, (pixels[:depth], pixels[-depth:], *across)):
        edge[:] = cv2.resize(strip, (EDGE_POINTS, 1), interpolation=cv2.INTER_AREA)[0]


def shrunk(pixels: np.ndarray, side: int = SIDE_PX) -> np.ndarray:
    """(h, w, 3) uint8 -> the same picture with at most `side` pixels on the longer side."""
    cv2 = opencv()
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(pixels)
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    # averages over fractions of pixels cost as much as decoding; down to half the size nothing is skipped without them
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA)


def chroma(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """99th percentile of the spread of (h, w, 3) uint8 RGB pictures between the channels: (n,) float64, 0 to 1."""
    cv2 = opencv()
    counts = np.empty((len(pictures), 256), dtype=np.float32)
    for own, pixels in zip(counts, pictures):
        red, green, blue = cv2.split(pixels)
        spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
        own[:] = cv2.calcHist([spread], [0], None, [256], [0, 256]).ravel()
    reached = np.cumsum(counts, axis=1, dtype=np.float64)
    return (reached < 0.99 * reached[:, -1:]).sum(1) / 255


def frame_fractions(pixels: np.ndarray) -> tuple[float, float]:
    """Shares of the area of (h, w, 3) uint8 that are margin, and that are margin with a straight inner edge."""
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE_PX:
        return 0.0, 0.0
    tolerance = max(2.0, FRAME_TOLERANCE * float(pixels.max() - pixels.min()) / 255)
    top, bottom = _side(pixels, tolerance), _side(pixels[::-1], tolerance)
    if top[0] + bottom[0] >= height:  # of one colour throughout: nothing is framed
        return 0.0, 0.0
    inner = pixels[top[0] : height - bottom[0]]
    across = inner.swapaxes(0, 1)
    left, right = _side(across, tolerance), _side(across[::-1], tolerance)
    margin = 1.0 - inner.shape[0] * max(width - left[0] - right[0], 0) / (height * width)
    depths = [_framed(pair) for pair in ((top, bottom), (left, right))]
    border = 1.0 - (height - depths[0]) * (width - depths[1]) / (height * width)
    return margin, border


def _side(lines: np.ndarray, tolerance: float) -> tuple[int, float, bool]:
    """Lines of one colour from the first on, share of the next line that differs, whether they are black or white."""
    ordered = np.sort(lines[0], axis=0).astype(np.float64)  # many times faster than numpy's median
    colour = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    if np.abs(lines[0] - colour).max(-1).mean() > tolerance:
        return 0, 0.0, False
    apart = np.abs(lines.astype(np.int16) - colour.astype(np.int16)).max(-1)
    ended = (apart.mean(1) > tolerance) | ((apart > OTHER_COLOUR * tolerance).mean(1) > FRAME_STRAYS)
    depth = int(ended.argmax()) if ended.any() else len(lines)
    beyond = (apart[depth : depth + max(2, len(lines) // 50)] > 2 * tolerance).mean(1)
    return depth, float(beyond.max(initial=0.0)), bool(colour.max() <= EXTREME[0] or colour.min() >= EXTREME[1])


def _framed(pair: tuple[tuple[int, float, bool], tuple[int, float, bool]]) -> int:
    """Lines of frame on two opposite sides together."""
    (first, ends, black), (last, starts, dark) = pair
    if first and last and (ends + starts) / 2 >= STRAIGHT_SHARE:
        return first + last
    return first * (black and ends >= STRAIGHT_SHARE) + last * (dark and starts >= STRAIGHT_SHARE)
