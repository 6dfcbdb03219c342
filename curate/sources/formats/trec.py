"""Questions of TREC: a line each, ``DESC:manner How did ...``, its class and the finer one before it."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.formats.text_lines import labelled_lines
from curate.sources.raw import Raw

_LINE = re.compile(r"(?P<coarse>[^\s:]+):(?P<fine>\S+)\s+(?P<text>.*\S)\s*")


def read_trec(path: Path, name: str, encoding: str | None = None) -> Raw:
    """A row per line: ``text``, ``label`` (``DESC``) and ``fine_label`` (``DESC:manner``).

    A line of another form is a row that can't be read.

    Raises:
        DataError: no line is of the form.
    """
    decoded = decode(path, encoding)
    rows: list[dict[str, str | None]] = []
    lines: list[int] = []
    unreadable: dict[int, str] = {}
    for number, line in enumerate(decoded.text.split("\n"), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if number - 1 in decoded.broken:
            unreadable[len(rows)] = f"{path.name}, line {number}: bytes that are not {decoded.encoding.upper()}"
        elif found is None:
            unreadable[len(rows)] = f"{path.name}, line {number}: no class before a text (CLASS:finer text)"
        coarse, fine, text = found.groups() if found and len(rows) not in unreadable else (None, None, None)
        rows.append({"text": text, "label": coarse, "fine_label": fine and f"{coarse}:{fine}"})
        lines.append(number)
    if len(unreadable) == len(rows):
        raise DataError(f"{name}: {next(iter(unreadable.values()), 'there are no lines')}")
    columns = pa.Table.from_pylist(rows, pa.schema(dict.fromkeys(("text", "label", "fine_label"), pa.string())))
    return labelled_lines(columns, path, name, decoded, lines, unreadable)
