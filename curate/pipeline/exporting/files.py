"""Names of exported files: safe on every file system, with the ending that their content calls for."""

from __future__ import annotations

import base64
import datetime
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from curate.media.sniff import sniff

ENDINGS = {
    "JPEG": "jpg", "PNG": "png", "GIF": "gif", "WebP": "webp", "BMP": "bmp", "TIFF": "tiff", "AVIF": "avif",
    "HEIC": "heic", "WAV": "wav", "FLAC": "flac", "Ogg": "ogg", "MP3": "mp3", "M4A": "m4a", "AIFF": "aiff",
    "CAF": "caf", "AU": "au", "W64": "w64", "AMR": "amr", "AAC": "aac", "AVI": "avi", "Matroska or WebM": "mkv",
    "MP4": "mp4", "FLV": "flv", "ASF": "wmv", "MPEG program stream": "mpg", "MPEG transport stream": "ts",
}  # fmt: skip
_RESERVED = {"con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10))}
LONGEST_BYTES = 120


def as_json(value: Any) -> Any:
    """A value of a row as JSON can say it: moments in ISO 8601, bytes in base 64, null for numbers that are none."""
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, str | int) else str(value)


def ending(data: bytes, name: str | None) -> str:
    """What a file's name ends with, without the dot: by its content, else by the name it had, else ``bin``."""
    found = sniff(data)
    if found is not None and found[0] in ENDINGS:
        return ENDINGS[found[0]]
    last = (name or "").rsplit(".", 1)[-1].lower() if "." in (name or "") else ""
    return last if re.fullmatch(r"[a-z0-9]{1,5}", last) else "bin"


def safe(text: str) -> str:
    """A file or folder name like `text`: no separators, no leading dot, no reserved name, never empty."""
    text = unicodedata.normalize("NFC", text)
    made = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", text).strip(" .") or "_"
    made = made.encode()[:LONGEST_BYTES].decode(errors="ignore").rstrip(" .")
    return f"_{made}" if made.split(".")[0].lower() in _RESERVED else made


def folders(names: tuple[str, ...]) -> dict[str, str]:
    """A folder name for each class; classes whose names come to the same get a number."""
    return _apart(names, safe)


def split_names(splits: tuple[str, ...]) -> dict[str, str]:
    """What each split is called in names of files: letters, digits and underscores alone, as the hub asks for."""
    return _apart(splits, lambda split: re.sub(r"\W+", "_", safe(split)))


def _apart(names: tuple[str, ...], form: Callable[[str], str]) -> dict[str, str]:
    """Names in a form; those that come to the same get a number.

    Names that differ in case alone count as the same: some file systems do not tell them apart.
    """
    taken: set[str] = set()
    found = {}
    for name in names:
        made, number = form(name), 1
        while made.casefold() in taken:
            number += 1
            made = f"{form(name)}_{number}"
        taken.add(made.casefold())
        found[name] = made
    return found
