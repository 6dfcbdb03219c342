"""Prints of videos: a short film of very small pictures, by which copies are recognised whatever their coding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.errors import MissingPackage
from curate.evidence.measure import Measure
from curate.evidence.measures.image import luma
from curate.evidence.measures.image_prints import LEAST_SPREAD, LEVELS_PER_SPREAD
from curate.media.item import Video

SIDE_PX = 16
STEPS = 64
"""Moments of the film; each is the mean of the frames around it."""


class VideoPrint(Measure):
    """A film of up to 64 pictures of 16 x 16 pixels of luma, evenly spaced over the length of the video.

    video.print has mean 0 and 32 levels per standard deviation over the whole film; video.print_seconds are the times
    of its pictures, NaN for those that a shorter video does not have; video.print_spread is the standard deviation in
    levels of luma (0 to 255).
    """

    name = "video.print"
    modality = "video"
    parameters = {"side_px": SIDE_PX, "steps": STEPS, "levels_per_spread": LEVELS_PER_SPREAD}
    libraries = ("opencv-python-headless",)
    fields = {
        "video.print": ("int8", (STEPS, SIDE_PX, SIDE_PX)),
        "video.print_seconds": ("float32", (STEPS,)),
        "video.print_spread": ("float32", ()),
    }

    def measure(self, items: Sequence[Video]) -> dict[str, np.ndarray]:
        """Values of n videos."""
        films = [film(item) for item in items]
        names = ("video.print", "video.print_seconds", "video.print_spread")
        return {name: np.stack([np.asarray(made[i]) for made in films]) for i, name in enumerate(names)}


def film(item: Video) -> tuple[np.ndarray, np.ndarray, float]:
    """(64, 16, 16) int8 pictures, (64,) float32 seconds, and the spread of luma of a video."""
    if item.skim is not None and len(item.skim.copies):
        copies, times = item.skim.copies, item.skim.times
    else:
        copies, times = np.stack([luma(frame) for frame in item.frames]), item.times
    small = _small(copies)
    steps = min(STEPS, len(small))
    step = np.minimum(np.arange(len(small)) * steps // len(small), steps - 1)
    count = np.bincount(step, minlength=steps)
    pictures = np.zeros((steps, SIDE_PX, SIDE_PX), dtype=np.float32)
    np.add.at(pictures, step, small)
    pictures /= count[:, None, None]
    spread = float(pictures.std())
    levels = (pictures - pictures.mean()) * (LEVELS_PER_SPREAD / max(spread, LEAST_SPREAD))
    prints = np.zeros((STEPS, SIDE_PX, SIDE_PX), dtype=np.int8)
    seconds = np.full(STEPS, np.nan, dtype=np.float32)
    prints[:steps] = np.rint(levels).clip(-127, 127)
    seconds[:steps] = np.bincount(step, weights=times, minlength=steps) / count
    return prints, seconds, spread


def _small(copies: np.ndarray) -> np.ndarray:
    """(m, h, w) uint8 -> (m, 16, 16) float32 by area."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage("opencv-python-headless", "video", "comparing videos") from None
    size = (SIDE_PX, SIDE_PX)
    return np.stack([cv2.resize(copy, size, interpolation=cv2.INTER_AREA) for copy in copies]).astype(np.float32)
