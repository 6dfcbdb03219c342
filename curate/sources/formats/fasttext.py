"""Texts of one line each behind their labels, ``__label__NAME``, as fastText reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from curate.sources.encodings import decode
from curate.sources.formats.text_lines import labelled_lines
from curate.sources.raw import Raw

PREFIX = "__label__"
LABEL = "label"


def is_fasttext(path: Path) -> bool:
    """Whether a text file begins with a label."""
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(PREFIX.encode())


def read_fasttext(path: Path, name: str, encoding: str | None = None) -> Raw:
    """A row per line: its text, and its label, or a list of them where a line has several; null where it has none."""
    decoded = decode(path, encoding)
    texts, labels, lines, unreadable = [], [], [], {}
    for number, line in enumerate(decoded.text.split("\n"), 1):
        words = line.split()
        if not words:
            continue
        if number - 1 in decoded.broken:
            unreadable[len(lines)] = f"{path.name}, line {number}: bytes that are not {decoded.encoding.upper()}"
            line, words = "", []
        count = next((k for k, word in enumerate(words) if not word.startswith(PREFIX)), len(words))
        labels.append([word.removeprefix(PREFIX) for word in words[:count]] or None)
        texts.append(line.split(maxsplit=count)[count].rstrip() if count < len(words) else None)
        lines.append(number)
    if all(found is None or len(found) == 1 for found in labels):
        column = pa.array([None if found is None else found[0] for found in labels], pa.string())
    else:
        column = pa.array(labels, pa.list_(pa.string()))
    columns = pa.table({"text": pa.array(texts, pa.string()), "label": column})
    return labelled_lines(columns, path, name, decoded, lines, unreadable)


def with_sets(parts: Sequence[Raw]) -> list[Raw]:
    """Files of one set, with lists of labels in all of them where one has lists."""
    kinds = [part.columns.schema.field(LABEL).type if LABEL in part.columns.column_names else None for part in parts]
    if not any(kind is not None and pa.types.is_list(kind) for kind in kinds):
        return list(parts)
    found = []
    for part, kind in zip(parts, kinds, strict=True):
        if kind is not None and pa.types.is_string(kind):
            values = [None if one is None else [one] for one in part.columns[LABEL].to_pylist()]
            part = part.with_column(LABEL, pa.array(values, pa.list_(pa.string())))
        found.append(part)
    return found
