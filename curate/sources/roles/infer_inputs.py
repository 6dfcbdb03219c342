"""Which column is the input: media, series, vectors, a text, or the columns of a table."""

from __future__ import annotations

import re

import pyarrow as pa

from curate.media.content import is_media
from curate.sources.columns.column_types import is_list, is_text
from curate.sources.columns.free_text import has_words, is_free_text, mean_length, varied
from curate.sources.columns.role_names import FEATURE_NAMES, SERIES_NAMES, SPOKEN_NAMES, TEXT_NAMES, TRANSCRIPT_NAMES
from curate.sources.roles.role_search import Search
from curate.task import MODALITIES

LEAST_WORDS = 1.5
"""Words of a text on average, if other columns could be the features of a table."""
VARIED_SHARE = 0.2
"""Different values in so many rows, from which on they are what is said and no classes."""
MOST_BESIDE_WORDS = 3
"""Columns, the text among them, beside which single words are a text if their column is called one."""


def find_inputs(search: Search) -> None:
    """Give a column the role of the input, where none has one yet: media first, then vectors, then a text."""
    if any(role in search.roles for role in MODALITIES):
        return
    found = [name for name in search.media.ranked if name in search.free]
    if found:
        kinds = {search.media.kinds[name] for name in found}
        for kind in sorted(kinds):
            same = [name for name in found if search.media.kinds[name] == kind]
            best = [name for name in same if search.media.rank[name] == search.media.rank[same[0]]]
            if len(best) > 1:
                search.ask(f"the {kind}", kind, best)
            search.roles[kind] = same[0]
        if kinds & {"audio", "video"}:
            _transcript(search)
        return
    vectors = [name for name in search.free if is_list(search.type_of(name)) and _holds_numbers(search.type_of(name))]
    if vectors:
        _vector_input(search, vectors)
        return
    _text(search)


def _transcript(search: Search) -> None:
    """The target beside sounds, where no column is called a label."""
    found = [name for name in search.named(TRANSCRIPT_NAMES) if is_text(search.type_of(name))]
    spoken = [name for name in search.named(SPOKEN_NAMES) if is_text(search.type_of(name))]
    found += [name for name in spoken if varied(search.columns[name], VARIED_SHARE)]
    if found and search.kind in (None, "transcription") and not {"label", "transcript"} & set(search.roles):
        search.roles["transcript"] = found[0]


def _holds_numbers(kind: pa.DataType) -> bool:
    while is_list(kind):
        kind = kind.value_type
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _vector_input(search: Search, vectors: list[str]) -> None:
    deep = [name for name in vectors if is_list(search.type_of(name).value_type)]
    named_series = [name for name in search.named(SERIES_NAMES) if name in vectors]
    if deep or named_series:
        candidates = named_series or deep
        if len(candidates) > 1:
            search.ask("the series", "series", candidates)
        search.roles["series"] = candidates[0]
        return
    named = [name for name in search.named(FEATURE_NAMES) if name in vectors]
    text = search.named(TEXT_NAMES)
    if not named and text:  # vectors beside a text are more likely an embedding of it
        _text(search)
        return
    candidates = named or vectors
    if len(candidates) > 1:
        search.ask("the features", "features", candidates)
    search.roles["features"] = candidates[0]


def _text(search: Search) -> None:
    strings = [name for name in search.free if is_text(search.type_of(name)) and name not in search.media.named_only]
    exact = [name for name in search.named(TEXT_NAMES[:3]) if name in strings]
    named = [name for name in search.named(TEXT_NAMES) if name in strings]
    if len(search.free) > MOST_BESIDE_WORDS:  # addresses and codes among the columns of a table
        named = [name for name in named if has_words(search.columns[name], LEAST_WORDS)]
    worded = [name for name in strings if set(re.split(r"[\W_]+", name.lower())) & set(TEXT_NAMES)]
    if exact:
        search.roles["text"] = exact[0]
        return
    for found in (named, [name for name in worded if is_free_text(search.columns[name])]):
        if len(found) > 1:
            search.ask("the text", "text", found)
        if found:
            search.roles["text"] = found[0]
            return
    free_text = [name for name in strings if is_free_text(search.columns[name])]
    numeric = [
        c for c in search.free if pa.types.is_integer(search.type_of(c)) or pa.types.is_floating(search.type_of(c))
    ]
    others = [name for name in search.free if name not in free_text]
    if free_text and len(numeric) <= 2 and len(others) <= 6:
        search.roles["text"] = max(free_text, key=lambda name: mean_length(search.columns[name]))
    elif len(strings) == 1 and not numeric and len(others) <= 1 and not search.roles.get("features"):
        search.roles["text"] = strings[0]


def table_features(search: Search) -> None:
    """The scalar columns that are left, where there is no other input."""
    if any(role in search.roles for role in MODALITIES):
        return
    names = []
    for name in search.free:
        kind = search.type_of(name)
        binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        if not (pa.types.is_nested(kind) or binary or is_media(kind)) and name not in search.media.kinds:
            names.append(name)
    if names:
        search.roles["features"] = tuple(names)
