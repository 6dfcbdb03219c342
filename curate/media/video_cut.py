"""Stretches of a video as videos of their own, pictures and sound encoded anew so that they begin at any frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.media.container import opened
from curate.media.item import DecodeError
from curate.media.video import MAX_PIXELS

if TYPE_CHECKING:
    from av.container import InputContainer

CLOCK = Fraction(1, 90_000)
"""Unit of the times in what is written, in seconds."""
LAG_SECONDS = 1.0
"""By how much sound may stand behind the pictures that it belongs to."""


class _Clip:
    """One stretch, written while frames of it come by."""

    def __init__(self, container: InputContainer, start: float, end: float, quality: int) -> None:
        self.start, self.end, self.frames = start, end, 0
        self._source, self._quality = container, quality
        self._file = BytesIO()
        self._out: Any = None
        self._sound: Any = None
        self._heard = 0

    def take_picture(self, frame: Any, seconds: float) -> None:
        """A frame that stands at `seconds` of the source."""
        import av

        turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        if turns:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns)))
        if self._out is None:
            self._open(frame.width, frame.height)
        frame = frame.reformat(format=self._picture.codec_context.pix_fmt)
        frame.pts, frame.time_base = round((seconds - self.start) / CLOCK), CLOCK
        frame.pict_type = 0  # whether it was a key frame in the source says nothing here
        self._mux(self._picture, frame)
        self.frames += 1

    def take_sound(self, frame: Any) -> None:
        """Samples that begin within the stretch."""
        if self._sound is None:
            return
        for part in self._resampler.resample(frame):
            part.pts, part.time_base = self._heard, Fraction(1, part.sample_rate)
            self._heard += part.samples
            self._mux(self._sound, part)

    def finished(self) -> bytes:
        """The file. Raises DecodeError where no frame came by."""
        if self._out is None:
            raise DecodeError(f"the video has no frame between {self.start:.2f} and {self.end:.2f} s")
        for stream in (self._picture, *([self._sound] if self._sound is not None else [])):
            self._mux(stream, None)
        self._out.close()
        return self._file.getvalue()

    def _mux(self, stream: Any, frame: Any) -> None:
        for packet in stream.encode(frame):
            self._out.mux(packet)

    def _open(self, width: int, height: int) -> None:
        import av

        source = self._source.streams.video[0]
        self._out = av.open(self._file, "w", format="mp4")
        # One thread, so that the bytes don't depend on the machine's cores; rows are what goes on in parallel.
        options = {"crf": str(self._quality), "preset": "fast", "threads": "1"}
        self._picture = self._out.add_stream("libx264", rate=source.average_rate or 25, options=options)
        self._picture.width, self._picture.height = width, height
        self._picture.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        self._picture.codec_context.time_base = CLOCK
        if self._source.streams.audio:
            rate = self._source.streams.audio[0].rate
            self._sound = self._out.add_stream("aac", rate=rate)
            layout = "mono" if self._source.streams.audio[0].channels == 1 else "stereo"
            self._sound.layout = layout
            self._resampler = av.AudioResampler("fltp", layout, rate, frame_size=1024)


def cut(data: bytes, spans: Sequence[tuple[float, float]], quality: int = 18) -> list[bytes]:
    """Stretches of a video as MP4 files (H.264, AAC), upright; frames keep their times, sound its place beside them.

    Args:
        data: the encoded video.
        spans: start and end of each stretch in seconds from the first frame, the end not included; they may overlap.
        quality: constant rate factor of H.264: 0 loses nothing, 18 is hardly seen, 51 is worst.

    Raises:
        DecodeError: not a video, damaged, too large, or a stretch without frames.
        MissingPackage: the extra ``video`` is not installed.
    """
    with opened(data, "video", {"max_pixels": str(MAX_PIXELS)}) as container:
        if not container.streams.video:
            raise DecodeError("the file has no picture track")
        clips = [_Clip(container, start, end, quality) for start, end in spans]
        first: float | None = None
        tracks = [container.streams.video[0], *container.streams.audio[:1]]
        waiting: list[Any] = []
        for frame in container.decode(*tracks):
            if frame.pts is None:
                continue
            if isinstance(frame, _video_frame()):
                first = float(frame.pts * frame.time_base) if first is None else first
                seconds = float(frame.pts * frame.time_base) - first
                for clip in clips:
                    if clip.start - 1e-6 <= seconds < clip.end - 1e-6:
                        clip.take_picture(frame, seconds)
            waiting = _heard(waiting, frame, clips, first)
        for frame in waiting:
            _place(frame, clips, first or 0.0, anyway=True)
        return [clip.finished() for clip in clips]


def cut_between(container: InputContainer, start: float, end: float, quality: int) -> bytes:
    """One stretch of an open video as an MP4 file, as `cut` makes it, in seconds from the beginning of the container.

    Raises:
        DecodeError: there is no frame in it.
    """
    origin = (container.start_time or 0) / 1_000_000
    clip = _Clip(container, start, end, quality)
    container.seek(round((start + origin) * 1_000_000), backward=True)
    waiting: list[Any] = []
    tracks: list[Any] = [container.streams.video[0], *container.streams.audio[:1]]
    for frame in container.decode(*tracks):
        if frame.pts is None:
            continue
        if isinstance(frame, _video_frame()):
            seconds = float(frame.pts * frame.time_base) - origin
            if clip.start - 1e-3 <= seconds < clip.end - 1e-3:
                clip.take_picture(frame, seconds)
            elif seconds >= clip.end + LAG_SECONDS:
                break
        waiting = _heard(waiting, frame, [clip], origin)
    for frame in waiting:
        _place(frame, [clip], origin, anyway=True)
    return clip.finished()


def _video_frame() -> type[Any]:
    import av

    return av.VideoFrame


def _heard(waiting: list[Any], frame: Any, clips: list[_Clip], first: float | None) -> list[Any]:
    """Give sound to the clips that it belongs to as soon as these have a picture; what must wait for one."""
    if not isinstance(frame, _video_frame()):
        waiting = [*waiting, frame]
    if first is None:
        return waiting
    return [one for one in waiting if not _place(one, clips, first, anyway=False)]


def _place(frame: Any, clips: list[_Clip], first: float, anyway: bool) -> bool:
    """Whether a frame of sound was given to all clips that it belongs to."""
    seconds = float(frame.pts * frame.time_base) - first
    mine = [clip for clip in clips if clip.start - 1e-6 <= seconds < clip.end - 1e-6]
    if not anyway and any(not clip.frames for clip in mine):
        return False
    for clip in mine:
        clip.take_sound(frame)
    return True
