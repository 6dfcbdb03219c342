"""Texts as they are shown."""

from __future__ import annotations

from curate.report.previews.item import Broken, Preview, Text

START = 320
LONGEST = 4000


def text_preview(value: str | None) -> Preview:
    """The beginning of a text, the rest to unfold, and how much is left out of very long ones."""
    if value is None:
        return Broken("there is no text")
    if len(value) <= START:
        return Text(value)
    # Cut at a space near the end, so that no word is torn.
    end = value.rfind(" ", START - 40, START)
    end = START if end < 0 else end
    return Text(value[:end], value[end:LONGEST], max(0, len(value) - LONGEST))
