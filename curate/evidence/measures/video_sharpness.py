"""Measures of how much fine detail the frames of a video hold: blur and hard compression take it away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure
from curate.evidence.measures.image import luma, opencv
from curate.media.item import Video

LEAST_SPREAD = 0.1
"""Levels (0 to 255) of coarse detail below which a frame has nothing that could be fine."""


class VideoSharpness(Measure):
    """Means over up to 8 evenly spaced frames of at most 256 pixels a side.

    fineness: standard deviation of the detail finer than a Gaussian of 1 pixel, over that of the detail between 1 and 2
    pixels: 0.86 and more in sharp photos, below 0.6 after a blur of 1.5 pixels; NaN where no frame has detail.
    edge_kurtosis: kurtosis of the Laplacian: 5 to 25 in most footage, more where compression has left nothing but
    strong edges.
    """

    name = "video.sharpness"
    modality = "video"
    libraries = ("opencv-python-headless",)
    fields = {"video.fineness": ("float32", ()), "video.edge_kurtosis": ("float32", ())}

    def measure(self, items: Sequence[Video]) -> dict[str, np.ndarray]:
        """Values of n videos."""
        rows = np.full((len(items), 2), np.nan)
        for row, item in zip(rows, items):
            values = np.array([sharpness_of(luma(frame)) for frame in item.frames])
            if np.isfinite(values).any():
                row[:] = np.nanmean(values[np.isfinite(values).all(1)], axis=0)
        return {"video.fineness": rows[:, 0], "video.edge_kurtosis": rows[:, 1]}


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
