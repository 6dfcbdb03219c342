"""What a page can show of a row, one value per kind, and the budget of media that a page may hold."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Budget:
    """Bytes of encoded media that may still go into a page.

    Attributes:
        left: bytes left.
    """

    left: int

    def take(self, count: int) -> bool:
        """Whether there was room for `count` bytes, which are then spent."""
        if count > self.left:
            return False
        self.left -= count
        return True


@dataclass(frozen=True)
class Piece:
    """A stretch of a text, marked or not; `gone` if another text has it and this one does not."""

    text: str
    marked: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Text:
    """A text: where it is shown from, and what follows up to a limit.

    `cut` counts the characters past that, `before` those that are left out in front.
    """

    kind: ClassVar[str] = "text"
    start: tuple[Piece, ...]
    rest: tuple[Piece, ...] = ()
    cut: int = 0
    before: int = 0


@dataclass(frozen=True)
class Picture:
    """A thumbnail as data URI; `width` and `height` are those of the original."""

    kind: ClassVar[str] = "image"
    uri: str
    width: int
    height: int
    tiny: bool = False


@dataclass(frozen=True)
class Sound:
    """A clip as data URI and its waveform, as high as its peak, as an SVG path in a box of 200 x 40.

    `rate` is in Hz, `peak_db` in dB of full scale, None for silence. `begin` is where the clip begins, in seconds;
    `marks` are left edges and widths of what a reason points at, in the box. `spectrogram` is a picture of it as data
    URI, time to the right and frequency upwards, None where none is wanted.
    """

    kind: ClassVar[str] = "audio"
    uri: str | None
    path: str
    seconds: float
    shown_seconds: float
    rate: int
    peak_db: float | None
    begin: float = 0.0
    marks: tuple[tuple[float, float], ...] = ()
    spectrogram: str | None = None


@dataclass(frozen=True)
class Frames:
    """A few frames of a video in the order of time; `seconds` is its length, None where it is not known."""

    kind: ClassVar[str] = "video"
    frames: tuple[Picture, ...]
    seconds: float | None


@dataclass(frozen=True)
class Cell:
    """One value of a record; `marked` where the reason names its column or it differs from `other`, the value of the
    record beside it."""

    name: str
    value: str
    marked: bool
    other: str | None = None


@dataclass(frozen=True)
class Record:
    """The values of a record; `hidden` counts columns that are not shown."""

    kind: ClassVar[str] = "record"
    cells: tuple[Cell, ...]
    hidden: int = 0


@dataclass(frozen=True)
class Lines:
    """Channels of a series as SVG paths in a box of 200 x 40 each; `gaps` counts values that are missing; `marks` are
    left edges and widths of what a reason points at."""

    kind: ClassVar[str] = "series"
    paths: tuple[str, ...]
    channels: int
    length: int
    gaps: int
    low: float
    high: float
    marks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Broken:
    """What should stand here can't be shown, and why."""

    kind: ClassVar[str] = "broken"
    reason: str
    name: str = ""


@dataclass(frozen=True)
class LeftOut:
    """The page is full."""

    kind: ClassVar[str] = "left_out"
    name: str = ""


Preview = Text | Picture | Sound | Frames | Record | Lines | Broken | LeftOut


def data_uri(media_type: str, data: bytes) -> str:
    """``data:`` URI of encoded bytes."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
