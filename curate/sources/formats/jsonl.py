"""JSON lines, and JSON files that hold an array of objects."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import Decoded, decode
from curate.sources.formats.activitynet import activitynet_rows, is_activitynet
from curate.sources.formats.coco import from_coco, is_coco
from curate.sources.formats.label_studio import is_label_studio, label_studio_rows
from curate.sources.formats.memory import mixed
from curate.sources.formats.spacy import is_spacy, of_pair, spacy_rows, with_classes
from curate.sources.formats.squad import is_squad, squad_rows
from curate.sources.formats.via import from_via, is_via
from curate.sources.raw import Raw, origins
from curate.wording import counted, noun, some_of

_BLANK = " \t\r\n"


class _Twice(ValueError):
    """An object names a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def read_json(path: Path, *, source: str | None = None, encoding: str | None = None) -> Raw:
    """Read JSON lines, or a ``.json`` file with one array of objects; objects are rows, their keys columns.

    A line that is no JSON object is a row that can't be read. In an array one fault makes the rest unreadable, so it is
    an error.

    Raises:
        DataError: no rows, or an array with a fault.
    """
    name = source or path.name
    decoded = decode(path, encoding)
    start = decoded.text.lstrip(_BLANK)[:1]
    if start == "{" and path.suffix.lower() == ".json" and isinstance(document := _document(decoded.text), dict):
        if is_coco(document):
            return from_coco(document, path, name)
        if is_via(document):
            return from_via(document, path, name)
        if is_squad(document):
            return _nested(squad_rows(document), path, name, "question or context")
        if is_activitynet(document):
            return _nested(activitynet_rows(document), path, name, "a segment")
        _refuse_no_rows(document, "\n" in decoded.text.strip(_BLANK), name)
    if start == "[" and path.suffix.lower() == ".json":
        items, lines, commas = _array(decoded.text, name)
        unreadable, raw, blank = {}, {}, 0
    else:
        items, lines, unreadable, raw, blank = _lines(decoded, path.name)
        commas = None
    if not items:
        raise DataError(f"{name}: there are no rows")
    if len(unreadable) == len(items):
        raise DataError(f"{name}: no line is a JSON object: {unreadable[0]}")
    several = None
    if is_label_studio(items):
        items, several = label_studio_rows(items)
    if not unreadable and is_spacy(items):
        items, lines = spacy_rows(items, lines)
    items = with_classes(items)
    columns = _columns(items, name)
    numbers = np.array(lines, np.int64)
    notes = [*decoded.notes(path.name), *_unlike(items, lines, columns, path.name)]
    if blank:
        notes.append(f"{path.name}: {counted(blank, 'blank line')} {noun(blank, 'is', 'are')} no row")
    if several:
        notes.append(f"{path.name}: {several}")
    if commas:
        notes.append(f"{path.name}: {commas}")
    return Raw(
        columns,
        name,
        root=path.parent,
        bases=(path.parent,),
        unreadable=unreadable,
        records=raw,
        remarks=decoded.remarks(numbers, path.name),
        origin=origins(path.name, numbers),
        notes=tuple(notes),
    )


def _nested(found: tuple[list[dict[str, Any]], int], path: Path, name: str, lacking: str) -> Raw:
    """Rows that stood deeper in one object; `lacking` is what those that are left out are without."""
    items, left = found
    if not items:
        raise DataError(f"{name}: there are no rows: no entry has {lacking}")
    notes = (f"{path.name}: {counted(left, 'entry', 'entries')} without {lacking} left out",) if left else ()
    return Raw(_columns(items, name), name, root=path.parent, bases=(path.parent,), notes=notes)


def _refuse_no_rows(document: dict[str, Any], lines: bool, name: str) -> None:
    """Raise DataError where the one object of a file is no row: it holds rows or columns, or spans several lines."""
    values = list(document.values())
    within = [
        key for key, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    if {"columns", "data"} <= set(document) <= {"columns", "data", "index"} and isinstance(document["data"], list):
        raise DataError(
            f"{name}: one object with the keys {', '.join(map(repr, document))}, as pandas writes orient='split'; write"
            " one object per line (pandas: to_json(path, orient='records', lines=True))"
        )
    columns = len({len(v) for v in values if isinstance(v, dict | list)}) == 1 and all(
        isinstance(v, dict | list) for v in values
    )
    if not (within or columns or lines):
        return
    seem = (
        f": the rows seem to stand under {within[0]!r}" if within else ": it seems to hold columns" if columns else ""
    )
    raise DataError(
        f"{name}: one object with the keys {some_of(document, 8, repr)}, and no list of rows{seem}; write"
        " an array of objects, or one object per line (pandas: to_json(path, orient='records', lines=True))"
    )


def _document(text: str) -> Any:
    """The whole text as one JSON value; None where it is none."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


_Found = tuple[list[Mapping[str, Any]], list[int], dict[int, str], dict[int, bytes], int]


def _lines(decoded: Decoded, file: str) -> _Found:
    items: list[Mapping[str, Any]] = []
    lines: list[int] = []
    unreadable: dict[int, str] = {}
    raw: dict[int, bytes] = {}
    blank = 0
    broken = frozenset(decoded.broken)
    for number, line in enumerate(io.StringIO(decoded.text, newline="\n")):
        if not line.strip(_BLANK):
            blank += 1
            continue
        why = f"bytes that are not {decoded.encoding.upper()}" if number in broken else None
        item: Any = None
        if why is None:
            item, why = _parsed(line)
        if why is not None:
            unreadable[len(items)] = f"{file}, line {number + 1}: {why}"
            raw[len(items)] = line.encode("utf-8", "surrogatepass")
            item = {}
        items.append(item)
        lines.append(number + 1)
    return items, lines, unreadable, raw, blank


def _parsed(line: str) -> tuple[Any, str | None]:
    try:
        item = _DECODER.decode(line.strip(_BLANK))
    except json.JSONDecodeError as error:
        return None, f"not valid JSON: {error.msg} (column {error.colno})"
    except _Twice as error:
        return None, str(error)
    except RecursionError:
        return None, "nested too deeply"
    except ValueError as error:  # an integer of thousands of digits
        return None, f"not valid JSON: {error}"
    if not isinstance(item, dict):
        return None, f"a JSON object is needed, found {type(item).__name__}"
    if ("\\ud" in line or "\\uD" in line) and _has_surrogate(item):
        return None, "half of a surrogate pair (\\ud800 to \\udfff) is no text"
    return item, None


def _has_surrogate(item: Mapping[str, Any]) -> bool:
    """Whether a text in it is no Unicode: half of a surrogate pair, or a byte that is not in the file's encoding."""
    try:
        json.dumps(item, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _array(text: str, name: str) -> tuple[list[Mapping[str, Any]], list[int], str | None]:
    """The objects of an array, the line of each, and what is wrong with the commas between them."""
    items: list[Mapping[str, Any]] = []
    lines: list[int] = []
    missing: list[int] = []
    surplus: list[int] = []
    position, line, counted = text.index("[") + 1, 1, 0
    while True:
        begin = position
        while text[position : position + 1] in (*_BLANK, ","):
            position += 1
        line += text.count("\n", counted, position)
        counted = position
        commas, ends = text.count(",", begin, position), text[position : position + 1] == "]"
        surplus += [line] * (commas - (1 if items and not ends else 0))
        if items and not ends and not commas:
            missing.append(line)
        if ends:
            if rest := text[position + 1 :].strip(_BLANK):
                raise DataError(f"{name}, line {line}: more text follows the end of the array ({rest[:40]!r})")
            return items, lines, _of_commas(missing, surplus)
        try:
            item, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:  # also a key that stands twice, or thousands of digits
            deep = isinstance(error, RecursionError)
            what = "nested too deeply" if deep else error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DataError(f"{name}, line {line}: item {len(items)} (from 0) is not valid JSON: {what}") from error
        item = of_pair(item)
        if not isinstance(item, dict):
            raise DataError(f"{name}, line {line}: item {len(items)} (from 0) is {type(item).__name__}, not an object")
        if _has_surrogate(item):
            raise DataError(f"{name}, line {line}: item {len(items)} (from 0) holds characters that are no text")
        items.append(item)
        lines.append(line)


def _of_commas(missing: Sequence[int], surplus: Sequence[int]) -> str | None:
    """What to say of an array whose objects are separated otherwise than JSON wants; by the lines of the faults."""
    found = {"no comma before": missing, "a comma too many before": surplus}
    told = [f"{what} {len(at)} of its objects or its end (first in line {at[0]})" for what, at in found.items() if at]
    return f"no valid JSON: {' and '.join(told)}; each object was read as a row of its own" if told else None


def _columns(items: Sequence[Mapping[str, Any]], name: str) -> pa.Table:
    """The keys of all objects, in the order in which they first occur; a key that an object lacks is null."""
    keys = dict.fromkeys(key for item in items for key in item)
    if not keys:
        raise DataError(f"{name}: the objects have no keys")
    arrays = []
    for key in keys:
        values = [item.get(key) for item in items]
        try:
            array = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            array = _mixed(key, values, name)
        if pa.types.is_string(array.type):
            # An empty text is a missing value, as in delimited files.
            from curate.sources.delimited.delimited import null_if_empty

            array = null_if_empty(array)
        arrays.append(array)
    return pa.table(arrays, names=[str(key) for key in keys])


def _mixed(key: str, values: Sequence[Any], name: str) -> pa.Array:
    if any(isinstance(value, dict | list) for value in values):
        return pa.array([v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values])
    return mixed(key, values, name)


def _unlike(items: Sequence[Mapping[str, Any]], lines: Sequence[int], columns: pa.Table, file: str) -> list[str]:
    """A note for each column that is text because some rows hold lists or objects and others something else."""
    notes = []
    for name in columns.column_names:
        if not pa.types.is_string(columns.column(name).type):
            continue
        if not any(isinstance(item.get(name), list | dict) for item in items):
            continue
        kinds = [_kind(item.get(name)) for item in items]
        counts = Counter(kind for kind in kinds if kind)
        if len(counts) < 2:
            continue
        usual, often = counts.most_common(1)[0]
        first = next(line for line, kind in zip(lines, kinds) if kind not in ("", usual))
        notes.append(
            f"{file}: {name!r} holds {usual} in {counted(often, 'row')} and something else in"
            f" {counts.total() - often:,} (line {first:,} first): it is kept as text, lists and objects as JSON"
        )
    return notes


def _kind(value: Any) -> str:
    """What a JSON value is, in the plural; empty for none."""
    if value is None:
        return ""
    return "lists" if isinstance(value, list) else "objects" if isinstance(value, dict) else "plain values"
