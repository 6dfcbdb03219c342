"""Opening containers of sound and pictures with PyAV: from bytes, and only as what their first bytes say they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from curate.errors import CurateError, MissingPackage
from curate.media.item import DecodeError
from curate.media.sniff import SNIFFED_BYTES, plainly, sniff, what_it_is

if TYPE_CHECKING:
    from av.container import InputContainer

DEMUXERS = {
    "MP4": "mov",
    "M4A": "mov",
    "Matroska or WebM": "matroska",
    "AVI": "avi",
    "FLV": "flv",
    "ASF": "asf",
    "MPEG program stream": "mpeg",
    "MPEG transport stream": "mpegts",
    "GIF": "gif",
    "WAV": "wav",
    "AIFF": "aiff",
    "CAF": "caf",
    "AAC": "aac",
    "MP3": "mp3",
    "Ogg": "ogg",
    "FLAC": "flac",
    "AMR": "amr",
}
"""What a file is -> FFmpeg's reader of it. Readers that follow references to other files or hosts (playlists, concat
scripts, session descriptions, device names) are not among them, and none is ever guessed."""

TELLING = ("mov", "matroska", "avi")
"""Those of containers whose headers say all about their tracks."""


def header_alone(name: str) -> dict[str, str]:
    """Options by which FFmpeg decodes nothing to learn about the tracks, for containers whose headers tell of them."""
    return {"analyzeduration": "0", "probesize": "32"} if DEMUXERS.get(name) in TELLING else {}


def undecoded(name: str) -> dict[str, str]:
    """Options as of `header_alone` by which not even the first frame is decoded when a container is opened.

    Decoders then don't know beforehand how far frames are out of order: who uses this looks at the frames' stamps.
    """
    options = header_alone(name)
    return options | {"skip_frame": "all"} if options else {}


@contextmanager
def opened(data: bytes | BinaryIO, wanted: str, options: dict[str, str] | None = None) -> Iterator[InputContainer]:
    """An open PyAV container.

    Args:
        data: the encoded file, or where to read it from, at its beginning.
        wanted: ``audio`` or ``video``: for messages, and the extra that installs PyAV.
        options: of FFmpeg's reader and decoders.

    Raises:
        DecodeError: not a container of a known kind, or damaged; also for what a decoder raises inside the `with`.
        MissingPackage: PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingPackage("av", wanted, f"reading {wanted}") from None
    file = BytesIO(data) if isinstance(data, bytes) else data
    head = file.read(SNIFFED_BYTES)
    file.seek(0)
    if not head:
        raise DecodeError("the file is empty")
    found = sniff(head)
    name = found[0] if found else ""
    if name not in DEMUXERS:
        raise DecodeError(what_it_is(head, wanted) or f"not {wanted} of a known format")
    try:
        with av.open(file, "r", format=DEMUXERS[name], metadata_errors="replace", options=options or {}) as container:
            yield container
    except CurateError:
        raise
    except Exception as error:  # PyAV raises FFmpeg's errors, IndexError, MemoryError, ... on damaged files
        raise DecodeError(f"the {name} {wanted} is damaged or cut off ({plainly(error)})") from None
