"""The decoded values: what one item of an image, audio or video column is once it is arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.errors import DataError


class DecodeError(DataError):
    """An item can't be decoded; the message is one sentence that says what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Image:
    """A decoded image.

    Attributes:
        pixels: (height, width, 3) uint8 RGB, upright (EXIF orientation applied), transparency laid on white.
        format: of the file, ``JPEG``, ``PNG``, ...
        mode: of the file in Pillow's terms, ``RGB``, ``L``, ``P``, ``RGBA``, ``CMYK``, ``I;16``, ...
        channels: of the file: 1 grey or palette, 2 grey with alpha, 3, 4.
        has_alpha: whether the file has transparency.
        frames: of an animation (or pages of a TIFF), of which `pixels` is the first.
    """

    pixels: np.ndarray
    format: str
    mode: str
    channels: int
    has_alpha: bool = False
    frames: int = 1

    @property
    def height(self) -> int:
        """Pixels from top to bottom, upright."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Pixels from left to right, upright."""
        return self.pixels.shape[1]

    @property
    def nbytes(self) -> int:
        """Memory of the pixels."""
        return self.pixels.nbytes


@dataclass(frozen=True, eq=False)
class Audio:
    """Decoded audio.

    Attributes:
        samples: (channels, n) float32, full scale is 1; samples that are not finite in the file are 0 here.
        rate: samples per second of `samples`.
        format: container and coding, ``WAV/PCM_16``, ``MP4/aac``.
        file_rate: samples per second in the file.
        non_finite: samples of the file that are NaN or infinite.
    """

    samples: np.ndarray
    rate: int
    format: str
    file_rate: int
    non_finite: int = 0

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[0]

    @property
    def seconds(self) -> float:
        """Length of what was decoded."""
        return self.samples.shape[1] / self.rate

    @property
    def nbytes(self) -> int:
        """Memory of the samples."""
        return self.samples.nbytes


@dataclass(frozen=True, eq=False)
class Video:
    """Decoded frames of a video.

    Attributes:
        frames: (t, h, w, 3) uint8 RGB, upright, evenly spaced over the length, perhaps smaller than the file's.
        times: (t,) float64, seconds from the start at which `frames` stand.
        format: container and coding, ``mp4/h264``.
        fps: mean frames per second of the file.
        seconds: length.
        width: of the file's frames, upright, in pixels.
        height: of the file's frames, upright, in pixels.
        frame_count: frames in the file.
        corrupt_frames: frames among those decoded that the decoder had to patch up.
        has_audio: whether there is a sound track.
    """

    frames: np.ndarray
    times: np.ndarray
    format: str
    fps: float
    seconds: float
    width: int
    height: int
    frame_count: int
    corrupt_frames: int = 0
    has_audio: bool = False

    @property
    def nbytes(self) -> int:
        """Memory of the frames."""
        return self.frames.nbytes
