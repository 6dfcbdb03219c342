"""Files whose ending says another format than their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks.judging.bounds import Bounded
from curate.media.content import is_media

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "DIB": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif", ".avifs", ".heif", ".heic"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "ICO": (".ico",),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c"),
    "QOI": (".qoi",),
    "mov": (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".m4a", ".mj2"),
    "matroska": (".mkv", ".webm", ".mk3d", ".mka"),
    "avi": (".avi", ".divx"),
    "flv": (".flv", ".f4v"),
    "asf": (".wmv", ".asf", ".wma"),
    "mpeg": (".mpg", ".mpeg", ".vob", ".m2p", ".mpe"),
    "mpegts": (".ts", ".mts", ".m2ts", ".m2t"),
    "ogg": (".ogv", ".ogg", ".oga", ".ogx"),
    "gif": (".gif",),
}
"""Format, in the words of the decoder -> the endings that it goes by."""
KNOWN = {ending for endings in ENDINGS.values() for ending in endings}
_ENDING = r"[^/\\](?P<ending>\.[^./\\]+)$"


def ending_issue(evidence: Evidence, rows: np.ndarray, column: str, formats: np.ndarray) -> Bounded:
    """Score 0 for rows whose file name ends as another format does.

    Args:
        evidence: of the table with the media column.
        rows: (m,) positions.
        column: of media.
        formats: (m,) formats that the contents are in. Names without a known ending, and rows without a name, pass.
    """
    endings = _endings(_names(evidence.table.column(column), rows)).dictionary_encode()
    held = pa.array(formats.tolist(), pa.string()).dictionary_encode()
    known, formats_there = endings.dictionary.to_pylist(), held.dictionary.to_pylist()
    as_another = np.array(
        [[e in KNOWN and f in ENDINGS and e not in ENDINGS[f] for f in formats_there] for e in known], dtype=bool
    ).reshape(len(known), len(formats_there))
    wrong = as_another[endings.indices.to_numpy(), held.indices.to_numpy()]
    return Bounded(
        "wrong_ending",
        np.where(wrong, 0.0, 1.0),
        lambda p: f"the name ends in {endings[p]}, and the content is {formats[p]} ({ENDINGS[str(formats[p])][0]})",
    )


def _names(column: pa.ChunkedArray, rows: np.ndarray) -> pa.Array:
    if is_media(column.type):
        return _taken(pc.struct_field(column, "path"), rows)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _taken(column, rows)
    return pa.nulls(len(rows), pa.string())


def _taken(column: pa.ChunkedArray, rows: np.ndarray) -> pa.Array:
    return column.take(pa.array(rows)).cast(pa.string()).combine_chunks()


def _endings(names: pa.Array) -> pa.Array:
    """The ending of each name with its dot, in small letters; ``""`` where there is none."""
    found = pc.struct_field(pc.extract_regex(names, _ENDING), "ending")
    return pc.fill_null(pc.utf8_lower(found), "")
