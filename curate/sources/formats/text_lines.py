"""Text files of many rows: a text per line, or per paragraph where lines are wrapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import Decoded, decode
from curate.sources.raw import Raw, origins
from curate.sources.splits import about_and_split, split_name
from curate.wording import counted

LEAST_PARAGRAPHS = 3
LINES_EACH = 1.5
"""Lines of a paragraph on average, from which on paragraphs are the rows."""
LONGEST_LINE = 120
"""Characters of a line on average, up to which it may be wrapped."""
TABLE_HEAD = 100
"""Lines by which a file is told to be a table between tabs."""
TABLE_SHARE = 0.9


def are_rows(texts: Sequence[str]) -> bool:
    """Whether the text files of a folder hold a row per line: there is one, or all are named after splits."""
    stems = [PurePath(path).stem for path in texts]
    return len(stems) == 1 or all(split_name(stem) or about_and_split(stem) for stem in stems)


def is_tabbed(path: Path) -> bool:
    """Whether the first lines of a text file have the same fields, two or more, between tabs."""
    with path.open("rb") as file:
        lines = [line for _, line in zip(range(TABLE_HEAD), file, strict=False) if line.strip()]
    counts = [line.count(b"\t") for line in lines]
    return bool(counts) and counts[0] > 0 and sum(count == counts[0] for count in counts) >= TABLE_SHARE * len(counts)


def read_lines(path: Path, name: str, encoding: str | None = None) -> Raw:
    """A row per line that holds something; per paragraph where blank lines stand between several short ones.

    Raises:
        DataError: the file holds blanks alone.
    """
    decoded = decode(path, encoding)
    lines = decoded.text.split("\n")
    blocks = _paragraphs(lines)
    wrapped = _are_wrapped(lines, blocks)
    spans = blocks if wrapped else [(k, k + 1) for begin, end in blocks for k in range(begin, end)]
    if not spans:
        raise DataError(f"{name}: the file holds blanks alone")
    texts: list[str | None] = []
    unreadable: dict[int, str] = {}
    for row, (begin, end) in enumerate(spans):
        why = decoded.trouble(begin, end, lines, begin, end)
        if why:
            unreadable[row] = f"{path.name}, line {begin + 1}: {why}"
        texts.append(None if why else "\n".join(line.strip() for line in lines[begin:end]))
    numbers = np.array([begin + 1 for begin, _ in spans], np.int64)
    what = "paragraph, as blank lines stand between them" if wrapped else "line"
    return Raw(
        pa.table({"text": pa.array(texts, pa.string())}),
        name,
        root=path.parent,
        bases=(path.parent,),
        unreadable=unreadable,
        records={row: "\n".join(lines[slice(*spans[row])]).encode("utf-8", "surrogatepass") for row in unreadable},
        remarks=decoded.remarks(numbers, path.name),
        origin=origins(path.name, numbers),
        notes=(*decoded.notes(path.name), f"{path.name}: {counted(len(spans), 'row')}, one per {what}"),
        roles={"text": "text"},
    )


def labelled_lines(
    columns: pa.Table, path: Path, name: str, decoded: Decoded, lines: Sequence[int], unreadable: Mapping[int, str]
) -> Raw:
    """The rows of a file that has a ``text`` and its ``label`` per line.

    Args:
        columns: of the rows.
        path: the file.
        name: what it is called in messages.
        decoded: its bytes as text.
        lines: number of each row's line.
        unreadable: row -> why it is none.
    """
    numbers = np.array(lines, np.int64)
    return Raw(
        columns,
        name,
        root=path.parent,
        bases=(path.parent,),
        unreadable=unreadable,
        records={row: why.encode() for row, why in unreadable.items()},
        remarks=decoded.remarks(numbers, path.name),
        origin=origins(path.name, numbers),
        notes=tuple(decoded.notes(path.name)),
        roles={"text": "text", "label": "label"},
    )


def _paragraphs(lines: Sequence[str]) -> list[tuple[int, int]]:
    """First line and the one behind the last, from 0, of each run of lines that hold something."""
    found: list[tuple[int, int]] = []
    begun = None
    for number, line in enumerate((*lines, "")):
        if line.strip():
            begun = number if begun is None else begun
        elif begun is not None:
            found.append((begun, number))
            begun = None
    return found


def _are_wrapped(lines: Sequence[str], blocks: Sequence[tuple[int, int]]) -> bool:
    held = [line for line in lines if line.strip()]
    short = sum(map(len, held)) <= LONGEST_LINE * len(held)
    return short and len(blocks) >= LEAST_PARAGRAPHS and len(held) >= LINES_EACH * len(blocks)
