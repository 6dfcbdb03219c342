"""Small grey copies of many frames of a video, and the loudness of its sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.media.item import Skim, Sound
from curate.media.sniff import plainly

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SIDE_PX = 64
"""Longest side of the small copies."""
MOST_FRAMES = 6_000
"""Small copies that are kept of a video that is decoded from end to end; of more frames every second, third, ..."""
MOST_KEY_FRAMES = 240
"""Key frames that are looked at in a video that is too long to be decoded from end to end."""
SOUND_WINDOWS, WINDOW_SECONDS = 10, 3.0
"""Sound of up to 30 s is decoded whole, of more that many stretches, evenly spaced."""


@dataclass
class Skimmer:
    """Collects small grey copies of frames.

    Args:
        width: of the file's frames, in pixels.
        height: of the file's frames, in pixels.
    """

    width: int
    height: int
    copies: list[np.ndarray] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    _reformatter: Any = None

    def take(self, frame: VideoFrame) -> None:
        """Keep a copy of this frame."""
        from av.video.reformatter import VideoReformatter

        self._reformatter = self._reformatter or VideoReformatter()
        scale = min(1.0, SIDE_PX / max(self.width, self.height))
        small = self._reformatter.reformat(
            frame,
            width=max(1, round(self.width * scale)),
            height=max(1, round(self.height * scale)),
            format="gray",
            interpolation="AREA",
        )
        self.copies.append(small.to_ndarray())
        self.stamps.append(frame.pts if frame.pts is not None else self.stamps[-1] + 1 if self.stamps else 0)

    def skim(self, first: int, base: float, whole: bool) -> Skim:
        """The copies, with their times in seconds after the stamp `first`; `base` is the length of one tick."""
        if not self.copies:
            return Skim(np.zeros((0, 1, 1), np.uint8), np.zeros(0), whole)
        shape = self.copies[0].shape  # a stream may change its size on the way
        same = [copy.shape == shape for copy in self.copies]
        copies = np.stack([copy for copy, keep in zip(self.copies, same) if keep])
        times = (np.array(self.stamps, dtype=np.float64)[same] - first) * base
        return Skim(copies, times, whole)


def key_frames(container: InputContainer, stream: VideoStream, stamps: np.ndarray) -> Iterator[VideoFrame]:
    """The key frames at up to `MOST_KEY_FRAMES` of these time stamps, evenly spaced, each decoded alone.

    One that can't be decoded is passed over: the frames that are wanted say whether the video is damaged.
    """
    from av.error import FFmpegError

    if not len(stamps):
        return
    places = np.unique(np.linspace(0, len(stamps) - 1, min(len(stamps), MOST_KEY_FRAMES)).round().astype(np.int64))
    for stamp in stamps[places].tolist():
        try:
            container.seek(stamp, stream=stream, backward=True)
            for packet in container.demux(stream):
                if packet.is_keyframe and packet.size:
                    stream.codec_context.flush_buffers()
                    frames = [*stream.codec_context.decode(packet), *stream.codec_context.decode(None)]
                    stream.codec_context.flush_buffers()
                    yield from frames[:1]
                    break
        except (FFmpegError, ValueError, EOFError):
            continue


def sound(container: InputContainer, seconds: float) -> Sound | None:
    """How loud the first sound track is; None where there is none. Damage to it is said, and harms nothing else."""
    if not container.streams.audio:
        return None
    track = container.streams.audio[0]
    whole = seconds <= SOUND_WINDOWS * WINDOW_SECONDS
    starts = [0.0] if whole else [(i + 0.5) / SOUND_WINDOWS * seconds for i in range(SOUND_WINDOWS)]
    peak, squares, samples = 0.0, 0.0, 0
    try:
        for start in starts:
            for block in _stretch(container, track, start, seconds + 1.0 if whole else WINDOW_SECONDS):
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                squares += float(np.square(block, dtype=np.float64).sum())
                samples += block.size
    except Exception as error:  # as with pictures: any exception of the decoder means a damaged track
        return Sound(peak, 0.0, 0.0, plainly(error))
    level = (squares / samples) ** 0.5 if samples else 0.0
    channels = max(track.codec_context.channels or 1, 1)
    heard = samples / channels / (track.rate or 1)
    return Sound(peak, level, heard, "" if samples else "it holds no samples")


def _stretch(container: InputContainer, track: Any, start: float, seconds: float) -> Iterator[np.ndarray]:
    """Samples (full scale is 1) from about `start` on, for `seconds`."""
    base = float(track.time_base or 1)
    container.seek(int(start / base) + (track.start_time or 0), stream=track, backward=True)
    begin: float | None = None
    for frame in container.decode(track):
        now = frame.time if frame.time is not None else 0.0
        begin = now if begin is None else begin
        if now - begin >= seconds:
            return
        block = frame.to_ndarray()
        if block.dtype.kind == "u":
            yield (block.astype(np.float32) - 128) / 128
        elif block.dtype.kind == "i":
            yield block.astype(np.float32) / float(np.iinfo(block.dtype).max)
        else:
            yield np.nan_to_num(block.astype(np.float32, copy=False))
