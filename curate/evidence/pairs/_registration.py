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


def warped(pictures: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p, S, S) pictures seen through (p, 2, 3) maps of coordinates, and the (p, S, S) bool of where they are seen."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "image", "comparing pictures") from None
    p, side, _ = pictures.shape
    out = np.empty((p, side, side), dtype=np.float32)
    seen = np.zeros((p, side, side), dtype=np.uint8)
    whole = np.ones((side, side), dtype=np.uint8)
    for picture, matrix, into, mask in zip(pictures, _of_pixels(maps, side), out, seen):
        cv2.warpAffine(
            picture, matrix, (side, side), into, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
        )
        cv2.warpAffine(whole, matrix, (side, side), mask, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, cv2.BORDER_CONSTANT)
    return out, seen.view(bool)


def _of_pixels(maps: np.ndarray, side: int) -> np.ndarray:
    """(p, 2, 3) float64 maps of pixels that are counted from 0, of maps of coordinates from -1 to 1."""
    turned = maps[:, :, :2].astype(np.float64)
    shift = (maps[:, :, 2] + 1) * (side / 2) - 0.5 - turned.sum(2) * (side / 2 - 0.5)
    return np.concatenate([turned, shift[:, :, None]], axis=2)


def refined(fixed: np.ndarray, moving: np.ndarray, maps: np.ndarray, steps: int) -> np.ndarray:
    """Better maps, by which `moving` looks like `fixed`, contrast aside.

    Args:
        fixed: (p, S, S) float32.
        moving: (p, S, S) float32.
        maps: (p, 2, 3) float32 to start from.
        steps: how many.
    """
    p, side, _ = fixed.shape
    x, y = coordinates(side)
    across, down = np.gradient(fixed, axis=2) * (side / 2), np.gradient(fixed, axis=1) * (side / 2)
    descent = np.stack([across * x, across * y, across, down * x, down * y, down], axis=1).reshape(p, 6, -1)
    # Over the whole picture, though a part may not be seen: it decides how long the steps are, not where they lead.
    hessian = descent @ descent.transpose(0, 2, 1)
    for _ in range(steps):
        seen, inside = warped(moving, maps)
        a, b, (spread_a, spread_b, _) = _moments(fixed, seen, inside)
        residual = (b * np.sqrt((spread_a + 1) / (spread_b + 1))[:, None] - a)[..., None]
        ridge = (1e-3 * spread_a * side * side + 1)[:, None, None] * np.eye(6, dtype=np.float32)
        change = np.linalg.solve(hessian + ridge, descent @ residual)[..., 0]
        maps = _limited(_composed(maps, change.reshape(p, 2, 3)))
    return maps


def _moments(
    left: np.ndarray, right: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Both pictures without their mean and 0 outside, (p, S * S); their variances and covariance, (p,)."""
    p = len(left)
    weight = inside.reshape(p, -1).astype(np.float32)
    total = np.maximum(weight.sum(1), 1)

    def centred(picture: np.ndarray) -> np.ndarray:
        flat = picture.reshape(p, -1)
        return (flat - (np.einsum("ij,ij->i", flat, weight) / total)[:, None]) * weight

    a, b = centred(left), centred(right)
    spread_a, spread_b, common = (np.einsum("ij,ij->i", one, other) / total for one, other in ((a, a), (b, b), (a, b)))
    return a, b, (spread_a, spread_b, common)


def correlation(left: np.ndarray, right: np.ndarray, inside: np.ndarray, noise: float) -> np.ndarray:
    """(p,) float32 correlation of pictures where both are seen; `noise` is a variance that tells nothing."""
    spread_a, spread_b, common = _moments(left, right, inside)[2]
    return (common / np.sqrt((spread_a + noise) * (spread_b + noise))).astype(np.float32)


def _composed(maps: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The maps after the inverse of small changes."""
    step, whole = (np.repeat(np.eye(3, dtype=np.float32)[None], len(maps), axis=0) for _ in range(2))
    step[:, :2] += change
    whole[:, :2] = maps
    return (whole @ np.linalg.inv(step))[:, :2]


def _limited(maps: np.ndarray) -> np.ndarray:
    start = np.eye(2, 3, dtype=np.float32)
    return (start + (maps - start).clip(-LARGEST_CHANGE, LARGEST_CHANGE)).astype(np.float32)
