"""Measures of how much fine detail the frames of a video hold: blur and hard compression take it away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure
from curate.evidence.measures.image import luma, opencv
from curate.media.item import Video

LEAST_SPREAD = 0.1
"""Levels (0 to 255) of coarse detail below which a frame has nothing that could be fine."""
BLOCK = 8
LEAST_STEP = 2e-3
"""Levels that are added to the height of steps inside of blocks, so that a flat frame has no blocks."""


class VideoSharpness(Measure):
    """Means over up to 8 evenly spaced frames, shrunk to at most 256 pixels a side but for blockiness.

    fineness: standard deviation of the detail finer than a Gaussian of 1 pixel, over that of the detail between 1 and 2
    pixels: 0.86 and more in sharp photos, below 0.6 after a blur of 1.5 pixels; NaN where no frame has detail.
    edge_kurtosis: kurtosis of the Laplacian: 5 to 25 in most footage, more where compression has left nothing but
    strong edges.
    blockiness: how much higher steps of luma stand between blocks of 8 pixels than inside them, in the middle 256
    pixels of the file's own: 0.8 to 1.6 in footage that is coded well, 1.8 to 5 from an H.264 rate factor of 45 on; NaN
    where frames are smaller than two blocks.
    """

    name = "video.sharpness"
    modality = "video"
    libraries = ("opencv-python-headless",)
    fields = {
        "video.fineness": ("float32", ()),
        "video.edge_kurtosis": ("float32", ()),
        "video.blockiness": ("float32", ()),
    }

    def measure(self, items: Sequence[Video]) -> dict[str, np.ndarray]:
        """Values of n videos."""
        rows = np.full((len(items), 2), np.nan)
        blocks = np.full(len(items), np.nan)
        for row, item in enumerate(items):
            if item.middles is not None:
                blocks[row] = np.mean([blockiness(middle) for middle in item.middles])
        for row, item in zip(rows, items):
            values = np.array([sharpness_of(luma(frame)) for frame in item.frames])
            if np.isfinite(values).any():
                row[:] = np.nanmean(values[np.isfinite(values).all(1)], axis=0)
        return {"video.fineness": rows[:, 0], "video.edge_kurtosis": rows[:, 1], "video.blockiness": blocks}


def sharpness_of(grey: np.ndarray) -> tuple[float, float]:
    """(fineness, kurtosis of the Laplacian) of (h, w) uint8 luma; NaN where it has no detail."""
    cv2 = opencv()
    exact = grey.astype(np.float32)
    soft, softer = cv2.GaussianBlur(exact, (0, 0), 1), cv2.GaussianBlur(exact, (0, 0), 2)
    coarse = float((soft - softer).std(dtype=np.float64))
    edges = cv2.Laplacian(exact, cv2.CV_32F).astype(np.float64)
    edges -= edges.mean()
    squares = edges * edges
    spread = float(squares.mean())
    if coarse < LEAST_SPREAD or spread <= 0:
        return float("nan"), float("nan")
    return float((exact - soft).std(dtype=np.float64)) / coarse, float((squares * squares).mean()) / spread**2


def blockiness(grey: np.ndarray) -> float:
    """Mean height of lone steps at the borders of blocks of (h, w) uint8 luma over that of lone steps inside.

    A step is lone by as much as it is higher than both steps beside it, which edges and textures hardly are.

    Source: compares as the measures of Wang, Sheikh, Bovik 2002 (No-reference perceptual quality assessment of JPEG
    compressed images) do, with steps that stand alone in place of all.
    """
    if min(grey.shape) < 2 * BLOCK:
        return float("nan")
    heights = np.zeros(2)
    for across in (grey, grey.T):
        steps = np.abs(np.diff(across.astype(np.int16), axis=1))
        lone = np.maximum(steps[:, 1:-1] - np.maximum(steps[:, :-2], steps[:, 2:]), 0).mean(0)
        border = np.arange(1, steps.shape[1] - 1) % BLOCK == BLOCK - 1
        heights += _usual(lone[border]), _usual(lone[~border])
    return float(heights[0] / (heights[1] + LEAST_STEP))


def _usual(heights: np.ndarray) -> float:
    """Mean without the highest tenth: bars and the like make one high step, blocks of compression many."""
    return float(np.sort(heights)[: len(heights) - -(-len(heights) // 10)].mean())
