"""Questions about passages as SQuAD's JSON nests them: articles, paragraphs, questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_squad(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object has articles with paragraphs of questions under ``data``."""
    articles = document.get("data")
    first = articles[0] if isinstance(articles, list) and articles else None
    return isinstance(first, dict) and isinstance(first.get("paragraphs"), list)


def squad_rows(document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """A row per question, with the fields of the flat form (``answers`` as lists), and how many entries are no such.

    Other fields of a question come along; plausible answers of questions without one do not.
    """
    rows, left = [], 0
    for article in document["data"]:
        for paragraph in _objects(article, "paragraphs"):
            for question in _objects(paragraph, "qas"):
                if not isinstance(question.get("question"), str) or not isinstance(paragraph.get("context"), str):
                    left += 1
                    continue
                answers = _objects(question, "answers")
                rows.append({
                    "id": question.get("id"),
                    "title": article.get("title"),
                    "context": paragraph["context"],
                    "question": question["question"],
                    "answers": {
                        "text": [str(answer.get("text", "")) for answer in answers],
                        "answer_start": [answer.get("answer_start") for answer in answers],
                    },
                    **({"is_impossible": question["is_impossible"]} if "is_impossible" in question else {}),
                })  # fmt: skip
    return rows, left


def _objects(value: Any, key: str) -> list[dict[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
