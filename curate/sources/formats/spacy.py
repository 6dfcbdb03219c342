"""What spaCy trains on: nested documents of version 2, pairs of text and annotations, classes with a value each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MISSING = "-"
"""What stands for a tag that nobody gave."""
CATS = "cats"
LEAST_VALUE = 0.5
"""From which on a text is of a class."""


def of_pair(item: Any) -> Any:
    """``["text", {"entities": [[0, 4, "PER"]]}]`` as an object; anything else as it is."""
    pair = isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], dict)
    return {"text": item[0], **item[1]} if pair else item


def is_spacy(items: Sequence[Mapping[str, Any]]) -> bool:
    """Whether objects are documents with paragraphs of sentences of tokens."""
    return bool(items) and all(_sentences(paragraph) for item in items for paragraph in _paragraphs(item) or [None])


def spacy_rows(items: Sequence[Mapping[str, Any]], lines: Sequence[int]) -> tuple[list[dict[str, Any]], list[int]]:
    """A row per paragraph, and the line of each: its words, a tag for each of them, its text, its classes.

    Tags are those of entities, as they are written (``B-PER``, ``U-ORG``), and parts of speech where no word of any
    document has one.
    """
    rows: list[dict[str, Any]] = []
    places = []
    words = [word for item in items for paragraph in _paragraphs(item) for word in _words(paragraph)]
    key = "ner" if any(word.get("ner", MISSING) != MISSING for word in words) else "tag"
    for item, line in zip(items, lines, strict=True):
        for paragraph in _paragraphs(item):
            found = _words(paragraph)
            row: dict[str, Any] = {"text": paragraph.get("raw"), "tokens": [str(word.get("orth")) for word in found]}
            tags = [word.get(key, MISSING) for word in found]
            if any(word.get(key) for word in words):
                row["ner_tags" if key == "ner" else "pos_tags"] = None if MISSING in tags else tags
            if isinstance(paragraph.get(CATS), list):
                row[CATS] = {one.get("label"): one.get("value") for one in paragraph[CATS] if isinstance(one, dict)}
            rows.append(row if row["text"] is not None else {k: v for k, v in row.items() if k != "text"})
            places.append(line)
    return rows, places


def with_classes(items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Objects whose ``cats`` give each class a value, with the class as ``label``, or a list where some have several.

    They stay as they are where other objects have something else there, or a label of their own.
    """
    given = [item[CATS] for item in items if item.get(CATS) is not None]
    if not given or not all(map(_are_values, given)) or any("label" in item or "labels" in item for item in items):
        return items
    found = [_classes(item[CATS]) if item.get(CATS) else None for item in items]
    lone = all(classes is None or len(classes) == 1 for classes in found)
    made = []
    for item, classes in zip(items, found, strict=True):
        rest = {name: value for name, value in item.items() if name != CATS}
        made.append({**rest, "label": classes[0] if lone and classes else classes})
    return made


def _are_values(cats: Any) -> bool:
    return isinstance(cats, dict) and all(isinstance(value, bool | int | float) for value in cats.values())


def _classes(cats: Mapping[str, float]) -> list[str]:
    return [str(name) for name, value in cats.items() if value >= LEAST_VALUE]


def _paragraphs(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = item.get("paragraphs")
    return found if isinstance(found, list) else []


def _sentences(paragraph: Any) -> list[Mapping[str, Any]]:
    found = paragraph.get("sentences") if isinstance(paragraph, dict) else None
    if not isinstance(found, list):
        return []
    known = all(isinstance(one, dict) and isinstance(one.get("tokens"), list) for one in found)
    return found if known else []


def _words(paragraph: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [word for sentence in _sentences(paragraph) for word in sentence["tokens"] if isinstance(word, dict)]
