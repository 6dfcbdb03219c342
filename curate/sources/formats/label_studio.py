"""Tasks as Label Studio exports them: a row each, with its text and spans or choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from curate.wording import counted

KINDS = ("labels", "choices")
"""Types of results that are read."""


def is_label_studio(items: Sequence[Mapping[str, Any]]) -> bool:
    """Whether objects are tasks with ``data`` and lists of ``annotations`` (once called ``completions``)."""
    return bool(items) and all(
        not item or (isinstance(item.get("data"), Mapping) and isinstance(_annotations(item), list)) for item in items
    )


def _annotations(item: Mapping[str, Any]) -> Any:
    return item.get("annotations", item.get("completions"))


def label_studio_rows(items: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], str | None]:
    """Each task's data with ``label``: its spans as ``[start, end, tag]``, or its choices; and a note.

    Of several annotations the first that was not cancelled counts. Tasks without one have no label; results of other
    kinds (boxes, brushes) stay as they are, in ``annotations``.
    """
    results = [result for item in items for one in _annotations(item) or () for result in _results(one)]
    if any(_kind(result) not in KINDS for result in results):
        return [{**dict(item.get("data") or {}), **item} for item in items], None
    rows: list[Mapping[str, Any]] = []
    several = 0
    for item in items:
        done = [one for one in _annotations(item) or () if not one.get("was_cancelled")]
        several += len(done) > 1
        label = _label(_results(done[0])) if done else None
        ids = {"id": item["id"]} if "id" in item else {}
        rows.append({**ids, **dict(item.get("data") or {}), "label": label})
    if any(isinstance(row.get("label"), list) and row["label"] and isinstance(row["label"][0], str) for row in rows):
        rows = [{**row, "label": [row["label"]] if isinstance(row["label"], str) else row["label"]} for row in rows]
    note = f"{counted(several, 'task')} with several annotations: the first counts" if several else None
    return rows, note


def _results(annotation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [result for result in annotation.get("result") or () if isinstance(result, Mapping) and "value" in result]


def _kind(result: Mapping[str, Any]) -> str:
    return str(result.get("type", "")).lower()


def _label(results: Sequence[Mapping[str, Any]]) -> Any:
    """Spans as lists, or the choice, or a list of choices."""
    choices = [name for result in results if _kind(result) == "choices" for name in result["value"]["choices"]]
    if choices:
        return choices[0] if len(choices) == 1 else choices
    values = [result["value"] for result in results if _kind(result) == "labels"]
    return [[value.get("start"), value.get("end"), (value.get("labels") or [None])[0]] for value in values]
