"""Segments: a part of a sound or a video, named behind the path of its file as ``#t=START,END`` in seconds.

That is the temporal fragment of W3C's Media Fragments URI 1.0, which browsers follow, too; ``&track=audio`` behind it
means the sound of a video alone.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from curate.media.item import DecodeError
from curate.media.sniff import SNIFFED_BYTES, sniff, what_it_is

MARK = "#t="
CUT_ENDINGS = {"WAV": ".wav", "MP4": ".mp4"}
"""Forms that segments are cut in -> the endings of their names."""
DECIMALS = 9
"""A nanosecond: finer than any sample."""
_FRAGMENT = re.compile(r"#t=(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(&track=audio)?$")


class Segment(NamedTuple):
    """A part of a sound or a video.

    Attributes:
        start: seconds from the beginning of the file.
        end: seconds from the beginning of the file, itself not included; None for the end of the file.
        sound: whether of a video its sound alone is meant.
    """

    start: float
    end: float | None
    sound: bool = False

    @property
    def fragment(self) -> str:
        """What stands behind the path of the file."""
        end = "" if self.end is None else f",{_number(self.end)}"
        return f"{MARK}{_number(self.start)}{end}{'&track=audio' if self.sound else ''}"


def _number(seconds: float) -> str:
    return f"{seconds:.{DECIMALS}f}".rstrip("0").rstrip(".")


def split(path: str) -> tuple[str, Segment | None]:
    """The path of the file, and the segment of it that is meant; None for the whole."""
    if MARK not in path or (found := _FRAGMENT.search(path)) is None:
        return path, None
    start, end, sound = found.groups()
    return path[: found.start()], Segment(float(start), None if end is None else float(end), sound is not None)


def file_name(path: str, data: bytes = b"") -> str:
    """The name, without folders, of what is read by a path: of a segment as of a file of its own, whose `data` are."""
    plain, segment = split(path)
    name = PurePosixPath(plain)
    if segment is None:
        return name.name
    end = "" if segment.end is None else f"-{_number(segment.end)}"
    found = sniff(data[:SNIFFED_BYTES])
    suffix = CUT_ENDINGS.get(found[0], name.suffix) if found else name.suffix
    return f"{name.stem}_{_number(segment.start)}{end}{suffix}"


def cut(source: bytes | BinaryIO, segment: Segment) -> bytes:
    """A segment of a sound or a video as a file of its own.

    Of a sound it is a WAV file with the samples as they are decoded: 16, 24 or 32 bits where the file has as many,
    float32 where it is compressed with loss. Of a video it is an MP4 file with the same coded pictures and sound, which
    begins and ends at the frame (see `video_segment`).

    Args:
        source: the encoded file, or its bytes; only the part is read where the format lets it.
        segment: what is cut out.

    Raises:
        DecodeError: neither a sound nor a video, damaged, or nothing of the segment is there.
        MissingPackage: the extra ``audio`` or ``video`` is not installed.
    """
    from curate.media.audio_segment import cut_sound
    from curate.media.video_segment import cut_video, has_pictures

    file = BytesIO(source) if isinstance(source, bytes) else source
    file.seek(0)
    head = file.read(SNIFFED_BYTES)
    found = sniff(head)
    if found and found[1] not in ("audio", "video"):
        raise DecodeError(what_it_is(head, "audio") or "neither a sound nor a video")
    if found and found[1] == "video" and not segment.sound and has_pictures(file, found[0]):
        return cut_video(file, segment)
    return cut_sound(file, found[0] if found else "", segment)


def nothing_there(segment: Segment, seconds: float) -> DecodeError:
    """What is raised where a file of so many seconds holds nothing of a segment."""
    return DecodeError(f"the segment begins at {segment.start:.2f} s, and the file is {seconds:.2f} s long")
