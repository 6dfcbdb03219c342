"""Classes and groups of a plan's lines as numbers, read from Arrow columns without a copy where that is possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import values_of
from curate.errors import ConfigError
from curate.feed.sampling.dealt import Lines

_STRIDE = 1 << 20


@dataclass(frozen=True)
class Classes:
    """Which class each entry is of.

    Attributes:
        names: the K classes that occur, in the order of their names.
        codes: (e,) whole numbers, places among the names; below 0 for entries of none.
        lines: which line an entry belongs to.
    """

    names: list[str]
    codes: np.ndarray
    lines: Lines


def classes_of(plan: Any, mode: str) -> Classes:
    """The classes of a plan's lines; a line with a set of labels has an entry for each.

    Raises:
        ConfigError: there is no plan, its labels are numbers, or no line has one.
    """
    if plan is None:
        raise ConfigError(f"the sampler {mode!r} needs a plan with labels, not the number of its lines")
    label = plan["label"]
    if pa.types.is_floating(label.type):
        hint = " (adaptive: {by: rows} follows rows)" if mode == "adaptive" else ""
        raise ConfigError(f"the sampler {mode!r} needs classes, and the labels of this plan are numbers{hint}")
    lines = Lines()
    if pa.types.is_list(label.type) or pa.types.is_large_list(label.type):
        counts = values_of(pc.list_value_length(label), 0)
        bounds = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        lines = Lines(bounds, max(1, int(counts.max(initial=0))))
        label = pc.list_flatten(label)
    names, codes = coded(label)
    if not names and len(plan):
        raise ConfigError(f"the sampler {mode!r} needs labels, and no line of the plan has one")
    return Classes(names, codes, lines)


def coded(column: pa.ChunkedArray | pa.Array) -> tuple[list[str], np.ndarray]:
    """The names that occur in a column, sorted, and (e,) the place of each value among them, -1 for null.

    The numbers are those of the column's own dictionary, mapped from its file, where they are these already.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    encoded: list[Any] = [
        chunk if pa.types.is_dictionary(chunk.type) else chunk.cast(pa.string()).dictionary_encode() for chunk in chunks
    ]
    used = [_used(chunk) for chunk in encoded]
    names = sorted({name for own in used for name in own.values()})
    place = {name: number for number, name in enumerate(names)}
    if len(encoded) == 1 and not encoded[0].null_count and list(used[0].items()) == list(enumerate(names)):
        return names, values_of(encoded[0].indices)
    small = np.int8 if len(names) < 128 else np.int16 if len(names) < 2**15 else np.int32
    codes = np.empty(sum(map(len, encoded)), small)
    begin = 0
    for chunk, own in zip(encoded, used):
        table = np.full(len(chunk.dictionary) + 1, -1, small)
        table[list(own)] = [place[name] for name in own.values()]
        for part in _numbers(chunk):
            table.take(part, out=codes[begin : begin + len(part)], mode="wrap")
            begin += len(part)
    return names, codes


def _used(chunk: Any) -> dict[int, str]:
    """Number -> name, of what occurs in a dictionary array."""
    counts = np.zeros(len(chunk.dictionary) + 1, np.int64)
    for part in _numbers(chunk):
        counts += np.bincount(np.where(part < 0, len(counts) - 1, part), minlength=len(counts))
    names = chunk.dictionary.cast(pa.string()).to_pylist()
    # A dictionary may hold a null of its own.
    return {int(k): names[k] for k in np.flatnonzero(counts[:-1]) if names[k] is not None}


def _numbers(chunk: Any) -> Any:
    """The numbers of a dictionary array piece by piece, -1 for null."""
    for start in range(0, len(chunk), _STRIDE):
        part = chunk.indices.slice(start, _STRIDE)
        yield values_of(part.cast(pa.int64()) if part.null_count else part, -1)
