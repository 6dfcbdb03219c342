"""Registration of small pictures: the affine map that carries one onto the other, for many pairs at once.

Inverse compositional (Baker and Matthews, Lucas-Kanade 20 Years On, 2004), from coarse to fine. All pairs of a chunk
are steps of the same arrays.
"""

from __future__ import annotations

import numpy as np

from curate.errors import MissingPackage
from curate.evidence.pairs._prints import coordinates

LARGEST_CHANGE = 0.16
"""Of any entry of the map: crops to 90 %, shifts by a twelfth, turns by some degrees; not one thing onto another."""
MOST_LINES = 4_096
"""Lines of pictures that are seen through their maps at once: places among more lines are less exact in float32, and
OpenCV takes images of less than 2^15 lines."""


def warped(pictures: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p, S, S) pictures seen through (p, 2, 3) maps of coordinates, and the (p, S, S) bool of where they are seen."""
    at_once = MOST_LINES // pictures.shape[-1]
    if len(pictures) > at_once:
        parts = [slice(begin, begin + at_once) for begin in range(0, len(pictures), at_once)]
        seen, inside = zip(*(warped(pictures[part], maps[part]) for part in parts))
        return np.concatenate(seen), np.concatenate(inside)
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "comparing pictures") from None
    p, side, _ = pictures.shape
    half = np.float32(side / 2)
    line = np.arange(side, dtype=np.float32) + np.float32(0.5) - half  # of pixels, counted from the middle
    x, y = (
        (row[:, 0, None] * line)[:, None, :] + (row[:, 1, None] * line + row[:, 2, None] * half)[:, :, None]
        for row in (maps[:, 0], maps[:, 1])
    )
    inside = (np.abs(x) <= half) & (np.abs(y) <= half)
    for places in (x, y):  # counted from 0; beyond the edge there is what stands at the edge
        places += half - np.float32(0.5)
        np.clip(places, 0, side - 1, out=places)
    # In steps that stay exact in float32 below `MOST_LINES`: a picture's place among the others changes nothing.
    y *= np.float32(1024)
    np.rint(y, out=y)
    y /= np.float32(1024)
    # All pictures stand in one, one below the other: a call for each would cost more than the small ones do.
    y += (np.arange(p, dtype=np.float32) * side)[:, None, None]
    joined, x, y = (each.reshape(p * side, side) for each in (pictures, x, y))
    return cv2.remap(joined, x, y, cv2.INTER_LINEAR).reshape(p, side, side), inside


def refined(
    fixed: np.ndarray, moving: np.ndarray, maps: np.ndarray, steps: int, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Better maps, by which `moving` looks like `fixed`, contrast aside; those given where they were better.

    Args:
        fixed: (p, S, S) float32.
        moving: (p, S, S) float32.
        maps: (p, 2, 3) float32 to start from.
        steps: how many.
        noise: see `correlation`.

    Returns:
        (p, 2, 3) float32 maps, and the (p,) float32 correlation of the pictures by them.
    """
    p, side, _ = fixed.shape
    descent = _descent(fixed)
    # Over the whole picture, though a part may not be seen: it decides how long the steps are, not where they lead.
    ridge = (1e-3 * fixed.reshape(p, -1).var(1) * side * side + 1)[:, None, None] * np.eye(6, dtype=np.float32)
    steepest = np.linalg.inv(descent @ descent.transpose(0, 2, 1) + ridge)
    tried, before = maps, None
    for _ in range(steps):
        a, b, spreads = _moments(fixed, *warped(moving, tried))
        if before is None:
            before = _correlated(spreads, noise)
        residual = (b * np.sqrt((spreads[0] + 1) / (spreads[1] + 1))[:, None] - a)[..., None]
        change = (steepest @ (descent @ residual))[..., 0]
        tried = _limited(_composed(tried, change.reshape(p, 2, 3)))
    after = correlation(fixed, *warped(moving, tried), noise)
    if before is None:
        return tried, after
    lost = before > after
    return np.where(lost[:, None, None], maps, tried), np.where(lost, before, after)


def _descent(pictures: np.ndarray) -> np.ndarray:
    """(p, 6, S * S) float32: how (p, S, S) pictures change with each entry of a map."""
    p, side, _ = pictures.shape
    x, y = coordinates(side)
    descent = np.empty((p, 6, side, side), dtype=np.float32)
    across, down = descent[:, 2], descent[:, 5]
    across[:, :, 1:-1] = (pictures[:, :, 2:] - pictures[:, :, :-2]) * np.float32(side / 4)
    across[:, :, 0] = (pictures[:, :, 1] - pictures[:, :, 0]) * np.float32(side / 2)
    across[:, :, -1] = (pictures[:, :, -1] - pictures[:, :, -2]) * np.float32(side / 2)
    down[:, 1:-1] = (pictures[:, 2:] - pictures[:, :-2]) * np.float32(side / 4)
    down[:, 0] = (pictures[:, 1] - pictures[:, 0]) * np.float32(side / 2)
    down[:, -1] = (pictures[:, -1] - pictures[:, -2]) * np.float32(side / 2)
    for place, slope, line in ((0, across, x), (1, across, y), (3, down, x), (4, down, y)):
        np.multiply(slope, line, out=descent[:, place])
    return descent.reshape(p, 6, -1)


def _moments(
    left: np.ndarray, right: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Both pictures without their mean and 0 outside, (p, S * S); their variances and covariance, (p,)."""
    p = len(left)
    weight = inside.reshape(p, -1).astype(np.float32)
    total = np.maximum(weight.sum(1), 1)

    def centred(picture: np.ndarray) -> np.ndarray:
        flat = picture.reshape(p, -1)
        flat = flat - (np.einsum("ij,ij->i", flat, weight) / total)[:, None]
        flat *= weight
        return flat

    a, b = centred(left), centred(right)
    spread_a, spread_b, common = (np.einsum("ij,ij->i", one, other) / total for one, other in ((a, a), (b, b), (a, b)))
    return a, b, (spread_a, spread_b, common)


def correlation(left: np.ndarray, right: np.ndarray, inside: np.ndarray, noise: float) -> np.ndarray:
    """(p,) float32 correlation of pictures where both are seen; `noise` is a variance that tells nothing."""
    return _correlated(_moments(left, right, inside)[2], noise)


def _correlated(spreads: tuple[np.ndarray, np.ndarray, np.ndarray], noise: float) -> np.ndarray:
    spread_a, spread_b, common = spreads
    return (common / np.sqrt((spread_a + noise) * (spread_b + noise))).astype(np.float32)


def _composed(maps: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The maps after the inverse of small changes."""
    step = change[:, :, :2] + np.eye(2, dtype=np.float32)
    (a, b), (c, d) = step.transpose(1, 2, 0)
    back = np.stack([d, -b, -c, a], axis=1).reshape(-1, 2, 2) / (a * d - b * c)[:, None, None]
    turned = maps[:, :, :2] @ back
    return np.concatenate([turned, maps[:, :, 2:] - turned @ change[:, :, 2:]], axis=2)


def _limited(maps: np.ndarray) -> np.ndarray:
    start = np.eye(2, 3, dtype=np.float32)
    return (start + (maps - start).clip(-LARGEST_CHANGE, LARGEST_CHANGE)).astype(np.float32)
