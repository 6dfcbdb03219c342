"""Files that are classes: ``pos.txt`` and ``neg.txt``, ``rt-polarity.pos``, ``Fake.csv`` and ``True.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa

from curate.sources.columns.role_names import LABEL_NAMES
from curate.sources.file_kinds import TextOptions
from curate.sources.formats.tables import read_table
from curate.sources.formats.text_lines import read_lines
from curate.sources.raw import Raw, concatenated

PAIRS = (
    frozenset(("pos", "neg")), frozenset(("positive", "negative")), frozenset(("spam", "ham")),
    frozenset(("fake", "true")), frozenset(("fake", "real")), frozenset(("toxic", "nontoxic")),
)  # fmt: skip
"""Names of two files, in lower case, that can be nothing but classes."""
LABEL = "label"


def polar_texts(folder: Path, files: Sequence[str], source: str, encoding: str | None) -> tuple[Raw, list[str]] | None:
    """A row per line of text files that are called by the two classes, and the files; None where there are no such."""
    named = _classes(files)
    if named is None:
        return None
    return _made(folder, source, {path: read_lines(folder / path, path, encoding) for path in named}, named)


def polar_tables(folder: Path, files: Sequence[str], source: str, options: TextOptions) -> Raw | None:
    """The rows of two tables with the same columns that are called by the classes; None where there are no such."""
    named = _classes(files)
    if named is None or len(named) < len(files):
        return None
    parts = {path: read_table(folder / path, source=path, **options) for path in named}
    columns = {frozenset(part.columns.column_names) for part in parts.values()}
    if len(columns) > 1 or {name.lower() for name in next(iter(columns))} & set(LABEL_NAMES):
        return None
    return _made(folder, source, parts, named)[0]


def _classes(files: Sequence[str]) -> dict[str, str] | None:
    """File -> class of two files, by their stems or, where these are the same, by their endings."""
    for of in (lambda path: PurePath(path).stem, lambda path: PurePath(path).suffix[1:]):
        named = {path: of(path) for path in files if any(of(path).lower() in pair for pair in PAIRS)}
        if len(named) == 2 and frozenset(name.lower() for name in named.values()) in PAIRS:
            return named
    return None


def _made(folder: Path, source: str, parts: dict[str, Raw], named: dict[str, str]) -> tuple[Raw, list[str]]:
    rows = []
    for path, part in parts.items():
        column = pa.array([named[path]], pa.string()).take(pa.array(np.zeros(len(part), np.int64)))
        rows.append(part.with_column(LABEL, pa.chunked_array([column])))
    whole = concatenated(rows, source)
    note = f"the class of a row is its file: {', '.join(f'{name} ({path})' for path, name in named.items())}"
    whole = replace(whole, root=folder, roles={**whole.roles, LABEL: LABEL}, notes=(*whole.notes, note))
    return whole, list(named)
