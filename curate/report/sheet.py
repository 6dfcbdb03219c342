"""The contact sheet: training rows as they are, and what augment steps make of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from curate.report.augmentation import Augmentation, SheetDraw, SheetRow
from curate.report.previews.item import Budget, Frames, LeftOut, Picture, Preview, Sound

SHEET_BYTES = 1_000_000
"""Encoded media that the contact sheet holds at most."""


@dataclass(frozen=True, eq=False)
class Augmented:
    """What augment steps make of the rows: the numbers, and the pictures of the contact sheet.

    Attributes:
        facts: the numbers; `facts.sheet` says of each line of the contact sheet what was drawn.
        previews: for each of those lines the row as it is, and then its draws.
    """

    facts: Augmentation
    previews: tuple[tuple[Preview, ...], ...] = field(default=())


@dataclass(frozen=True)
class Line:
    """A line of the contact sheet as the page shows it."""

    row: SheetRow
    original: Preview
    draws: list[tuple[SheetDraw, Preview]]


def lines(augmented: Augmented, budget: Budget) -> list[Line]:
    """The lines of a contact sheet with as many of their pictures as the page may hold; spends the budget."""
    return [
        Line(row, shown[0], list(zip(row.draws, shown[1:], strict=True)))
        for row, shown in zip(augmented.facts.sheet, [_within(one, budget) for one in augmented.previews], strict=True)
    ]


def _within(previews: Iterable[Preview], budget: Budget) -> list[Preview]:
    return [one if budget.take(size(one)) else LeftOut() for one in previews]


def size(preview: Preview) -> int:
    """Bytes of encoded media in a preview."""
    if isinstance(preview, Picture):
        return len(preview.uri)
    if isinstance(preview, Frames):
        return sum(len(frame.uri) for frame in preview.frames)
    if isinstance(preview, Sound):
        return len(preview.uri or "") + len(preview.spectrogram or "")
    return 0
