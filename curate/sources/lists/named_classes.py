"""Names of classes that folders or lists give as numbers or ids: ``cat_to_name.json``, ``words.txt``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from curate.errors import DataError
from curate.sources.columns.column_types import is_text
from curate.sources.columns.media_columns import FILE_NAMES
from curate.sources.columns.role_names import LABEL_NAMES
from curate.sources.encodings import decode
from curate.sources.file_kinds import ending
from curate.sources.raw import Raw

LARGEST_LIST = 8 << 20
"""Bytes."""
MOST_LISTS = 20
"""Files that are looked at; where there are more, they are no lists of classes."""
_CODE = re.compile(r"\d{1,4}|n\d{8}")
"""Numbers, and the ids of WordNet."""


def named_classes(
    folder: Path, files: Sequence[str], labels: Sequence[str | None]
) -> tuple[list[str | None], str, str] | None:
    """The labels by name, the file that names them, and a sentence; None where none does, or several do.

    A list is JSON of code and name, either way round; lines of a code and a name; or as many lines of names as there
    are numbers, which count from 0 or 1.

    Args:
        folder: that paths are relative to.
        files: that may be lists; those in folders of folders are none.
        labels: (n,) of the rows; names are looked for where all are numbers or ids of WordNet.
    """
    codes = {label for label in labels if label is not None}
    if len(codes) < 2 or not all(map(_CODE.fullmatch, codes)):
        return None
    near = [path for path in files if path.count(os.sep) < 2 and ending(path) in (".json", ".txt", ".names")]
    found = {path: names for path in near if len(near) <= MOST_LISTS and (names := _names(folder / path, codes))}
    if len(found) != 1:
        return None
    path, names = next(iter(found.items()))
    code = min(codes, key=lambda one: (len(one), one))
    told = f"the classes are named by {path}: {code!r} is {names[code]!r}"
    return [None if label is None else names[label] for label in labels], path, told


def with_named_labels(folder: Path, raw: Raw, files: Sequence[str]) -> tuple[Raw, list[str]]:
    """Rows of a table with the names that a list beside it has for its labels, and the lists that were read."""
    column = next((name for name in raw.columns.column_names if name.strip().lower() in LABEL_NAMES), None)
    if column is None or not (is_text(kind := raw.columns.schema.field(column).type) or pa.types.is_integer(kind)):
        return raw, []
    labels = [None if one is None else str(one) for one in raw.columns[column].to_pylist()]
    if (found := named_classes(folder, files, labels)) is None:
        return raw, []
    named, used, told = found
    raw = raw.with_column(column, pa.chunked_array([pa.array(named, pa.string())]))
    return replace(raw, notes=(*raw.notes, told)), [used]


def is_json_list(path: Path) -> bool:
    """Whether a file is JSON of names, of one name or number per key, or of names per class: a list and no table."""
    try:
        if ending(path.name) != ".json" or path.stat().st_size > LARGEST_LIST:
            return False
        text = decode(path).text
    except (DataError, OSError):
        return False
    return _of_json(text) is not None or _per_class(text)


def _per_class(text: str) -> bool:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict) or set(map(str.lower, document)) & set(FILE_NAMES):
        return False
    return all(isinstance(files, list) and all(isinstance(one, str) for one in files) for files in document.values())


def _names(path: Path, codes: set[str]) -> dict[str, str] | None:
    try:
        if path.stat().st_size > LARGEST_LIST:
            return None
        text = decode(path).text
    except (DataError, OSError):
        return None
    for names in [_of_json(text)] if ending(path.name) == ".json" else [_of_pairs(text), _of_lines(text, codes)]:
        if names and codes <= names.keys() and len({names[code] for code in codes}) == len(codes):
            return names
    return None


def _of_json(text: str) -> dict[str, str] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list) and all(isinstance(name, str) for name in document):
        return {str(number): name for number, name in enumerate(document)}
    if not isinstance(document, Mapping):
        return None
    values = list(document.values())
    if all(isinstance(value, str) for value in values):
        return dict(document)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return {str(number): name for name, number in document.items()}
    if all(isinstance(value, list) and len(value) == 2 for value in values):  # ImageNet's: number -> [id, name]
        return {str(key): str(value[1]) for key, value in document.items()}
    return None


def _of_pairs(text: str) -> dict[str, str] | None:
    """Names by the codes before them; of several names in a line the first counts."""
    lines = [line.strip().split(maxsplit=1) for line in text.splitlines() if line.strip()]
    if not lines or not all(len(words) == 2 and _CODE.fullmatch(words[0]) for words in lines):
        return None
    return {code: name.split(",")[0].strip() for code, name in lines}


def _of_lines(text: str, codes: set[str]) -> dict[str, str] | None:
    """Names by their places, where codes are the numbers from 0 or 1 to the last line."""
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not all(code.isdecimal() for code in codes) or len(set(names)) != len(names) or any(map(str.isdecimal, names)):
        return None
    numbers = {int(code) for code in codes}
    if max(numbers) == len(names) and min(numbers) == 1:
        return {code: names[int(code) - 1] for code in codes}
    return {code: names[int(code)] for code in codes} if max(numbers) == len(names) - 1 and 0 in numbers else None
