"""The decoded values: what one item of an image, audio or video column is once it is arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.errors import DataError, MissingPackage


class DecodeError(DataError):
    """An item can't be decoded; the message is one sentence that says what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Image:
    """A decoded image.

    Attributes:
        pixels: (height, width, 3) uint8 RGB, upright (EXIF orientation applied), transparency laid on white; smaller
            where it was decoded at a part of its size.
        format: of the file, ``JPEG``, ``PNG``, ...
        mode: of the file in Pillow's terms, ``RGB``, ``L``, ``P``, ``RGBA``, ``CMYK``, ``I;16``, ...
        channels: of the file: 1 grey or palette, 2 grey with alpha, 3, 4.
        has_alpha: whether the file has transparency.
        frames: of an animation (or pages of a TIFF), of which `pixels` is the first.
        orientation: EXIF orientation of the file, 1 to 8; 1 where it has none. `pixels` are turned by it.
        transparency: mean transparency of the file's pixels before they were laid on white: 0 opaque, 1 invisible.
        size: (width, height) of the file, upright, where `pixels` are fewer; None where they are all.
    """

    pixels: np.ndarray
    format: str
    mode: str
    channels: int
    has_alpha: bool = False
    frames: int = 1
    orientation: int = 1
    transparency: float = 0.0
    size: tuple[int, int] | None = None

    @property
    def height(self) -> int:
        """Pixels of the file from top to bottom, upright."""
        return self.pixels.shape[0] if self.size is None else self.size[1]

    @property
    def width(self) -> int:
        """Pixels of the file from left to right, upright."""
        return self.pixels.shape[1] if self.size is None else self.size[0]

    @property
    def luma(self) -> np.ndarray:
        """(height, width) uint8 luma (BT.601) of the pixels, made once for all that ask. Raises MissingPackage."""
        # Not a cached_property: up to Python 3.11 that holds one lock for all images, and threads wait for each other.
        made = self.__dict__.get("_luma")
        if made is None:
            try:
                import cv2
            except ImportError:
                raise MissingPackage("opencv-python-headless", "image", "measuring images") from None
            made = self.__dict__["_luma"] = cv2.cvtColor(np.ascontiguousarray(self.pixels), cv2.COLOR_RGB2GRAY)
        return made

    @property
    def nbytes(self) -> int:
        """Memory of the pixels and of their luma."""
        return self.pixels.nbytes // 3 * 4


@dataclass(frozen=True, eq=False)
class Mask:
    """A decoded segmentation mask.

    Attributes:
        values: (height, width) uint8, uint16 or int32: classes by number, or colours as ``65536 R + 256 G + B``.
        format: of the file, ``PNG``, ...
        mode: of the file in Pillow's terms.
        in_colour: whether the values are colours.
    """

    values: np.ndarray
    format: str
    mode: str
    in_colour: bool = False

    @property
    def nbytes(self) -> int:
        """Memory of the values."""
        return self.values.nbytes


@dataclass(frozen=True, eq=False)
class Audio:
    """Decoded audio.

    Attributes:
        samples: (channels, n) float32, full scale is 1; samples that are not finite in the file, or beyond 2^40,
            are 0 here.
        rate: samples per second of `samples`.
        format: container and coding, ``WAV/PCM_16``, ``MP4/aac``.
        file_rate: samples per second in the file.
        non_finite: samples of the file that are NaN, infinite or beyond any scale.
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
class Skim:
    """Small grey copies of many frames of a video.

    Attributes:
        copies: (m, h, w) uint8 luma, evenly spaced frames or key frames, in the order of time.
        times: (m,) float64, seconds from the start at which they stand.
        whole: whether they come from decoding every frame, and not from key frames alone.
    """

    copies: np.ndarray
    times: np.ndarray
    whole: bool


@dataclass(frozen=True)
class Sound:
    """How loud the sound track of a video is.

    Attributes:
        peak: largest sample, full scale is 1.
        level: root mean square of the samples.
        seconds: how much of the track was decoded.
        damage: why it could not be decoded; empty where it could.
    """

    peak: float
    level: float
    seconds: float
    damage: str = ""


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
        sound_start: seconds from the first frame to the first sample of the sound track; negative where it begins
            before, 0 without one.
        stamps: (frame_count,) float64, seconds from the start of all frames, by the container.
        declared_count: frames that the header promises; 0 where it promises none.
        decoded_count: frames that could be decoded; -1 where not all were tried (long videos).
        skim: small grey copies of frames in between; None where they were not asked for.
        sound: how loud the sound track is; None where there is none, or it was not asked for.
        middles: (t, h, w) uint8 luma, the middle of each of `frames` in the file's own pixels and upright or not as it
            is stored, from multiples of 16 pixels on; None where they were not asked for.
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
    sound_start: float = 0.0
    stamps: np.ndarray | None = None
    declared_count: int = 0
    decoded_count: int = -1
    skim: Skim | None = None
    sound: Sound | None = None
    middles: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the frames, the small copies and the middles among them."""
        looked_at = 0 if self.skim is None else self.skim.copies.nbytes
        return self.frames.nbytes + looked_at + (0 if self.middles is None else self.middles.nbytes)
