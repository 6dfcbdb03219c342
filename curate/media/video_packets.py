"""The packets of a video's picture track, and decoding of no more of them than some frames need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curate.media.item import DecodeError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

ENTERED = ("mov", "matroska")
"""Containers whose key frames are where decoding can begin, by their standards."""
PASSING = ("h264", "hevc", "vp9")
"""Decoders that pass over a frame to which no other refers where they are asked, packet by packet."""
NONE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Packets:
    """What a pass over the packets tells, without decoding.

    Attributes:
        stamps: (count,) int64, sorted time stamps of the frames that are shown.
        keys: (k,) int64, those of the key frames among them, sorted.
        hidden: packets that are there for the decoder only (an edit list leaves their frames out).
        order: (packets,) int64 presentation stamps in the order of decoding, `NONE` where a packet has none.
        entries: (packets,) bool, whether it holds a key frame.
    """

    stamps: np.ndarray
    keys: np.ndarray
    hidden: int
    order: np.ndarray
    entries: np.ndarray

    @property
    def told_apart(self) -> bool:
        """Whether every frame that is shown has a presentation stamp of its own, by which it can be known."""
        return bool((self.order[:-1] != NONE).all()) and len(np.unique(self.stamps)) == len(self.stamps)

    def runs(self, wanted: np.ndarray, entered: bool) -> list[tuple[int, int]]:
        """First and last packet of each stretch that the frames at these stamps need, in order, none overlapping.

        Args:
            wanted: stamps among those of the packets.
            entered: whether decoding can begin at every key frame; else there is one stretch, from the beginning.
        """
        runs: list[tuple[int, int]] = []
        for end in np.flatnonzero(np.isin(self.order, wanted)).tolist():
            before = np.flatnonzero(self.entries[: end + 1] & (self.order[: end + 1] <= self.order[end]))
            start = int(before[-1]) if entered and len(before) else 0
            if runs and start <= runs[-1][1]:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
        return runs


def frames_at(
    container: InputContainer, stream: VideoStream, packets: Packets, wanted: np.ndarray
) -> Iterator[VideoFrame]:
    """The frames at these stamps, from as few packets as they need.

    Packets behind the last one that is wanted before the next key frame are left out, and decoders that can pass over
    frames to which no other refers. Frames are those of decoding everything.

    Args:
        container: it is read from its beginning.
        stream: the picture track.
        packets: its packets; their frames can be told apart.
        wanted: (n,) int64 stamps.
    """
    codec = stream.codec_context
    runs = iter(packets.runs(wanted, container.format.name.split(",")[0] in ENTERED))
    run = next(runs, None)
    stamps, passing, passed = set(wanted.tolist()), codec.name in PASSING, None
    container.seek(0)
    for place, packet in enumerate(container.demux(stream)):
        if run is None:
            return
        if place < run[0]:
            continue
        if passing and passed is not (asked := packet.pts in stamps):
            codec.skip_frame, passed = "DEFAULT" if asked else "NONREF", asked
        frames = codec.decode(packet) if packet.size else []
        if place == run[1]:
            frames += codec.decode(None)
            codec.flush_buffers()
            run = next(runs, None)
        yield from (frame for frame in frames if frame.pts in stamps)


def by_seeking(container: InputContainer, stream: VideoStream, stamps: np.ndarray) -> Iterator[VideoFrame]:
    """The frames at these time stamps, each from the key frame before it."""
    for stamp in stamps.tolist():
        container.seek(stamp, stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.pts is not None and frame.pts >= stamp:
                yield frame
                break
        else:
            raise DecodeError(f"the video is damaged: no frame at {stamp * float(stream.time_base or 0):.2f} s")
