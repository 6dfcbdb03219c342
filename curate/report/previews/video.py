"""Videos as a strip of frames."""

from __future__ import annotations

from curate.media.video import decode
from curate.report.previews.image import thumbnail
from curate.report.previews.item import Budget, Frames, LeftOut, Picture

FRAMES = 6


def video_preview(data: bytes, budget: Budget) -> Frames | LeftOut:
    """Frames spread evenly over the length.

    Raises:
        DecodeError: the video can't be decoded.
        MissingPackage: the extra ``video`` is not installed.
    """
    video = decode(data, FRAMES)
    shown = [thumbnail(frame, budget) for frame in video.frames[:FRAMES]]
    pictures = tuple(picture for picture in shown if isinstance(picture, Picture))
    return Frames(pictures, video.seconds) if pictures else LeftOut()
