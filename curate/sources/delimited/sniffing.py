"""What stands between the fields of delimited text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from curate.sources.delimited.headerless import NUMBER

DELIMITERS = (",", "\t", ";", "|")
PAIR = "::"
SAMPLE_LINES = 100
NAME = re.compile(r"[^\W\d][\w.-]*")
LEAST_ALIGNED = 3
"""Fields of a line, from which on blanks may stand between them."""
NUMBERS_SHARE = 0.25
"""Columns that hold numbers alone, from which on fields between blanks are no words of texts."""
SURE_SHARE = 0.75
"""The same where tabs stand between some fields, and there might be texts with blanks."""
_BLANKS = re.compile(r'[ \t]+(?=(?:[^"]*"[^"]*")*[^"]*$)')


def sniff(text: str) -> str:
    """The delimiter under which most of the first records have as many fields as the header, and more than one.

    Where none does, as a quote that never closes swallowed the rest, that of the first lines, each taken by itself;
    where lines have unlike length, that of a header of names.
    """
    lines = _head(text)
    (fits, _), best = max((_agreement([lines], delimiter), -k) for k, delimiter in enumerate(DELIMITERS))
    if not fits:
        (by_line, _), alone = max((_agreement([[x] for x in lines], one), -k) for k, one in enumerate(DELIMITERS))
        if not by_line and (found := _of_names(lines)):
            return found
        best = alone if by_line else best
    return DELIMITERS[-best]


def _of_names(lines: Sequence[str]) -> str | None:
    """The delimiter that makes the first line names of one word, and that most other lines hold."""
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in lines[0].split(delimiter)] if lines else []
        hold = sum(delimiter in line for line in lines[1:])
        if len(names) > 1 and all(NAME.fullmatch(name) for name in names) and hold > (len(lines) - 1) / 2:
            return delimiter
    return None


def _agreement(parts: Sequence[list[str]], delimiter: str) -> tuple[bool, float]:
    """Whether most records have as many fields as the first and that is several, and the share that has as many."""
    try:
        counts = [len(fields) for lines in parts for fields in csv.reader(lines, delimiter=delimiter) if fields]
    except csv.Error:
        counts = []
    if not counts:
        return False, -1.0
    # Header against the rest: a comma inside texts gives counts that differ from the header's.
    agree = sum(count == counts[0] for count in counts) / len(counts)
    return counts[0] > 1 and agree > 0.5, agree


def separated(text: str, path: Path) -> tuple[str, str]:
    """The text and what stands between its fields; runs of blanks become tabs where blanks alone do."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return text, "\t"
    if (tabs := _of_pairs(text)) is not None:
        return tabs, "\t"
    if "\t" in text or " " in text:
        lines = _head(text)
        fits = [delimiter for delimiter in DELIMITERS if _agreement([lines], delimiter)[0]]
        tabs = aligned(text, SURE_SHARE if fits else NUMBERS_SHARE) if fits in ([], ["\t"]) else None
        if tabs is not None:
            return tabs, "\t"
    return text, sniff(text)


def aligned(text: str, share: float = NUMBERS_SHARE) -> str | None:
    """The text with a tab for each run of blanks, as in tables of the repository at Irvine and of R.

    None where the first lines have unlike many fields, where tabs alone stand between them, or where a smaller
    share of the columns holds numbers.
    """
    head = [line.strip() for line in _head(text) if line.strip()]
    rows = [_fields(line) for line in head]
    width = len(rows[0]) if rows else 0
    if len(rows) < 2 or width < LEAST_ALIGNED or any(len(row) != width for row in rows):
        return None
    if all(line.count("\t") == width - 1 for line in head):
        return None
    numbers = sum(all(NUMBER.fullmatch(value) for value in column) for column in zip(*rows[1:], strict=True))
    if numbers < share * width:
        return None
    return "\n".join("\t".join(_fields(line.strip())) for line in text.split("\n"))


def is_aligned(path: Path) -> bool:
    """Whether blanks stand between the fields of a text file."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    whole, _, rest = head.decode("utf-8", "replace").rpartition("\n")
    return aligned(whole or rest) is not None


def _of_pairs(text: str) -> str | None:
    """The text with a tab for each ``::``, where as many of these stand in all of its first lines (MovieLens)."""
    counts = {line.count(PAIR) for line in _head(text) if line.strip()}
    return text.replace(PAIR, "\t") if len(counts) == 1 and 0 not in counts and "\t" not in text else None


def is_delimited(path: Path) -> bool:
    """Whether most of the first lines of a text file have as many fields, and several."""
    with path.open("rb") as file:
        text = file.read(1 << 16).decode("utf-8", "replace")
    lines = _head(text)
    return (
        any(_agreement([lines[1:]], one)[0] for one in DELIMITERS)
        or aligned(text.rpartition("\n")[0] or text) is not None
        or _of_pairs("".join(lines)) is not None
    )


def _fields(line: str) -> list[str]:
    return _BLANKS.split(line) if '"' in line else line.split()


def _head(text: str) -> list[str]:
    return list(islice(io.StringIO(text[: 1 << 20], newline=""), SAMPLE_LINES))
