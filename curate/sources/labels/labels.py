"""Labels as given become labels as meant: one spelling of numbers, no stray blanks, names of the classes in order."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, nearest
from curate.sources.columns.column_types import is_list, is_text
from curate.sources.columns.magnitudes import ISSUE, without_excess
from curate.wording import counted, noun

WHOLE_FLOAT = re.compile(r"^([+-]?\d+)\.0+$")
INTEGER = re.compile(r"^[+-]?\d+$")
FEW_INTEGERS = 20
FEW_FLOATS = 10
HOT = {"0", "1", "0.0", "1.0", "True", "False"}


@dataclass(frozen=True)
class Normalised:
    """A label column ready for use.

    Attributes:
        column: text (classification), lists of text (multilabel) or float64 (regression); missing labels are null.
        kind: the kind of task that the labels make.
        names: the classes in order.
        remarks: (row, issue, reason) for every row whose label was changed.
    """

    column: pa.ChunkedArray
    kind: str
    names: tuple[str, ...]
    remarks: list[tuple[int, str, str]]


def normalise(
    column: pa.ChunkedArray, *, kind: str | None = None, names: Sequence[str] = (), label: str = "label"
) -> Normalised:
    """Bring a label column into shape.

    Args:
        column: as the source has it.
        kind: of the task if the user said; inferred from the values if None.
        names: the classes in their order if known; sorted otherwise (numbers by value).
        label: name of the column, for messages.

    Raises:
        ConfigError: the values do not fit the kind, or a label is not among the given names.
    """
    kind = kind or infer_kind(column)
    if kind == "regression":
        values, told = without_excess(_values(column, label), label)
        return Normalised(values, kind, (), [(row, ISSUE, why) for row, why in told.items()])
    if kind == "multilabel" or (is_list(column.type) and kind != "classification"):
        sets, remarks = _sets(column, names)
        found = pc.unique(pc.list_flatten(sets)).drop_null().to_pylist()
        return Normalised(sets, kind, ordered(found, names, label), remarks)
    if is_list(column.type):
        raise ConfigError(f"the label column {label!r} holds lists: the kind of task is multilabel, not {kind}")
    texts, remarks = _texts(column)
    found = pc.unique(texts.drop_null()).to_pylist()
    return Normalised(texts, kind, ordered(found, names, label), remarks)


def infer_kind(column: pa.ChunkedArray) -> str:
    """classification, multilabel or regression, from type and number of distinct values."""
    kind = column.type
    if is_list(kind) or (is_text(kind) and _holds_lists(column)):
        return "multilabel"
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return "classification"
    known = column.drop_null()
    values = known.cast(pa.float64(), safe=False).to_numpy()
    values = values[np.isfinite(values)]
    distinct = np.unique(values)
    k, n = len(distinct), len(values)
    if not k:
        return "classification"
    whole = bool((distinct == np.floor(distinct)).all())
    if whole and k <= max(2, min(FEW_INTEGERS, n // 2)):
        return "classification"
    codes = whole and distinct[0] in (0, 1) and distinct[-1] - distinct[0] == k - 1 and k <= n / 5
    if codes and pa.types.is_integer(kind):
        return "classification"
    return "classification" if k <= max(2, min(FEW_FLOATS, n // 20)) else "regression"


def _values(column: pa.ChunkedArray, label: str) -> pa.ChunkedArray:
    try:
        return column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        found = _no_number(column)
        raise ConfigError(
            f"the label column {label!r} is to be regressed, but is not all numbers: {found}; correct the column, name"
            " another (label), or say kind: classification"
        ) from error


def _no_number(column: pa.ChunkedArray) -> str:
    """The first value of a column that is no number, and where it stands; the type of a column that is no text."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return f"it holds {column.type}"
    for row, value in enumerate(column.to_pylist()):
        try:
            pa.scalar(value, pa.string()).cast(pa.float64())
        except pa.ArrowInvalid:
            return f"row {row:,} (counted from 0) has {value!r:.80}"
    return f"it holds {column.type}"


def _texts(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, list[tuple[int, str, str]]]:
    """Labels as text, and what was changed. Only the distinct values are looked at one by one."""
    as_text = _as_text(column)
    encoded = as_text.combine_chunks().dictionary_encode()
    given = encoded.dictionary.to_pylist()
    read = meant(given)
    nested = _nested(given, np.bincount(encoded.indices.drop_null().to_numpy(), minlength=len(given)))
    for place in nested:
        read[place] = None
    result = pa.array(read, pa.string()).take(encoded.indices)
    changed = {i: (g, m) for i, (g, m) in enumerate(zip(given, read)) if g != m and (m is not None or i in nested)}
    remarks = []
    if changed:
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(np.isin(codes, list(changed))).tolist():
            was, now = changed[int(codes[row])]
            said = f"label {was!r} read as {now!r}"
            if now is None:
                said = f"the label {was[:80]} is no single label, as those of other rows are: it counts as missing"
            remarks.append((row, "label_format", said))
    return pa.chunked_array([result], pa.string()), remarks


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_floating(kind):
        values = column.to_numpy()
        finite = np.isfinite(values)
        whole = finite & (values == np.floor(values)) & (np.abs(np.where(finite, values, 0)) < 2**53)
        if whole[finite].all():
            whole_numbers = pa.array(np.where(whole, values, 0).astype(np.int64), mask=~finite)
            return pa.chunked_array([whole_numbers.cast(pa.string())])
        return pa.chunked_array([pa.array([repr(v) if ok else None for v, ok in zip(values.tolist(), finite)])])
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise ConfigError("the label column holds bytes, not text or numbers")
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigError(f"labels of the type {kind} can't be used: {error}") from error


def _nested(given: Sequence[str], counts: np.ndarray) -> set[int]:
    """Places of the distinct texts that are lists or objects among single labels; none where most labels are such."""
    found = {i for i, text in enumerate(given) if text[:1] in ("[", "{") and _is_nested(text)}
    return found if counts[list(found)].sum() < counts.sum() / 2 else set()


def _is_nested(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def meant(given: Sequence[str]) -> list[str | None]:
    """What each distinct text means: stripped, NFC; ``1.0`` is ``1`` where ``1`` occurs too; nothing is None."""
    clean = [unicodedata.normalize("NFC", text.strip()) for text in given]
    known = set(clean)
    found: list[str | None] = []
    for text in clean:
        match = WHOLE_FLOAT.match(text)
        if match and (match[1] in known or match[1].lstrip("+") in known):
            text = match[1].lstrip("+")
        found.append(text or None)
    return found


def _sets(column: pa.ChunkedArray, names: Sequence[str]) -> tuple[pa.ChunkedArray, list[tuple[int, str, str]]]:
    if not is_list(column.type):
        texts = _as_text(column).combine_chunks()
        column = pa.chunked_array([listed if (listed := _listed(texts)) is not None else _split(texts)])
    if width := hot_width(column):
        column = pa.chunked_array([_where_hot(column.combine_chunks(), width, names)])
    lists = column.combine_chunks().cast(pa.list_(column.type.value_type))
    parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    flat, changes = _texts(pa.chunked_array([pc.list_flatten(lists)]))
    by_row: dict[int, list[str]] = {}
    for element, _, reason in changes:
        by_row.setdefault(int(parents[element]), []).append(reason)
    known = flat.combine_chunks()
    keep = known.is_valid().to_numpy(zero_copy_only=False)
    counts = np.bincount(parents[keep], minlength=len(lists))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    missing = lists.is_null()
    rebuilt = pa.ListArray.from_arrays(offsets, known.filter(pa.array(keep)), mask=missing)
    remarks = [(row, "label_format", "; ".join(reasons)) for row, reasons in sorted(by_row.items())]
    return pa.chunked_array([rebuilt]), remarks


def hot_width(column: pa.ChunkedArray) -> int:
    """Number of classes where every list says 1 or 0 of each of them; 0 for lists of labels."""
    if not is_list(column.type) or pa.types.is_nested(column.type.value_type):
        return 0
    lists = column.drop_null().combine_chunks()
    widths, values = pc.unique(pc.list_value_length(lists)).to_pylist(), pc.unique(pc.list_flatten(lists)).to_pylist()
    if len(widths) != 1 or widths[0] < 2 or not {str(value) for value in values} <= HOT:
        return 0
    hot = _ones(lists).reshape(-1, widths[0])
    again = (hot.sum(1) > 1) | ((~hot).sum(1) > 1)  # one of two labels alone can be written so, too
    return widths[0] if again.any() else 0


def _ones(lists: pa.Array) -> np.ndarray:
    """(n * width,) bool of lists without nulls."""
    texts = pc.list_flatten(lists).cast(pa.string())
    return pc.is_in(texts, value_set=pa.array(["1", "1.0", "true", "True"])).to_numpy(zero_copy_only=False)


def _where_hot(lists: pa.Array, width: int, names: Sequence[str]) -> pa.Array:
    """The names, or else the places, of the classes of which a list says 1."""
    called = np.array(names if len(names) == width else [str(place) for place in range(width)])
    hot = iter(_ones(lists.drop_null()).reshape(-1, width))
    return pa.array(
        [called[next(hot)].tolist() if there else None for there in lists.is_valid().to_pylist()], pa.list_(pa.string())
    )


def _split(texts: pa.StringArray) -> pa.ListArray:
    """Labels between bars, semicolons or commas; ``[]`` is a set without any."""
    separators = [s for s in "|;," if pc.any(pc.match_substring(texts, s)).as_py()]
    without = pc.equal(pc.utf8_trim_whitespace(texts), "[]")
    return pc.split_pattern(pc.if_else(without, "", texts), separators[0] if separators else "|")


def _listed(texts: pa.StringArray) -> pa.ListArray | None:
    """Lists as JSON or Python write them, such as ``['a', 'b']``; None where not all texts are such lists."""
    if not pc.all(pc.match_substring_regex(texts, r"^\s*\[(?s:.*)\]\s*$")).as_py():
        return None
    encoded = texts.dictionary_encode()
    lists = [_list_of_labels(text) for text in encoded.dictionary.to_pylist()]
    return None if None in lists else pa.array(lists, pa.list_(pa.string())).take(encoded.indices)


def _holds_lists(column: pa.ChunkedArray) -> bool:
    """Whether all texts of a column are lists of labels; most columns are told by their first."""
    known = column.drop_null()
    return (
        len(known) > 0
        and known[0].as_py().lstrip().startswith("[")
        and _listed(known.combine_chunks().cast(pa.string())) is not None
    )


def _list_of_labels(text: str) -> list[str] | None:
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list) and not any(isinstance(label, list | dict | tuple | set) for label in found):
            return [str(label) for label in found if label is not None]
    return None


def ordered(found: Sequence[str], names: Sequence[str], label: str) -> tuple[str, ...]:
    """The classes in order: as given, or by value. Raises ConfigError for a found one that was not given."""
    if names:
        strangers = sorted(set(found) - set(names))
        if strangers:
            hint, left = nearest(strangers[0], names), len(strangers) - 1
            if all(stranger.isdecimal() for stranger in strangers):
                hint = " (a number is the name of a class, too, and no place among the names: put names in their place)"
            raise ConfigError(
                f"the label column {label!r} holds {strangers[0]!r}, which is not among the label names{hint}"
                + (f"; nor {noun(left, 'is', 'are')} {counted(left, 'other')}" if left else "")
            )
        return tuple(names)
    return tuple(sorted(found, key=_by_value))


def _by_value(name: str) -> tuple[int, float, str]:
    try:
        return (0, float(name), name) if not name.isalpha() else (1, 0.0, name)
    except ValueError:
        return (1, 0.0, name)
