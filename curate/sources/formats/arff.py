"""ARFF, the tables of Weka and OpenML: typed attributes, then a row per line, written in full or only where not zero.

KEEL's tables (``.dat``) are much the same, with ranges of numbers and a line ``@outputs`` that names the label.

Read here, as liac-arff knows no dates and ends at the first bad line, and scipy's reader knows no texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.columns.role_names import LABEL_NAMES
from curate.sources.encodings import decode
from curate.sources.raw import Raw, origins
from curate.wording import some_of

NUMBERS = ("numeric", "real", "integer")
WORD = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,{}'"%][^\s,{}]*"""
_ATTRIBUTE = re.compile(rf"@attribute\s+(?P<name>{WORD})\s*(?P<kind>\{{.*\}}|(?<=\s)[^\s\[]+)", re.IGNORECASE)
_OUTPUT = re.compile(rf"@outputs?\s+(?P<name>{WORD})\s*$", re.IGNORECASE)
_VALUE = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,'"]*)\s*(,|$)""")
_SPARSE = re.compile(rf"\s*(\d+)\s+({WORD})\s*(,|$)")
_WEIGHT = re.compile(r",\s*\{\s*[-+.\deE]+\s*\}\s*$")
_ESCAPED = re.compile(r"\\(.)")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
MISSING = "?"
NULL = "<null>"
"""What KEEL writes for a missing number or class."""


class _Wrong(ValueError):
    """A line that is no row."""


@dataclass(frozen=True)
class _Attribute:
    name: str
    kind: str
    values: tuple[str, ...] = ()


def is_keel(path: Path) -> bool:
    """Whether a text file begins as the tables of KEEL do."""
    with path.open("rb") as file:
        return re.match(rb"(\xef\xbb\xbf)?(\s*%[^\n]*\n)*\s*@relation\s", file.read(4_096), re.IGNORECASE) is not None


def read_arff(path: Path, name: str, encoding: str | None = None) -> Raw:
    """The rows of a file; a line that does not fit the attributes is a row that can't be read.

    Nominal attributes have their values as classes. The label is the one output of KEEL, else an attribute that is
    called one, else the last one if it is nominal, as in Weka. A sparse row has 0, or the first nominal value, where it
    says nothing.

    Raises:
        DataError: no ``@data``, no row, or an attribute that holds rows of its own (relational).
    """
    decoded = decode(path, encoding)
    attributes, lines, begun = _header(decoded.text, name)
    rows: list[list[Any] | None] = []
    unreadable: dict[int, str] = {}
    for number, line in lines:
        try:
            if number - 1 in decoded.broken:
                raise _Wrong(f"bytes that are not {decoded.encoding.upper()}")
            rows.append(_row(line, attributes))
        except _Wrong as error:
            unreadable[len(rows)] = f"{path.name}, line {number}: {error}"
            rows.append(None)
    if not begun or len(unreadable) == len(rows):
        why = next(iter(unreadable.values()), "there are no rows" if begun else "there is no line @data")
        raise DataError(f"{name}: {why}")
    numbers = np.array([number for number, _ in lines], np.int64)
    label = _output(decoded.text, attributes) or _label(attributes)
    return Raw(
        pa.table(_columns(rows, attributes)),
        name,
        root=path.parent,
        bases=(path.parent,),
        unreadable=unreadable,
        records={row: unreadable[row].encode("utf-8", "surrogatepass") for row in unreadable},
        remarks=decoded.remarks(numbers, path.name),
        origin=origins(path.name, numbers),
        notes=tuple(decoded.notes(path.name)),
        roles={"label": label} if label else {},
        class_names={one.name: one.values for one in attributes if one.values},
    )


def _header(text: str, name: str) -> tuple[list[_Attribute], list[tuple[int, str]], bool]:
    """The attributes, the lines of rows with their numbers from 1, and whether ``@data`` was there."""
    attributes: list[_Attribute] = []
    lines: list[tuple[int, str]] = []
    begun = False
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("%"):
            continue
        if begun:
            lines.append((number, line))
        elif line.lower().startswith("@attribute"):
            attributes.append(_attribute(line, f"{name}: line {number}"))
        begun = begun or line.lower().startswith("@data")
    names = [one.name for one in attributes]
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise DataError(f"{name}: {some_of(twice, 3, repr)} is the name of several attributes")
    return attributes, lines, begun


def _attribute(line: str, place: str) -> _Attribute:
    match = _ATTRIBUTE.match(line)
    if match is None:
        raise DataError(f"{place}: no attribute with a name and a type: {line[:80]!r}")
    kind = match["kind"]
    if kind.startswith("{"):
        try:
            return _Attribute(_plain(match["name"]), "nominal", tuple(_values(kind[1:-1])))
        except _Wrong as error:
            raise DataError(f"{place}: {error}") from None
    if kind.lower() not in (*NUMBERS, "string", "date"):
        raise DataError(
            f"{place}: attributes of the type {kind} are not read; there are numeric, nominal, string, date"
        )
    return _Attribute(_plain(match["name"]), kind.lower())


def _output(text: str, attributes: Sequence[_Attribute]) -> str | None:
    """The attribute that a line ``@outputs`` names alone, whatever the case of its letters."""
    head = re.split(r"^\s*@data", text, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)[0]
    said = [match for line in head.splitlines() if (match := _OUTPUT.match(line.strip()))]
    named = [one.name for match in said for one in attributes if one.name.lower() == _plain(match["name"]).lower()]
    return named[0] if len(named) == 1 else None


def _plain(word: str) -> str:
    """A word without its quotes and backslashes."""
    word = word.strip()
    if len(word) < 2 or word[0] not in "'\"" or word[-1] != word[0]:
        return word
    return _ESCAPED.sub(lambda match: ESCAPES.get(match[1], match[1]), word[1:-1])


def _values(text: str) -> list[str]:
    """What stands between commas. Raises _Wrong for a quote that does not close, or text behind one."""
    found, position = [], 0
    while True:
        match = _VALUE.match(text, position)
        if match is None:
            raise _Wrong("a quote does not close, or text follows one")
        found.append(match[1].strip())
        position = match.end()
        if not match[2]:
            return [MISSING if word == MISSING else _plain(word) for word in found]


def _row(line: str, attributes: Sequence[_Attribute]) -> list[Any]:
    line = _WEIGHT.sub("", line)
    if line.startswith("{"):
        given = _sparse(line, len(attributes))
        return [_typed(given[k], one) if k in given else _zero(one) for k, one in enumerate(attributes)]
    words = _values(line)
    if len(words) != len(attributes):
        many = "more" if len(words) > len(attributes) else "fewer"
        raise _Wrong(f"{len(words)} values, {many} than the {len(attributes)} attributes")
    return [_typed(word, one) for word, one in zip(words, attributes, strict=True)]


def _sparse(line: str, width: int) -> Mapping[int, str]:
    if not line.endswith("}"):
        raise _Wrong("a row in braces that does not close")
    found: dict[int, str] = {}
    text, position = line[1:-1].strip(), 0
    while position < len(text):
        match = _SPARSE.match(text, position)
        if match is None or int(match[1]) >= width:
            raise _Wrong(f"no number of an attribute and a value: {text[position : position + 40].strip()!r}")
        found[int(match[1])] = _plain(match[2])
        position = match.end()
    return found


def _zero(attribute: _Attribute) -> Any:
    return 0.0 if attribute.kind in NUMBERS else attribute.values[0] if attribute.values else None


def _typed(word: str, attribute: _Attribute) -> Any:
    if word == MISSING or (word == NULL and attribute.kind != "string"):
        return None
    if attribute.kind in NUMBERS:
        try:
            return float(word)
        except ValueError:
            raise _Wrong(f"{word[:40]!r} is no number, as {attribute.name!r} wants") from None
    if attribute.kind == "nominal" and word not in attribute.values:
        raise _Wrong(f"{word[:40]!r} is none of the values of {attribute.name!r}")
    return word


def _columns(rows: Sequence[Sequence[Any] | None], attributes: Sequence[_Attribute]) -> dict[str, pa.Array]:
    found = {}
    for place, one in enumerate(attributes):
        values = [None if row is None else row[place] for row in rows]
        if one.kind in NUMBERS:
            column = pa.array(values, pa.float64())
            whole = all(value is None or (value.is_integer() and abs(value) < 2**53) for value in values)
            found[one.name] = column.cast(pa.int64()) if whole else column
        else:
            found[one.name] = pa.array(values, pa.string())
    return found


def _label(attributes: Sequence[_Attribute]) -> str | None:
    named = [one.name for name in LABEL_NAMES for one in attributes if one.name.strip().lower() == name]
    last = attributes[-1:] if attributes and attributes[-1].values else []
    return next(iter([*named, *(one.name for one in last)]), None)
