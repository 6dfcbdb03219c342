"""How long sounds and videos are by their headers, and how fine they are cut in time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from curate.errors import CurateError
from curate.media.audio import BY_LIBSNDFILE, soundfile_library
from curate.media.container import DEMUXERS, header_alone, opened
from curate.media.payload import opened as opened_file
from curate.media.sniff import SNIFFED_BYTES, sniff

THREADS = 8


class Length(NamedTuple):
    """What a header says.

    Attributes:
        seconds: from the beginning to the end.
        rate: samples of sound per second and channel; 0 without sound.
        fps: pictures per second; 0 without pictures.
    """

    seconds: float
    rate: int
    fps: float


def lengths(values: Sequence[str | bytes], root: Path | None) -> list[Length | None]:
    """The length of each file, by its path or its bytes; None where its header doesn't say or it can't be read."""
    if len(values) < 2:
        return [length(value, root) for value in values]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda value: length(value, root), values))


def length(value: str | bytes, root: Path | None) -> Length | None:
    """The length of one file; None where its header doesn't say or it can't be read."""
    try:
        if isinstance(value, bytes):
            return _length(BytesIO(value))
        if root is None:
            return None
        with opened_file(value, root) as (file, _):
            return _length(BufferedReader(file))
    except (CurateError, OSError):
        return None


def _length(file: BinaryIO) -> Length | None:
    head = file.read(SNIFFED_BYTES)
    file.seek(0)
    found = sniff(head)
    name = found[0] if found else ""
    if name in BY_LIBSNDFILE or name not in DEMUXERS:
        soundfile = soundfile_library()
        try:
            with soundfile.SoundFile(file) as sound:
                return Length(sound.frames / sound.samplerate, sound.samplerate, 0.0) if sound.samplerate else None
        except soundfile.LibsndfileError:
            file.seek(0)
    with opened(file, "video" if found and found[1] == "video" else "audio", header_alone(name)) as container:
        seconds = max(container.duration or 0, 0) / 1_000_000
        rates = [track.codec_context.sample_rate for track in container.streams.audio]
        speeds = [float(track.average_rate or 0) for track in container.streams.video]
        return Length(seconds, rates[0] if rates else 0, speeds[0] if speeds else 0.0) if seconds else None
