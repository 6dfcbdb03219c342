"""Delimited text without a header: how its first line is told to be a row, and what the columns are called then."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from curate.errors import DataError
from curate.sources.encodings import decode

NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
SAMPLE = 300
"""Lines that are looked at, evenly spaced."""
LEAST_ROWS = 3
LEAST_WORDS = 4
"""Words of a text."""
NUMBERS_SHARE = 0.9
WITHIN_SHARE = 0.75
"""Numbers of a first line that must lie among those below them for it to be a row."""
TITLE_SHARE = 0.5
"""Length of a title, as a share of what stands below it, up to which it is one."""
TITLED = ("title", "description")
KNOWN = {
    **dict.fromkeys(("ratings.dat", "u.data"), ("user_id", "movie_id", "rating", "timestamp")),
    "movies.dat": ("movie_id", "title", "genres"),
    "users.dat": ("user_id", "gender", "age", "occupation", "zip_code"),
}
"""Files of MovieLens, which have no header -> the columns by its readme."""
_NAMED = re.compile(r"^(?P<name>[A-Za-z][\w ./-]*?)\s*:\s*(continuous\b|[^:]*,[^:]*)", re.IGNORECASE)


def sampled(text: str, first: int, delimiter: str, width: int) -> list[list[str]]:
    """The fields of some lines, each taken by itself, blanks around them off; those of another width left out.

    Args:
        text: of the file.
        first: lines to leave out at its beginning.
        delimiter: one character.
        width: fields of a record.
    """
    found = []
    for line in _lines(text, first):
        try:
            fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=delimiter != "\t"), [])
        except csv.Error:
            continue
        if len(fields) == width:
            found.append([field.strip() for field in fields])
    return found


def _lines(text: str, first: int) -> Iterator[str]:
    """About `SAMPLE` lines, evenly spaced over the text."""
    begin = 0
    for _ in range(first):
        begin = text.find("\n", begin) + 1 or len(text)
    step = max(1, (len(text) - begin) // SAMPLE)
    wanted = begin
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield text[begin:end].rstrip("\r")
        wanted = max(wanted + step, end + 1)
        begin = end + 1 if wanted == end + 1 else text.find("\n", wanted) + 1 or len(text)


def is_row(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first record is a row like those below it.

    With a text in it that is one of several, any number among numbers or value that occurs again says so; without one,
    a number among numbers and a word that occurs again, or numbers alone, some of them with a point, that lie among
    those of their columns and do not count up as wavelengths do.

    Args:
        first: its fields.
        rows: those of records below it, as many each.
    """
    if len(rows) < LEAST_ROWS or len(first) < 2:
        return False
    texts = numbers = again = words_again = 0
    for value, below in zip(first, zip(*rows, strict=True), strict=True):
        number = bool(NUMBER.fullmatch(value))
        if _is_text(value, below):
            texts += 1
        elif number and sum(bool(NUMBER.fullmatch(one)) for one in below) >= NUMBERS_SHARE * len(below):
            numbers += 1
        elif value and value in below:
            again += 1
            words_again += not number
    return bool((texts and numbers + again) or (numbers and words_again)) or _are_numbers_among(first, rows)


def _are_numbers_among(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether numbers lie within those of the columns below them, and neither count up nor are all whole."""
    if not all(map(NUMBER.fullmatch, first)) or all(value.lstrip("+-").isdecimal() for value in first):
        return False
    columns = list(zip(*rows, strict=True))
    if not all(NUMBER.fullmatch(value) for column in columns for value in column):
        return False
    numbers = [float(value) for value in first]
    if numbers in (sorted(numbers), sorted(numbers, reverse=True)):
        return False
    within = sum(min(map(float, column)) <= one <= max(map(float, column)) for one, column in zip(numbers, columns))
    return within >= WITHIN_SHARE * len(first)


def _is_text(value: str, below: Sequence[str]) -> bool:
    if len(value.split()) < LEAST_WORDS or _mean_words(below) < LEAST_WORDS:
        return False
    # a question above answers is a header
    return not value.endswith("?") or any(one.endswith("?") for one in below)


def _mean_words(values: Sequence[str]) -> float:
    return sum(len(value.split()) for value in values) / max(1, len(values))


def names_for(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Names of columns without any: the longest of texts is ``text``, the one column of few values ``label``.

    Of two texts side by side, the first of which is much shorter, the names are ``title`` and ``description``. Beside
    numbers alone, a lone column of words is the ``label``. All others bear their number from 1.
    """
    called = [f"column_{k + 1}" for k in range(width)]
    columns = list(zip(*rows, strict=True))
    texts = [k for k, values in enumerate(columns) if _mean_words(values) >= LEAST_WORDS]
    lengths = {k: sum(map(len, columns[k])) for k in texts}
    if len(texts) == 2 and texts[1] == texts[0] + 1 and TITLE_SHARE * lengths[texts[1]] >= lengths[texts[0]]:
        called[texts[0]], called[texts[1]] = TITLED
    elif texts:
        called[max(texts, key=lengths.__getitem__)] = "text"
    few = [k for k, values in enumerate(columns) if k not in texts and 2 <= len(set(values)) <= len(values) / 2]
    if not texts:
        few = [k for k in range(len(columns)) if not all(NUMBER.fullmatch(one) or not one for one in columns[k])]
    if len(few) == 1:
        called[few[0]] = "label"
    return called


def names_beside(path: Path, width: int) -> list[str] | None:
    """The names of columns of a file of MovieLens, or by one of the repository at Irvine, ``adult.names``.

    A line is about one column, ``age: continuous.``; the class comes last and is not among them. None where the file
    is not there or names another number of columns.
    """
    if (known := KNOWN.get(path.name)) and len(known) == width:
        return list(known)
    try:
        text = decode(path.with_suffix(".names")).text
    except DataError:
        return None
    names = [match["name"].strip() for line in text.splitlines() if (match := _NAMED.match(line))]
    return [*names, "class"] if len(names) == width - 1 and len(set(names)) == len(names) else None
