"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re

SIGNATURES: tuple[tuple[bytes, int, str, str], ...] = (
    (b"\xff\xd8\xff", 0, "JPEG", "image"),
    (b"\x89PNG\r\n\x1a\n", 0, "PNG", "image"),
    (b"GIF8", 0, "GIF", "image"),
    (b"WEBP", 8, "WebP", "image"),
    (b"BM", 0, "BMP", "image"),
    (b"II*\x00", 0, "TIFF", "image"),
    (b"MM\x00*", 0, "TIFF", "image"),
    (b"ftypavif", 4, "AVIF", "image"),
    (b"ftypheic", 4, "HEIC", "image"),
    (b"WAVE", 8, "WAV", "audio"),
    (b"fLaC", 0, "FLAC", "audio"),
    (b"OggS", 0, "Ogg", "audio"),
    (b"ID3", 0, "MP3", "audio"),
    (b"ftypM4A", 4, "M4A", "audio"),
    (b"FORM", 0, "AIFF", "audio"),
    (b"caff", 0, "CAF", "audio"),
    (b".snd", 0, "AU", "audio"),
    (b"riff\x2e\x91\xcf\x11", 0, "W64", "audio"),
    (b"#!AMR", 0, "AMR", "audio"),
    (b"\xff\xf1", 0, "AAC", "audio"),
    (b"\xff\xf9", 0, "AAC", "audio"),
    (b"\xff\xfb", 0, "MP3", "audio"),
    (b"\xff\xf3", 0, "MP3", "audio"),
    (b"\xff\xf2", 0, "MP3", "audio"),
    (b"AVI ", 8, "AVI", "video"),
    (b"\x1a\x45\xdf\xa3", 0, "Matroska or WebM", "video"),
    (b"ftyp", 4, "MP4", "video"),
    (b"FLV\x01", 0, "FLV", "video"),
    (b"moov", 4, "MP4", "video"),
    (b"mdat", 4, "MP4", "video"),
    (b"wide", 4, "MP4", "video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, "ASF", "video"),
    (b"\x00\x00\x01\xba", 0, "MPEG program stream", "video"),
    (b"%PDF", 0, "PDF", "document"),
    (b"PK\x03\x04", 0, "ZIP", "archive"),
    (b"\x1f\x8b", 0, "gzip", "archive"),
    (b"ARROW1", 0, "Arrow", "table"),
    (b"PAR1", 0, "Parquet", "table"),
    (b"version https://git-lfs", 0, "Git LFS pointer", "text"),
    (b"#EXTM3U", 0, "playlist", "text"),
)
"""(bytes, where they stand, name, what kind of content), the more special ones first."""
SNIFFED_BYTES = 600
"""What of a file's beginning tells what it is."""


def sniff(data: bytes) -> tuple[str, str] | None:
    """(name, kind of content) of a file, ``("PNG", "image")``; None where the first bytes say nothing."""
    for signature, offset, name, kind in SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return name, kind
    if data[:1] == b"\x47" and data[188:189] == b"\x47":
        return "MPEG transport stream", "video"
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, name in ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<svg", "SVG"), (b"<?xml", "XML")):
        if head.startswith(start):
            return name, "text"
    return None


def what_it_is(data: bytes, wanted: str) -> str | None:
    """A sentence where a file is plainly something else than `wanted` (image, audio, video), else None."""
    found = sniff(data)
    if found is None or found[1] == wanted:
        return None
    name, kind = found
    return f"not {'an image' if wanted == 'image' else wanted}: the file is {name} ({kind})"


def plainly(error: BaseException, length: int = 160) -> str:
    """The first line of a decoder's message, cut to `length`, or the kind of error where there is no message."""
    message = str(getattr(error, "error_string", "") or error).strip()
    message = re.sub(r"<_io\.BytesIO object at 0x[0-9a-f]+>", "the file", message)
    return message.splitlines()[0][:length].rstrip(" .:") if message else type(error).__name__
