"""Token classification: columns with the words of each row and a tag for every word (as for named entities)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError
from curate.sources.columns.column_types import is_list
from curate.sources.labels.labels import normalise
from curate.sources.raw import Raw, put
from curate.task import Task

KIND = "token_classification"
TOKEN_NAMES = ("tokens", "words")
TAG_NAMES = ("ner_tags", "tags", "labels", "label", "pos_tags", "chunk_tags")
JOINED = "text"
ALIGNED_SHARE = 0.9
"""Rows with as many tags as words, from which on the others are slips."""


def with_tokens(raw: Raw, given: Task) -> tuple[Raw, Task]:
    """Find the words and their tags, and join the words to a text for everything that looks at texts.

    Found unasked where a column called tokens or words lists texts, and one called ner_tags, tags, labels or the like
    lists as many values in nearly every row; of several such columns the first name counts.

    Raises:
        ConfigError: the task is said to be token classification and the columns are not there, or hold no lists.
    """
    asked = given.kind == KIND
    if given.kind not in (None, KIND) or (given.tokens is None and not asked and _taken(given)):
        return raw, given
    tokens = given.tokens or _first(raw, TOKEN_NAMES, texts=True)
    tags = given.label or raw.roles.get("label") or _first(raw, TAG_NAMES, texts=False, like=tokens)
    if not asked and given.tokens is None and (tokens is None or tags is None or not _aligned(raw, tokens, tags)):
        return raw, given
    for role, name in (("tokens", tokens), ("label", tags)):
        if name is None:
            raise ConfigError(f"{raw.source}: for token classification say which column holds the {role}")
        if name not in raw.columns.column_names or not is_list(raw.columns[name].type):
            raise ConfigError(f"{raw.source}: {role} names {name!r}, which is no column of lists")
    raw = replace(raw, roles={**raw.roles, "label": tags})
    text = given.text
    if text not in raw.columns.column_names:
        text = JOINED if JOINED not in raw.columns.column_names else f"{tokens}_{JOINED}"
        raw = raw.with_column(text, pc.binary_join(_texts(raw.columns[tokens]), " "))
    return raw, given.model_copy(update={"kind": KIND, "tokens": tokens, "label": tags, "text": given.text or text})


def _taken(given: Task) -> bool:
    """Whether the user named another input, so that the words are not what it is about."""
    return bool(given.modalities) or given.label is not None


def _first(raw: Raw, names: tuple[str, ...], *, texts: bool, like: str | None = None) -> str | None:
    by_name = {column.strip().lower(): column for column in raw.columns.column_names if column != like}
    for name in names:
        column = by_name.get(name)
        if column is None or not is_list(raw.columns[column].type):
            continue
        kind = raw.columns[column].type.value_type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or (not texts and pa.types.is_integer(kind)):
            return column
    return None


def _aligned(raw: Raw, tokens: str, tags: str) -> bool:
    same = pc.equal(lengths(raw.columns[tokens]), lengths(raw.columns[tags]))
    return (pc.mean(same.cast(pa.float64())).as_py() or 0.0) >= ALIGNED_SHARE


def lengths(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """(n,) number of elements of each list, null for no list."""
    return pc.list_value_length(column)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of text without nulls, which would make the joined text null."""
    lists = column.cast(pa.list_(pa.string())).combine_chunks()
    filled = pc.fill_null(lists.values, "")
    return pa.chunked_array([pa.ListArray.from_arrays(lists.offsets, filled, mask=lists.is_null())])


def read_tags(raw: Raw, task: Task) -> tuple[Raw, tuple[str, ...], list[tuple[int, str, str]]]:
    """The tags as lists of text, the classes in order, and remarks.

    A row whose tags are not as many as its words loses them, with a remark. Raises ConfigError for tags that are not
    among the given names.
    """
    name, words = str(task.label), raw.columns[str(task.tokens)]
    lists = raw.columns[name].combine_chunks()
    lists = lists.cast(pa.list_(lists.type.value_type))
    flat = pa.chunked_array([lists.values])
    names = task.label_names or raw.class_names.get(name, ())
    shaped = normalise(flat, kind="classification", names=names, label=name)
    wrong = pc.fill_null(
        pc.not_equal(lengths(words).combine_chunks(), lengths(raw.columns[name]).combine_chunks()), True
    )
    gone = pc.or_(wrong, lists.is_null())
    tags = pa.ListArray.from_arrays(lists.offsets, shaped.column.combine_chunks(), mask=gone)
    counts = (pc.fill_null(lengths(raw.columns[name]), 0).to_numpy(), pc.fill_null(lengths(words), 0).to_numpy())
    mismatched = np.flatnonzero(pc.and_(wrong, lists.is_valid()).to_numpy(zero_copy_only=False))
    remarks = [
        (int(row), "label_format", f"{counts[0][row]} tags for {counts[1][row]} tokens: the tags are left out")
        for row in mismatched
    ]
    return replace(raw, columns=put(raw.columns, name, pa.chunked_array([tags]))), shaped.names, remarks
