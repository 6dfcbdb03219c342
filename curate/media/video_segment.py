"""A part of a video as an MP4 file of the same coded pictures and sound: nothing is encoded anew where MP4 takes them.

Pictures can be decoded from a key frame on only. What stands between it and the first frame of the part is in the file,
and its edit list, which players and decoders follow, says that it isn't shown.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from curate.media.container import header_alone, opened
from curate.media.image import MAX_PIXELS
from curate.media.item import DecodeError
from curate.media.segments import Segment, nothing_there
from curate.media.video_cut import cut_between

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

SLACK_SECONDS = 0.001
"""Containers round the times of frames to as much."""
LEAD_SECONDS = 0.25
"""Sound before the part that is kept for its decoder, and by how much tracks may lag behind one another."""
MOVIE_TICKS = 90_000
"""Units of the length of an edit in a second."""
QUALITY = 8
"""Constant rate factor of H.264 where pictures must be encoded anew."""


def has_pictures(file: BinaryIO, name: str) -> bool:
    """Whether a file of that form has a track of moving pictures. Raises DecodeError for one that is damaged."""
    file.seek(0)
    with opened(file, "video", header_alone(name)) as container:
        return any(not _is_cover(stream) for stream in container.streams.video)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & stream.disposition.__class__.attached_pic)


def cut_video(file: BinaryIO, segment: Segment) -> bytes:
    """The frames of a segment, from the first at or behind its start up to the last before its end, and their sound.

    Args:
        file: the encoded video.
        segment: what is cut out.

    Raises:
        DecodeError: not a video, damaged, or no frame of the segment is there.
        MissingPackage: the extra ``video`` is not installed.
    """
    file.seek(0)
    with opened(file, "video", {"max_pixels": str(MAX_PIXELS)}) as container:
        origin = Fraction(container.start_time or 0, 1_000_000)
        packets = _packets(container, segment, origin, sought=True) or _packets(
            container, segment, origin, sought=False
        )
        pictures = [one for one in packets if one.stream.type == "video"]
        shown, edge = _shown(pictures, segment, origin)
        timed = all(one.pts is not None for one in packets) and _dated(pictures)
        if timed and not shown:
            raise nothing_there(segment, max(container.duration or 0, 0) / 1_000_000)
        if timed and (copied := _copied(container, packets, min(shown), edge)) is not None:
            return copied
    file.seek(0)
    with opened(file, "video", {"max_pixels": str(MAX_PIXELS)}) as container:
        return cut_between(container, segment.start, segment.end or float("inf"), QUALITY)


def _packets(container: InputContainer, segment: Segment, origin: Fraction, sought: bool) -> list[Packet]:
    """The packets of the pictures from the key frame before the segment on, and of the sound beside them.

    With `sought` the container is asked for the place of that frame; nothing where it does not know.
    """
    picture = container.streams.video[0]
    tracks = [picture, *container.streams.audio[:1]]
    begin = (Fraction(segment.start) + origin) / (picture.time_base or 1)
    container.seek(int(begin) if sought else 0, stream=picture, backward=True)
    found: list[Packet] = []
    keyed = passed = False
    for packet in container.demux(*tracks):
        stamp = packet.dts if packet.dts is not None else packet.pts
        if not packet.size:
            continue
        seconds = None if stamp is None else float(stamp * packet.time_base - origin)
        if packet.stream.index != picture.index:
            if not _is_behind(seconds, segment.end, 0.0) and (seconds or 0.0) > segment.start - LEAD_SECONDS:
                found.append(packet)
        elif not passed:
            passed = _is_behind(seconds, segment.end, SLACK_SECONDS)
            early = packet.pts is None or packet.pts <= begin + SLACK_SECONDS / float(picture.time_base or 1)
            if sought and not keyed and not (packet.is_keyframe and early):
                return []
            if packet.is_keyframe and early:
                found = [one for one in found if one.stream.index != picture.index]
            keyed = True
            if not passed:
                found.append(packet)
        if passed and _is_behind(seconds, segment.end, -LEAD_SECONDS):
            break
    return found


def _dated(pictures: list[Packet]) -> bool:
    """Give the first pictures a time of decoding, which Matroska does not say; whether all have one then."""
    for place in range(len(pictures) - 2, -1, -1):
        later, packet = pictures[place + 1].dts, pictures[place]
        if packet.dts is None and later is not None and packet.pts is not None:
            packet.dts = min(later - 1, packet.pts)
    return all(packet.dts is not None for packet in pictures)


def _is_behind(seconds: float | None, end: float | None, slack: float) -> bool:
    return end is not None and seconds is not None and seconds >= end - slack


def _shown(pictures: Iterable[Packet], segment: Segment, origin: Fraction) -> tuple[list[int], int | None]:
    """Time stamps of the frames within the segment, and that of the first one behind it, None where none was read."""
    begin, end = segment.start - SLACK_SECONDS, (segment.end or float("inf")) - SLACK_SECONDS
    shown, behind = [], []
    for packet in pictures:
        if packet.pts is not None and not packet.is_discard:
            seconds = float(packet.pts * (packet.time_base or 1) - origin)
            if begin <= seconds < end:
                shown.append(packet.pts)
            elif seconds >= end:
                behind.append(packet.pts)
    return shown, min(behind, default=None)


def _copied(container: InputContainer, packets: list[Packet], first: int, edge: int | None) -> bytes | None:
    """The packets as an MP4 file that is shown from the time stamp `first` on; None where MP4 doesn't take them."""
    import av
    from av.error import FFmpegError

    picture = container.streams.video[0]
    base = picture.time_base or Fraction(1)
    begin = first * base
    out = BytesIO()
    options = {"movie_timescale": str(MOVIE_TICKS)}
    try:
        with av.open(out, "w", format="mp4", options=options) as made:
            tracks = {one.index: made.add_stream_from_template(one) for one in [picture, *container.streams.audio[:1]]}
            for packet in packets:
                if packet.stream.index not in tracks:
                    continue
                shift = round(begin / packet.time_base)
                shown = packet.pts or 0
                packet.pts, packet.dts = shown - shift, (shown if packet.dts is None else packet.dts) - shift
                packet.stream = tracks[packet.stream.index]
                made.mux(packet)
    except (FFmpegError, ValueError):
        return None
    data = bytearray(out.getvalue())
    if edge is not None:
        _shorten(data, round((edge * base - begin) * MOVIE_TICKS))
    return bytes(data)


def _shorten(data: bytearray, ticks: int) -> None:
    """Let the tracks of an MP4 file be shown for so many ticks of the movie."""
    place = _movie(data)
    while (place := data.find(b"edts", place)) >= 0:
        version, count = data[place + 12], struct.unpack_from(">I", data, place + 16)[0]
        size, kind = (20, ">Q") if version else (12, ">I")
        begin, before = place + 20, 0
        for _ in range(count - 1):  # edits that wait for the track to begin
            before += struct.unpack_from(kind, data, begin)[0]
            begin += size
        own = struct.unpack_from(kind, data, begin)[0]
        struct.pack_into(kind, data, begin, max(1, min(own, ticks - before)))
        place = begin


def _movie(data: bytearray) -> int:
    """Where the box of an MP4 file begins that describes its tracks."""
    place = 0
    while data[place + 4 : place + 8] != b"moov":
        size = int.from_bytes(data[place : place + 4], "big")
        size = size if size != 1 else int.from_bytes(data[place + 8 : place + 16], "big")
        if size < 8:
            raise DecodeError("the segment can't be written as a video")
        place += size
    return place
