"""Videos made of frames."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np

from curate.errors import MissingPackage

QUALITY = 8
"""Constant rate factor of H.264: what it loses is less than a camera's noise."""


def encode(frames: np.ndarray, rate: Fraction | int = 8) -> bytes:
    """An MP4 file (H.264) of some frames, the same bytes on any machine.

    Args:
        frames: (t, h, w, 3) uint8 RGB, at least one.
        rate: frames per second.

    Raises:
        MissingPackage: the extra ``video`` is not installed.
        ValueError: there is no frame, or it is no RGB.
    """
    try:
        import av
    except ImportError:
        raise MissingPackage("av", "video", "writing video") from None
    if frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size or frames.dtype != np.uint8:
        raise ValueError(f"frames must be (t, h, w, 3) uint8, not {frames.shape} {frames.dtype}")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        # One thread, so that the bytes don't depend on the machine's cores; 4:4:4 takes sides of any length.
        stream: Any = out.add_stream("libx264", rate=rate, options={"crf": str(QUALITY), "threads": "1"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv444p"
        for pixels in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return file.getvalue()
