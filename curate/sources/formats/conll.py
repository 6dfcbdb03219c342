"""Files with a word and its tags per line and a blank line between sentences (CoNLL, BIO, Universal Dependencies)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.raw import Raw, origins

_TAG = re.compile(r"^(O|[BIESLU]-\S+)$")
HEAD = 400
"""Lines by which a text file is told to be one of words and tags."""
TAGGED_SHARE = 0.98
CONLLU = {"upos": 3, "xpos": 4, "deprel": 7}
"""Columns of Universal Dependencies whose values may be tags; the words stand in the second."""


def is_conll(path: Path) -> bool:
    """Whether a text file has words and tags in lines of equally many fields, and blank lines between."""
    with path.open("rb") as file:
        head = [line.decode("utf-8", "replace").split() for _, line in zip(range(HEAD), file)]
    words = [fields for fields in head if fields and fields[0] != "-DOCSTART-"]
    if len(words) < 2 or len({len(fields) for fields in words}) != 1 or len(words[0]) < 2:
        return False
    return sum(bool(_TAG.match(fields[-1])) for fields in words) >= TAGGED_SHARE * len(words)


def read_conll(path: Path, name: str, encoding: str | None = None) -> Raw:
    """Sentences as lists of words and of the tags in the last column (of the universal part of speech in ``.conllu``).

    A sentence with a line of fewer fields is a row that can't be read.

    Raises:
        DataError: there is no sentence.
    """
    universal = path.suffix.lower() == ".conllu"
    rows: list[tuple[list[str], list[str]] | None] = []
    lines: list[int] = []
    unreadable: dict[int, str] = {}
    decoded = decode(path, encoding)
    for first, sentence in _sentences(decoded.text):
        words = [fields for fields in sentence if not universal or fields[0].isdecimal()]
        last = first + len(sentence)
        if any(first <= line + 1 < last for line in decoded.broken):
            unreadable[len(rows)] = f"{path.name}, line {first}: bytes that are not {decoded.encoding.upper()}"
            words = []
        short = [place for place, fields in enumerate(words) if len(fields) < (8 if universal else 2)]
        if len(rows) in unreadable:
            rows.append(None)
        elif short:
            unreadable[len(rows)] = f"{path.name}, line {first + short[0]}: a word and no tag"
            rows.append(None)
        else:
            tag, word = (CONLLU["upos"], 1) if universal else (-1, 0)
            rows.append(([fields[word] for fields in words], [fields[tag] for fields in words]))
        lines.append(first)
    if len(unreadable) == len(rows):
        raise DataError(f"{name}: {next(iter(unreadable.values()), 'there are no sentences')}")
    lists = pa.list_(pa.string())
    return Raw(
        pa.table({
            "tokens": pa.array([None if row is None else row[0] for row in rows], lists),
            "tags": pa.array([None if row is None else row[1] for row in rows], lists),
        }),
        name,
        root=path.parent,
        bases=(path.parent,),
        unreadable=unreadable,
        records={row: why.encode() for row, why in unreadable.items()},
        remarks=decoded.remarks(np.array(lines, np.int64), path.name),
        origin=origins(path.name, np.array(lines, np.int64)),
        notes=tuple(decoded.notes(path.name)),
    )  # fmt: skip


def _sentences(text: str) -> list[tuple[int, list[list[str]]]]:
    """(first line from 1, fields of each word) of the sentences; comments above them and ``-DOCSTART-`` are none."""
    found: list[tuple[int, list[list[str]]]] = []
    begun = False
    for number, line in enumerate(text.split("\n"), 1):  # what else ends a line may stand in a word
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or fields[0] == "-DOCSTART-":
            begun = False
        elif begun or not line.startswith("#") or _TAG.match(fields[-1]):
            if not begun:
                found.append((number, []))
            begun = True
            found[-1][1].append([field.strip() for field in fields])
    return found
