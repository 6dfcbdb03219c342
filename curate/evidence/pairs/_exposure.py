"""Pictures of which one was lit until its bright parts turned white: the other one as that light would show it."""

from __future__ import annotations

import numpy as np

TOP_LEVELS = 2.0
"""Levels of the print below the brightest one that still count as white: what coding leaves of it."""
LEAST_WHITE = 0.1
"""Share of what is seen that must be white."""
LEAST_SHADED = 64
"""Pixels that must not be, of 4,096: both pictures are matched by them."""


def in_light_of(one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prints of pictures with the light of others: as bright and as contrasty, and white where that would be white.

    Mean and spread are matched over the pixels that are not white in the other one. Greys that the light made white are
    then no difference between the two; what is darker in either picture still is.

    Args:
        one: (p, S, S) float32 prints.
        other: (p, S, S) float32 prints, aligned.
        inside: (p, S, S) bool of where both are seen.

    Returns:
        (p, S, S) float32, and the (p,) bool of where the other one has enough white, and enough that is not.
    """
    top = np.where(inside, other, -np.inf).max((1, 2), keepdims=True)
    white = inside & (other >= top - TOP_LEVELS)
    shaded = (inside & ~white).astype(np.float32)
    count = shaded.sum((1, 2), keepdims=True)

    def moments(prints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = (prints * shaded).sum((1, 2), keepdims=True) / np.maximum(count, 1)
        variance = (np.square(prints - mean) * shaded).sum((1, 2), keepdims=True) / np.maximum(count, 1)
        return mean, np.sqrt(variance + 1)

    (mean, spread), (mean_lit, spread_lit) = moments(one), moments(other)
    lit = np.minimum((one - mean) * (spread_lit / spread) + mean_lit, top).astype(np.float32)
    enough = white.sum((1, 2)) >= LEAST_WHITE * inside.sum((1, 2))
    return lit, enough & (count[:, 0, 0] >= LEAST_SHADED)
