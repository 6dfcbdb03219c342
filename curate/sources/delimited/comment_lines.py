"""Lines of comment above the rows of delimited text, the last of which is the header (AudioSet's lists)."""

from __future__ import annotations

import csv


def without_comments(text: str, delimiter: str | None) -> tuple[str, str | None]:
    """The text with the last of its first lines that begin with ``#`` as header, and the others empty; its delimiter.

    Both stay as they are where there are none, or where that line has not as many fields as the one below.
    """
    if not text.startswith("#"):
        return text, delimiter
    lines = text.splitlines(keepends=True)
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count == len(lines) or (count == 1 and not text.startswith("# ")):
        return text, delimiter
    last = lines[count - 1].lstrip("#").lstrip(" ")
    for one in (delimiter,) if delimiter else (",", "\t", ";"):
        above, below = (next(csv.reader([line], delimiter=one, skipinitialspace=True)) for line in (last, lines[count]))
        if len(above) == len(below) > 1:
            return "\n" * (count - 1) + last + "".join(lines[count:]), one
    return text, delimiter
