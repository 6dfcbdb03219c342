"""The bytes of a text file as text: which encoding, and which lines do not fit it."""

from __future__ import annotations

import codecs
import io
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curate.errors import DataError
from curate.media.sniff import sniff
from curate.wording import counted, noun

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNDEFINED_IN_CP1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


@dataclass(frozen=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: all of it, without the mark, line ends as they stand.
        encoding: the codec.
        guessed: the codec was a fallback: the file is neither UTF-8 nor marked.
        broken: lines (from 0, ascending) with bytes that are not in the encoding; they hold surrogates in `text`.
        foreign: lines (from 0, ascending) whose non-ASCII characters rest on a guess.
    """

    text: str
    encoding: str
    guessed: bool = False
    broken: tuple[int, ...] = ()
    foreign: tuple[int, ...] = ()

    def notes(self, file: str) -> list[str]:
        """What to tell about the file as a whole."""
        if self.guessed:
            depend = f"{counted(len(self.foreign), 'line')} {noun(len(self.foreign), 'depends', 'depend')} on it"
            return [f"{file}: not UTF-8; read as {self.encoding}, a guess: {depend}"]
        if self.encoding not in ("utf-8", "utf-8-sig"):
            return [f"{file}: read as {self.encoding}"]
        return []

    def remarks(self, lines: np.ndarray, file: str) -> list[tuple[int, str, str]]:
        """A remark for every row whose text rests on a guess; `lines` are the first lines (from 1) of the rows."""
        if not self.foreign or not len(lines):
            return []
        rows = np.unique(np.searchsorted(lines, np.array(self.foreign) + 1, side="right") - 1)
        why = f"holds bytes that are not UTF-8; read as {self.encoding}"
        return [(int(row), "encoding", f"{file}, line {lines[row]}: {why}") for row in rows if row >= 0]

    def trouble(self, first: int, last: int, lines: list[str], begin: int, end: int) -> str | None:
        """What is wrong with the characters of a record (file lines first to last, from 0), if anything."""
        if self.broken:
            at = bisect_left(self.broken, first)
            if at < len(self.broken) and self.broken[at] < last:
                return f"bytes that are not {self.encoding.upper()}"
        for index in range(begin, end):
            if "\0" in lines[index]:
                return "a NUL byte"
        return None


def decode(path: Path, encoding: str | None = None) -> Decoded:
    """Read a text file.

    A byte-order mark decides; else UTF-8. A file that is not valid UTF-8 but has valid non-ASCII UTF-8 in at least as
    many other lines is UTF-8 with broken lines; any other is read as Windows-1252 (or Latin-1) with a remark.

    Raises:
        DataError: the file can't be opened, or does not fit the encoding that was named or marked.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name}: can't be read: {error.strerror}") from error
    _refuse_binary(data, path.name)
    marked = next((codec for mark, codec in MARKS if data.startswith(mark)), None)
    if encoding is not None or (marked is not None and marked != "utf-8-sig"):
        return _strictly(data, encoding or str(marked), path.name)
    if marked is None and (plain := _unmarked_utf16(data)):
        return _strictly(data, plain, path.name)
    codec = marked or "utf-8"
    body = data
    while body.startswith(codecs.BOM_UTF8):  # some writers put one before each part that they join
        body = body[len(codecs.BOM_UTF8) :]
    try:
        return Decoded(body.decode("utf-8"), codec)
    except UnicodeDecodeError:
        return _with_broken_lines(body)


def _refuse_binary(data: bytes, name: str) -> None:
    """Refuse a picture, archive, table, ... under the name of a text file. Raises DataError."""
    found = sniff(data[:600])
    head = data[:512]
    # Some signatures are letters, with which a text may begin.
    if found and found[1] != "text" and (b"\0" in head or not head[:4].isascii()):
        raise DataError(f"{name}: no text file: by its content it is {found[0]} ({found[1]}); rename it")


def _strictly(data: bytes, encoding: str, name: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding).removeprefix("\ufeff"), encoding.lower())
    except LookupError as error:
        raise DataError(f"{name}: {encoding!r} is no encoding that Python knows") from error
    except UnicodeError as error:
        raise DataError(f"{name}: not valid {encoding}: {error}") from error


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 of mostly ASCII text shows as a NUL in every other byte."""
    sample = np.frombuffer(data[: min(4096, len(data)) & ~1], np.uint8)
    if len(sample) < 4:
        return None
    even, odd = (sample[::2] == 0).mean(), (sample[1::2] == 0).mean()
    if odd > 0.6 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 and odd < 0.05 else None


def _with_broken_lines(body: bytes) -> Decoded:
    broken: list[int] = []
    sound = 0
    # Latin-1 maps bytes to characters one to one, so that lines are split as they will be in the decoded text.
    for number, line in enumerate(io.StringIO(body.decode("latin-1"), newline="")):
        if line.isascii():
            continue
        try:
            line.encode("latin-1").decode("utf-8")
            sound += 1
        except UnicodeDecodeError:
            broken.append(number)
    if sound >= len(broken):
        return Decoded(body.decode("utf-8", "surrogateescape"), "utf-8", broken=tuple(broken))
    codec = "latin-1" if UNDEFINED_IN_CP1252 & frozenset(body) else "cp1252"
    return Decoded(body.decode(codec), codec, guessed=True, foreign=tuple(broken))
