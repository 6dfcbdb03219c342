"""Whether a file ends where its own structure says: decoders read many that were cut off as if they were shorter."""

from __future__ import annotations

from typing import Literal

from curate.media.item import DecodeError

SLACK_BYTES = 8
"""Some writers miscount their own header by its 8 bytes."""


def check_end(data: bytes, name: str) -> None:
    """Refuse a file that was cut off.

    Args:
        data: the encoded file.
        name: what it is, in the words of `curate.media.sniff`; what has no declared end passes.

    Raises:
        DecodeError: fewer bytes are there than the header or the boxes declare, or the end mark is missing.
    """
    if name in ("PNG", "GIF", "Ogg"):
        ended = {"PNG": _png_ended, "GIF": _gif_ended, "Ogg": _ogg_ended}[name]
        if not ended(data):
            raise DecodeError(f"the {name} file is cut off: its end is missing")
        return
    declared = _declared_bytes(data, name)
    if declared is not None and len(data) + SLACK_BYTES < declared:
        raise DecodeError(f"the {name} file is cut off: {len(data):,} bytes of {declared:,} are there")


def _png_ended(data: bytes) -> bool:
    return data.rfind(b"IEND") >= 0


def _gif_ended(data: bytes) -> bool:
    return data.rstrip(b"\0").endswith(b";")


def _ogg_ended(data: bytes) -> bool:
    """Whether the last page is whole and marked as the end of its stream."""
    page = data.rfind(b"OggS")
    if len(data) < page + 27 or not data[page + 5] & 4:
        return False
    lacing = data[page + 27 : page + 27 + data[page + 26]]
    return len(data) >= page + 27 + data[page + 26] + sum(lacing)


def _declared_bytes(data: bytes, name: str) -> int | None:
    """Size of a file by its own account; None where it gives none (streams write 0, or the largest number)."""
    if name == "AU":
        start, size = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
        return None if size in (0, 0xFFFFFFFF) else start + size
    if name == "W64":
        return int.from_bytes(data[16:24], "little")
    if name == "WAV":
        return max(_iff_bytes(data) or 0, _samples_end(data) or 0) or None
    if name in ("AIFF", "AVI", "WebP"):
        return _iff_bytes(data)
    if name in ("MP4", "M4A", "AVIF", "HEIC"):
        return _boxes_end(data)
    if name == "CAF":
        return _caf_end(data)
    return _matroska_bytes(data) if name == "Matroska or WebM" else None


def _iff_bytes(data: bytes) -> int | None:
    if data[:4] == b"RF64":
        return int.from_bytes(data[20:28], "little") + 8
    size = int.from_bytes(data[4:8], "big" if data[:4] in (b"FORM", b"RIFX") else "little")
    return None if size == 0 or size >= 0xFFFFFFF0 else size + 8


def _samples_end(data: bytes) -> int | None:
    """End of the samples of a WAV file by their own account; None where a stream left it open (0 or some 2^31)."""
    order: Literal["big", "little"] = "big" if data[:4] == b"RIFX" else "little"
    place = 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], order)
        if data[place : place + 4] == b"data":
            return None if size == 0 or size >= 0x7FFF0000 else place + 8 + size
        place += 8 + size + size % 2
    return None


def _boxes_end(data: bytes) -> int | None:
    """End of the last box of an MP4 file; None where a box runs to the end of the file by definition."""
    start = 0
    while start + 8 <= len(data):
        size = int.from_bytes(data[start : start + 4], "big")
        if size == 1:
            size = int.from_bytes(data[start + 8 : start + 16], "big")
        if size < 8:  # 0: to the end of the file; else damage, which the decoder will meet
            return None
        start += size
    return start


def _caf_end(data: bytes) -> int | None:
    """End of the last chunk of a CAF file; None where the length of the samples is left open."""
    start = 8
    while start + 12 <= len(data):
        size = int.from_bytes(data[start + 4 : start + 12], "big", signed=True)
        if size < 0:
            return None
        start += 12 + size
    return start


def _matroska_bytes(data: bytes) -> int | None:
    """End of the segment of a Matroska file; None where its size is left open or damaged."""
    header, start = _vint(data, 4)
    if start is None or data[start + header : start + header + 4] != b"\x18\x53\x80\x67":
        return None
    size, content = _vint(data, start + header + 4)
    return None if content is None or size < 0 else content + size


def _vint(data: bytes, start: int) -> tuple[int, int | None]:
    """(value, where the next element starts) of an EBML number; -1 for "unknown", and None past the end."""
    if start >= len(data) or not data[start]:
        return -1, None
    length = 9 - data[start].bit_length()
    value = int.from_bytes(data[start : start + length], "big") & ((1 << 7 * length) - 1)
    return (-1 if value == (1 << 7 * length) - 1 else value), start + length
