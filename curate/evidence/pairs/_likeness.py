"""How alike two pictures are once one is laid onto the other: as a whole, and in the part where they differ most."""

from __future__ import annotations

import numpy as np

from curate.evidence.pairs._exposure import in_light_of
from curate.evidence.pairs._prints import blurred

CODING_NOISE = 1.5
"""Standard deviation, in levels of luma (0 to 255), of what strong compression changes between the filters."""
MOST_NOISE = 0.1
"""Share of the contrast that may be put down to compression."""
NOISE = 0.5
"""Variance, in levels of the print, under which what pictures show may be noise."""
FINE_SHARE, COARSE_SHARE = 1.4 / 64, 8 / 64
"""Standard deviations of the blurs between which pictures are compared, as shares of the side."""
LEAST_SEEN = 0.6
"""Share of a window that must lie where both pictures are seen."""
PART_SHARE = 4 / 64
"""Standard deviation of the window of a part, as share of the side: a part is about a sixth of the side wide."""
FAINT = 0.05
"""Share of the picture's contrast under which a part shows nothing by which it could differ."""
PART_WEIGHT = 0.15
"""Taken off for a part that has nothing in common with the other picture: six tenths of that still pass 0.91."""
UNSURE = (0.8, 0.97)
"""Pairs between these are compared once more in the light of either picture: copies of screenshots and drawings, of
which light took the greys, were 0.83 alike and more."""


def likeness(left: np.ndarray, right: np.ndarray, inside: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The correlation of the pictures between two blurs, or less where a part of them differs.

    The whole may correlate though another thing stands before the same background, or though one edge is all that two
    pictures share. So the difference of the pictures is set against what either shows in every window: 0 for equal
    parts, about 1 for unrelated ones. From that of the most unlike window 0.15 of its value is taken off 1. What
    compression may have changed counts neither way; it matters in pictures of little contrast. Nor do greys that are
    white in one of the pictures because it was lit (`in_light_of`).

    Args:
        left: (p, S, S) float32 prints, 32 levels per standard deviation of luma.
        right: (p, S, S) float32 likewise, aligned.
        inside: (p, S, S) bool of where both are seen; nothing else is looked at.
        spread: (p,) float32 standard deviation of luma of the picture with less contrast, in levels.

    Returns:
        (p,) float32 in [0, 1].
    """
    found = _likeness(left, right, inside, spread)
    for one, other in ((left, right), (right, left)):
        unsure = np.flatnonzero((found >= UNSURE[0]) & (found < UNSURE[1]))
        lit, enough = in_light_of(one[unsure], other[unsure], inside[unsure])
        unsure, lit = unsure[enough], lit[enough]
        if len(unsure):
            again = _likeness(lit, other[unsure], inside[unsure], spread[unsure])
            found[unsure] = np.maximum(found[unsure], again)
    return found


def _likeness(left: np.ndarray, right: np.ndarray, inside: np.ndarray, spread: np.ndarray) -> np.ndarray:
    weight = inside.astype(np.float32)
    total = np.maximum(weight.sum((1, 2)), 1)[:, None, None]
    blurs = [(share * left.shape[-1], None) for share in (FINE_SHARE, COARSE_SHARE)]
    blurs = [(sigma_px, np.maximum(blurred(weight, sigma_px), 1e-3)) for sigma_px, _ in blurs]

    def band(picture: np.ndarray) -> np.ndarray:
        fine, coarse = (blurred(picture * weight, sigma_px) / seen for sigma_px, seen in blurs)
        found = fine - coarse
        return (found - (found * weight).sum((1, 2), keepdims=True) / total) * weight

    a, b = band(left), band(right)
    spread_a, spread_b = ((picture * picture).sum((1, 2), keepdims=True) / total + NOISE for picture in (a, b))
    coding = np.square(CODING_NOISE * 32 / np.maximum(spread, 1.0), dtype=np.float32)[:, None, None]
    contrast = np.sqrt(spread_a * spread_b)
    whole = (a * b).sum((1, 2), keepdims=True) / total / np.maximum(contrast - coding, (1 - MOST_NOISE) * contrast)
    b = b * np.sqrt(spread_a / spread_b)
    sigma_px = PART_SHARE * left.shape[-1]
    seen, apart, shown = (blurred(each, sigma_px) for each in (weight, (a - b) ** 2, a * a + b * b))
    part = apart / (shown + 2 * seen * (coding + FAINT * spread_a) + 1e-6)
    worst = np.where(seen > LEAST_SEEN, part, 0.0).max((1, 2))
    return np.minimum(whole[:, 0, 0], 1 - PART_WEIGHT * worst).clip(0, 1).astype(np.float32)
