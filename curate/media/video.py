"""Encoded video -> evenly spaced frames, and what a look at the others says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.media.audio import MAX_SECONDS
from curate.media.container import opened, undecoded
from curate.media.ending import check_end
from curate.media.image import MAX_PIXELS
from curate.media.item import DecodeError, Skim, Video
from curate.media.sniff import plainly, sniff
from curate.media.video_packets import NONE, Packets, by_seeking, frames_at
from curate.media.video_skim import MOST_FRAMES, Skimmer, key_frames, sound

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

VERSION = 2
"""Raise it when the same videos decode to other frames."""
FRAMES = 8
"""Frames that the measuring pass takes of each video."""
SIDE_PX = 256
"""Largest side of the frames of the measuring pass."""
STRAIGHT_PIXELS = 2_000_000_000
"""Videos of up to that many pixels over all frames (16 s of 1920 x 1080 at 60 per second, two minutes of 640 x 360 at
60) are decoded from end to end, so that damage between the frames shows; of longer ones only what leads up to the
frames that are wanted, and key frames."""
ONE_THREAD_PIXELS = 1280 * 720
"""Frames of up to so many pixels are left to one thread; handing parts of them to others costs more than it gains."""
MAX_FRAMES = 10_000_000
TOLERANCE = 0.05


@dataclass
class _Pictures:
    """The wanted frames as pictures of `width` x `height`; how many frames were decoded (-1: not all were tried)."""

    width: int
    height: int
    decoded: int = -1
    turns: int = 0
    corrupt: int = 0
    with_middles: bool = False
    pictures: list[np.ndarray] = field(default_factory=list)
    middles: list[np.ndarray] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    _reformatters: Any = None

    def take(self, frame: VideoFrame) -> None:
        """Keep this frame, upright."""
        from av.video.reformatter import VideoReformatter

        # A frame's own would be made anew for each, which costs more than what it does.
        shrinking, greying = self._reformatters = self._reformatters or (VideoReformatter(), VideoReformatter())
        self.turns = round((frame.rotation or 0) / 90) % 4
        small = shrinking.reformat(frame, self.width, self.height, "rgb24", interpolation="AREA").to_ndarray()
        self.pictures.append(np.rot90(small, self.turns))
        self.stamps.append(frame.pts or 0)
        self.corrupt += bool(frame.is_corrupt)
        if self.with_middles:
            grey = greying.reformat(frame, format="gray").to_ndarray()
            y, x = (max(0, side - SIDE_PX) // 2 // 16 * 16 for side in grey.shape)
            self.middles.append(grey[y : y + SIDE_PX, x : x + SIDE_PX].copy())


def decode(
    data: bytes,
    frames: int = FRAMES,
    size: int | None = SIDE_PX,
    max_pixels: int = MAX_PIXELS,
    max_seconds: float = MAX_SECONDS,
    straight_pixels: int | None = None,
    skim: bool = False,
    between: bool = True,
) -> Video:
    """Decode evenly spaced frames of the first picture track: frame i of k is the one at (i + 1/2) / k of the count.

    Args:
        data: the encoded file; it is read from memory, never by a path, and follows no reference to other files.
        frames: how many; fewer where the video has fewer.
        size: longest side of the frames in pixels, to which larger ones are shrunk; None for the file's own.
        max_pixels: width x height from which on a video is refused.
        max_seconds: length from which on a video is refused.
        straight_pixels: pixels over all frames up to which every frame is decoded; `STRAIGHT_PIXELS` if None.
        skim: also look at the frames in between, small and grey (of videos with more pixels at key frames alone), and
            at the sound, and keep the middle of each wanted frame in its own pixels.
        between: also decode frames that nobody asked for, so that damage to them shows. Without it the same frames come
            for less, see `video_packets.frames_at`.

    Raises:
        DecodeError: not a video, too large or long, cut off (shorter than its header says) or damaged.
        MissingPackage: the extra ``video`` is not installed.
    """
    found = sniff(data)
    name = found[0] if found else ""
    check_end(data, name)
    straight = STRAIGHT_PIXELS if straight_pixels is None else straight_pixels
    options, limits = {"max_pixels": str(max_pixels)}, (max_pixels, max_seconds, straight)
    if not between and not skim:  # where that does not do, all is decoded
        with suppress(DecodeError), opened(data, "video", options | undecoded(name)) as container:
            return _decoded(container, frames, size, limits, skim, between)
    with opened(data, "video", options) as container:
        return _decoded(container, frames, size, limits, skim)


def _decoded(
    container: InputContainer,
    frames: int,
    size: int | None,
    limits: tuple[int, float, int],
    skim: bool,
    between: bool = True,
) -> Video:
    """See `decode`; `limits` are the largest pixels, seconds, and pixels over all frames to decode them all."""
    max_pixels, max_seconds, straight = limits
    if not container.streams.video:
        raise DecodeError("the file has no picture track")
    stream = container.streams.video[0]
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > max_pixels:
        raise DecodeError(
            f"the video has {width}x{height} = {width * height:,} pixels, more than the limit of {max_pixels:,}"
            " (max_pixels)"
        )
    stream.codec_context.options = {"max_pixels": str(max_pixels)}  # the header may tell of less
    if width * height <= ONE_THREAD_PIXELS:
        stream.codec_context.thread_count = 1
    packets = _packets(container, stream, max_seconds)
    stamps, count = packets.stamps, len(packets.stamps)
    wanted = np.unique(((np.arange(frames) + 0.5) * count / frames).astype(np.int64))
    scale = 1.0 if size is None else min(1.0, size / max(width, height))
    taken = _Pictures(max(1, round(width * scale)), max(1, round(height * scale)), with_middles=skim)
    skimmer = Skimmer(width, height) if skim else None
    whole = count * width * height <= straight
    if whole and between:
        _straight(container, stream, wanted, count, taken, skimmer)
    elif whole and not packets.told_apart:
        raise DecodeError("its frames can't be told apart by their stamps")
    else:
        at = stamps[wanted]
        found = frames_at(container, stream, packets, at) if whole else by_seeking(container, stream, at)
        for frame in found:
            if not between and (frame.width, frame.height) != (width, height):
                raise DecodeError("the pictures are not of the size that the header tells")
            taken.take(frame)
        if not between and taken.stamps != at.tolist():
            raise DecodeError("not all frames came, in their order")
        if skimmer is not None:
            for frame in key_frames(container, stream, packets.keys):
                skimmer.take(frame)
    pictures = None if skimmer is None else skimmer.skim(int(stamps[0]), float(stream.time_base or 0), whole)
    return _video(container, stream, taken, stamps, packets.hidden, pictures)


def _packets(container: InputContainer, stream: VideoStream, max_seconds: float) -> Packets:
    """The packets of the picture track.

    Raises:
        DecodeError: no frames, too many, too long, or fewer than the header declares.
    """
    declared = max(container.duration or 0, 0) / 1_000_000
    _check_seconds(declared, max_seconds)
    stamps: list[int] = []
    keys: list[int] = []
    order: list[int] = []
    entries: list[bool] = []
    hidden = 0
    for packet in container.demux(stream):
        stamp = packet.pts if packet.pts is not None else packet.dts
        order.append(NONE if packet.pts is None else packet.pts)
        entries.append(packet.is_keyframe)
        hidden += packet.is_discard
        if packet.size and stamp is not None and not packet.is_discard:
            stamps.append(stamp)
            if packet.is_keyframe:
                keys.append(stamp)
            if len(stamps) > MAX_FRAMES:
                raise DecodeError(f"the video has more than {MAX_FRAMES:,} frames")
    if not stamps:
        raise DecodeError("the video holds no frames")
    ordered = np.sort(np.array(stamps, dtype=np.int64))
    seconds = _seconds(ordered, stream)
    _check_seconds(seconds, max_seconds)
    own = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else declared
    # The container may run longer than its pictures (sound); the track's own length counts where it is declared.
    if seconds < own * (1 - TOLERANCE) - 0.25:
        raise DecodeError(f"the video is cut off: {seconds:.2f} s of {own:.2f} s are there")
    return Packets(ordered, np.sort(np.array(keys, dtype=np.int64)), hidden, np.array(order), np.array(entries))


def _check_seconds(seconds: float, max_seconds: float) -> None:
    if seconds > max_seconds:
        raise DecodeError(
            f"the video is {seconds:,.1f} s long, more than the limit of {max_seconds:,.0f} s (max_seconds)"
        )


def _seconds(stamps: np.ndarray, stream: VideoStream) -> float:
    """From the first frame to the end of the last, which lasts as long as the mean of the others."""
    base = float(stream.time_base or 0)
    if len(stamps) > 1 and stamps[-1] > stamps[0]:
        return float(stamps[-1] - stamps[0]) * len(stamps) / (len(stamps) - 1) * base
    return 1 / float(stream.average_rate) if stream.average_rate else 0.0


def _straight(
    container: InputContainer,
    stream: VideoStream,
    wanted: np.ndarray,
    count: int,
    taken: _Pictures,
    skimmer: Skimmer | None,
) -> None:
    """Take the wanted frames by their place, decoding every frame; damage behind the last shows in the count."""
    container.seek(0)
    places, step = set(wanted.tolist()), -(-count // MOST_FRAMES)
    taken.decoded, why = 0, ""
    frames = container.decode(stream)
    while True:
        try:
            frame = next(frames, None)
        except Exception as error:  # as in `opened`: whatever the decoder raises means damage
            if why:  # what the decoder still held was asked for, too
                break
            why, frames = f" ({plainly(error)})", _held(stream)
            continue
        if frame is None:
            break
        if taken.decoded in places:
            taken.take(frame)
        if skimmer is not None and taken.decoded % step == 0:
            skimmer.take(frame)
        taken.decoded += 1
    if len(taken.pictures) < len(places):
        raise DecodeError(f"the video is damaged: {taken.decoded} of {count} frames could be decoded{why}")


def _held(stream: VideoStream) -> Iterator[VideoFrame]:
    """The frames that the decoder has taken in and not given out yet."""
    yield from stream.codec_context.decode(None)


def _video(
    container: InputContainer,
    stream: VideoStream,
    taken: _Pictures,
    stamps: np.ndarray,
    hidden: int,
    skim: Skim | None,
) -> Video:
    width, height = stream.codec_context.width, stream.codec_context.height
    base, first = float(stream.time_base or 0), int(stamps[0])
    seconds = _seconds(stamps, stream)
    return Video(
        frames=np.stack(taken.pictures),
        times=(np.array(taken.stamps) - first) * base,
        format=f"{container.format.name.split(',')[0]}/{stream.codec_context.name}",
        fps=len(stamps) / seconds if seconds else 0.0,
        seconds=seconds,
        width=height if taken.turns % 2 else width,
        height=width if taken.turns % 2 else height,
        frame_count=len(stamps),
        corrupt_frames=taken.corrupt,
        has_audio=bool(container.streams.audio),
        sound_start=_sound_start(container, first * base),
        stamps=(stamps - first) * base,
        declared_count=max(0, int(stream.frames or 0) - hidden),
        decoded_count=taken.decoded,
        skim=skim,
        sound=None if skim is None else sound(container, seconds),
        middles=np.stack(taken.middles) if taken.middles else None,
    )


def _sound_start(container: InputContainer, first: float) -> float:
    """Seconds from the first frame, which stands at `first`, to the first sample of the sound track."""
    if not container.streams.audio:
        return 0.0
    track = container.streams.audio[0]
    if track.start_time is None or track.time_base is None:
        return 0.0
    return float(track.start_time * track.time_base) - first
