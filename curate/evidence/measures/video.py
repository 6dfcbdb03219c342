"""Measures of video: size, length, light and motion of evenly spaced frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure
from curate.evidence.measures.image import histogram, light_of, luma
from curate.media.item import Video


class VideoStatistics(Measure):
    """What the container says, and the light and motion of up to 8 evenly spaced frames.

    brightness and contrast: means over the frames of what `image.brightness` and `image.contrast` are.
    brightness_spread: standard deviation of brightness over the frames. motion: mean absolute difference of luma (0 to
    1) between one of these frames and the next; 0 for a still picture.
    """

    name = "video.statistics"
    modality = "video"
    libraries = ("opencv-python-headless",)
    fields = {
        "video.seconds": ("float32", ()),
        "video.fps": ("float32", ()),
        "video.width": ("int32", ()),
        "video.height": ("int32", ()),
        "video.frame_count": ("int32", ()),
        "video.format": ("str", ()),
        "video.has_audio": ("bool", ()),
        "video.corrupt_fraction": ("float32", ()),
        "video.brightness": ("float32", ()),
        "video.brightness_spread": ("float32", ()),
        "video.contrast": ("float32", ()),
        "video.motion": ("float32", ()),
    }

    def measure(self, items: Sequence[Video]) -> dict[str, np.ndarray]:
        """Values of n videos."""
        rows = [self._row(item) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}

    def _row(self, item: Video) -> dict[str, float | str | bool]:
        lumas = np.stack([luma(frame) for frame in item.frames])
        light = light_of(np.stack([histogram(grey) for grey in lumas]))
        changes = np.abs(np.diff(lumas.astype(np.int16), axis=0)) / 255
        return {
            "seconds": item.seconds,
            "fps": item.fps,
            "width": item.width,
            "height": item.height,
            "frame_count": item.frame_count,
            "format": item.format,
            "has_audio": item.has_audio,
            "corrupt_fraction": item.corrupt_frames / len(item.frames),
            "brightness": light["brightness"].mean(),
            "brightness_spread": light["brightness"].std(),
            "contrast": light["contrast"].mean(),
            "motion": changes.mean() if len(changes) else 0.0,
        }
