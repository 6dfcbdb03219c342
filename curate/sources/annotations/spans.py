"""Marked parts of texts (doccano, Label Studio, Prodigy, spaCy) as words and a tag for each of them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from curate.sources.annotations.tokens import KIND
from curate.sources.columns.column_types import is_list, is_text
from curate.sources.columns.role_names import GOLD_NAMES, LABEL_NAMES, LIKELY_LABEL_NAMES, TEXT_NAMES
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import counted, noun

SPAN_NAMES = ("spans", "entities", "label", "labels", "ner", "annotations")
TOKENS, TAGS = "span_tokens", "span_tags"
"""Names of the columns that are made."""
ANSWER = "answer"
"""Prodigy's column that says whether the spans of a row were accepted."""
ENDS = (("start", "end"), ("start_offset", "end_offset"), ("begin", "end"), ("start_char", "end_char"))
CALLED = ("label", "labels", "tag", "type", "entity", "entity_type")
SAMPLE = 200
SHARE = 0.9
"""Rows whose spans can be read, from which on the others are slips."""
_WORD = re.compile(r"\w+|[^\w\s]")
Span = tuple[int, int, str]
"""First character, the one behind the last, and the tag."""


def with_spans(raw: Raw, given: Task) -> tuple[Raw, Task]:
    """The spans of a column as a list of words and one of tags (``B-PER``, ``I-PER``, ``O``), where there are any.

    Words end where a span does. Of spans that overlap the longest counts. Rows that were not accepted, and rows of
    which a span is none of their text, have no tags. Nothing is made where the user named a label or another input.
    """
    there = raw.columns.column_names
    if set(given.modalities) - {"text"}:
        return raw, given
    again = given.tokens == TOKENS and given.label == TAGS
    if {TOKENS, TAGS} & set(there) or given.kind not in (None, KIND) or ((given.label or given.tokens) and not again):
        return raw, given
    by_name = {name.strip().lower(): name for name in there}
    texts = [by_name[name] for name in TEXT_NAMES if name in by_name and is_text(_kind(raw, by_name[name]))]
    text = given.text or next(iter(texts), None)
    column = next((by_name[n] for n in SPAN_NAMES if n in by_name and _holds_spans(raw.columns[by_name[n]])), None)
    labels = (*LABEL_NAMES, *GOLD_NAMES, *LIKELY_LABEL_NAMES)
    others = {by_name[name] for name in labels if name in by_name} - {column}
    if text is None or column is None or others or not is_text(_kind(raw, text)):
        return raw, given
    return _made(raw, text, column), given.model_copy(
        update={"kind": KIND, "text": text, "tokens": TOKENS, "label": TAGS}
    )


def _kind(raw: Raw, name: str) -> pa.DataType:
    return raw.columns.schema.field(name).type


def _holds_spans(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if not (is_text(kind) or pa.types.is_struct(kind) or (is_list(kind) and pa.types.is_struct(kind.value_type))):
        return False
    found = [spans_of(value) for value in column.drop_null().slice(0, SAMPLE).to_pylist()]
    known = sum(spans is not None for spans in found)
    return any(found) and known >= SHARE * len(found)


def spans_of(value: Any) -> list[Span] | None:
    """The spans of a row, or None where it holds something else.

    Taken are lists of ``[start, end, tag]``, of objects with such fields, ``{"entities": [...]}``, and text of these.
    """
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, Mapping):
        value = value.get("entities")
    if not isinstance(value, list):
        return None
    found = [_span(item) for item in value]
    return None if None in found else [span for span in found if span is not None]


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _span(item: Any) -> Span | None:
    if isinstance(item, list | tuple) and len(item) == 3:
        start, end, tag = item
    elif isinstance(item, Mapping):
        start, end = next(((item[a], item[b]) for a, b in ENDS if a in item and b in item), (None, None))
        tag = next((item[name] for name in CALLED if item.get(name)), None)
    else:
        return None
    if isinstance(tag, list) and tag:
        tag = tag[0]
    if isinstance(start, int) and isinstance(end, int) and isinstance(tag, str) and tag:
        return start, end, tag
    return None


def _made(raw: Raw, text: str, column: str) -> Raw:
    texts, values = raw.columns[text].to_pylist(), raw.columns[column].to_pylist()
    answers = raw.columns[ANSWER].to_pylist() if ANSWER in raw.columns.column_names else ["accept"] * len(texts)
    tokens: list[list[str] | None] = []
    tags: list[list[str] | None] = []
    remarks: list[tuple[int, str, str]] = []
    overlaps = 0
    for row, (said, value, answer) in enumerate(zip(texts, values, answers, strict=True)):
        accepted = said is not None and answer in ("accept", None)
        spans = spans_of(value) if accepted else None
        wrong = next((s for s in spans or () if not 0 <= s[0] < s[1] <= len(said or "")), None)
        if wrong or (spans is None and value is not None and accepted):
            remarks.append((row, "label_format", f"{str(wrong or value)[:60]} is no part of the text: it has no tags"))
            spans = None
        apart = _apart(spans or [])
        overlaps += len(spans or []) - len(apart)
        words = _words(said or "", apart)
        tokens.append(None if said is None else [said[a:b] for a, b in words])
        tags.append(None if spans is None else _tags(words, apart))
    lists = pa.list_(pa.string())
    raw = raw.with_column(TOKENS, pa.array(tokens, lists)).with_column(TAGS, pa.array(tags, lists))
    return replace(raw, remarks=[*raw.remarks, *remarks], notes=(*raw.notes, *_notes(column, answers, overlaps)))


def _notes(column: str, answers: Sequence[str | None], overlaps: int) -> list[str]:
    notes = [f"the spans of {column!r} are read as a tag for each word ({TOKENS}, {TAGS})"]
    if rejected := sum(answer not in ("accept", None) for answer in answers):
        notes.append(f"{counted(rejected, 'row')} whose {ANSWER!r} is not accept: without tags")
    if overlaps:
        notes.append(
            f"{counted(overlaps, 'span')} that {noun(overlaps, 'overlaps', 'overlap')} a longer one left out: a word"
            " has one tag"
        )
    return notes


def _apart(spans: Sequence[Span]) -> list[Span]:
    """Spans without those that overlap a longer one (or an equal one before them), by their places."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return sorted(kept)


def _words(text: str, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Begin and end of each word and sign, cut where spans begin and end."""
    cuts = sorted({place for begin, end, _ in spans for place in (begin, end)})
    found = []
    for match in _WORD.finditer(text):
        begin, end = match.span()
        for cut in cuts:
            if begin < cut < end:
                found.append((begin, cut))
                begin = cut
        found.append((begin, end))
    return found


def _tags(words: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[str]:
    tags = []
    place, begun = 0, False
    for begin, end in words:
        while place < len(spans) and spans[place][1] <= begin:
            place, begun = place + 1, False
        inside = place < len(spans) and spans[place][0] <= begin and end <= spans[place][1]
        tags.append(f"{'I' if begun else 'B'}-{spans[place][2]}" if inside else "O")
        begun = inside
    return tags
