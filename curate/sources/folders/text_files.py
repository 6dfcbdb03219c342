"""Text files, one row each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from curate.errors import DataError
from curate.media.payload import UnreadablePayload, confined
from curate.sources.encodings import decode
from curate.sources.file_kinds import ending, is_about

MAX_BYTES = 50_000_000
HEAD = 1024
"""Bytes by which a file is told to be text."""

_Texts = tuple[pa.Array, dict[int, str], dict[int, bytes], list[tuple[int, str, str]]]


def without_ending(folder: Path, files: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files without an ending that are texts by their content (20 Newsgroups has such), and the others."""
    texts, others = [], []
    for path in files:
        plain = not ending(path) and not is_about(os.path.basename(path)) and _is_text(folder / path)  # noqa: PTH119
        (texts if plain else others).append(path)
    return texts, others


def is_pickle(path: Path) -> bool:
    """Whether a file begins as a pickle does."""
    return _head(path).startswith(b"\x80")


def _is_text(path: Path) -> bool:
    """Whether the head of a file holds neither NUL bytes nor the beginning of a pickle."""
    head = _head(path)
    return bool(head) and b"\0" not in head and not head.startswith(b"\x80")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def text_columns(folder: Path, files: Sequence[str]) -> _Texts:
    """The texts of files, row -> why it can't be read, row -> what stands for it, and remarks on encodings."""
    texts: list[str | None] = []
    unreadable: dict[int, str] = {}
    remarks: list[tuple[int, str, str]] = []
    for row, name in enumerate(files):
        text, why = None, None
        try:
            path = Path(confined(name, folder))
            if not path.is_file():
                why = "no regular file"
            elif path.stat().st_size > MAX_BYTES:
                why = f"more than {MAX_BYTES:,} bytes"
            else:
                decoded = decode(path)
                text = decoded.text
                if decoded.broken:
                    text, why = None, "bytes that are not UTF-8"
                elif "\0" in text:
                    text, why = None, "a NUL byte: no text file"
                elif not text.strip():
                    text, why = None, "the file is empty" if not text else "the file holds blanks alone"
                elif decoded.guessed:
                    remarks.append((row, "encoding", f"{name}: not UTF-8; read as {decoded.encoding}"))
        except (UnreadablePayload, DataError, OSError) as error:
            why = str(error)
        texts.append(text)
        if why:
            unreadable[row] = f"{os.fsencode(name).decode('utf-8', 'backslashreplace')}: {why}"
    records = {row: os.fsencode(files[row]) for row in unreadable}
    return pa.array(texts, pa.string()), unreadable, records, remarks
