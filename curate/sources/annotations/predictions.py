"""Boxes that a model predicts, in the forms in which models write them, as one: four numbers, a class and a score."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from curate.errors import ConfigError
from curate.sources.annotations.boxes import read_boxes
from curate.wording import some_of

PREDICTIONS = pa.list_(pa.struct([("box", pa.list_(pa.float64())), ("label", pa.string()), ("score", pa.float64())]))
"""What a column of predictions is once it is read: corners in pixels or the task's `box_format`; null: not usable."""
SCORE_KEYS = ("score", "scores", "confidence", "confidences", "probability", "pred_prob", "prob", "conf")
ISSUE = "prediction_format"


def read_predictions(
    values: Sequence[Any], form: str, names: Sequence[str], known_order: bool
) -> tuple[pa.ChunkedArray, list[tuple[int, str, str]]]:
    """Bring predictions into one form; an empty list means that nothing was found, null that nothing is known.

    Taken are lists of mappings (``{"bbox": [...], "label": ..., "score": ...}``), mappings of lists (``{"boxes":
    [[...]], "labels": [...], "scores": [...]}``, as torchvision gives them), for each class a list of ``[left, top,
    right, bottom, score]`` (as MMDetection and cleanlab have them; in this form corners, whatever the format), and
    JSON text of any of these. A row of which a box or a score is none is null, with the reason.

    Args:
        values: of n rows.
        form: the `box_format` of the labels, which holds for predictions too.
        names: the classes.
        known_order: whether the user or the source named the classes, so that numbers can be told by their place.

    Raises:
        ConfigError: predictions name none of the classes.
    """
    rows: list[list[dict[str, Any]] | None] = []
    why: dict[int, str] = {}
    for row, value in enumerate(values):
        try:
            rows.append(_row(value, form, names if known_order else ()))
        except ValueError as error:
            rows.append(None)
            why[row] = str(error)
    found = read_boxes([r for r in rows if r is not None], known=form, names=names if known_order else ())
    places = [row for row, items in enumerate(rows) if items is not None]
    for place, _, reason in found.remarks:
        why.setdefault(places[place], reason.removeprefix("boxes: "))
    done: list[list[dict[str, Any]] | None] = [None] * len(rows)
    for row, boxes in zip(places, found.column.to_pylist()):
        scored = [{**box, "score": item["score"]} for box, item in zip(boxes, rows[row] or [])]
        if row not in why and any(box["label"] is None for box in scored):
            why[row] = "a box has no class"
        done[row] = None if row in why else scored
    _check_classes(done, names)
    remarks = [(row, ISSUE, f"predictions: {reason}") for row, reason in sorted(why.items())]
    return pa.chunked_array([pa.array(done, PREDICTIONS)]), remarks


def _row(value: Any, form: str, names: Sequence[str]) -> list[dict[str, Any]] | None:
    """The predictions of one row as mappings with a score. Raises ValueError with the reason."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = json.loads(value, parse_constant=float)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"no JSON ({str(error)[:80]})") from None
    if value is None:
        return None
    if isinstance(value, Mapping):
        alone = any(str(key).lower() in SCORE_KEYS and not isinstance(v, list | tuple) for key, v in value.items())
        value = [value] if alone else _side_by_side(value)
    if not isinstance(value, list | tuple):
        raise ValueError(f"a list of boxes is needed, found {type(value).__name__}")
    if value and all(isinstance(item, list | tuple) for item in value):
        return _by_class(value, form, names)
    items = []
    for place, item in enumerate(value):
        told = f"box {place + 1} of {len(value)}"
        if not isinstance(item, Mapping):
            raise ValueError(f"{told} is {str(item)[:40]}; box, label and score are needed")
        items.append({**item, "score": _score(item, told)})
    return items


def _score(item: Mapping[str, Any], told: str) -> float:
    keys = {str(key).lower(): key for key in item}
    value = next((item[keys[name]] for name in SCORE_KEYS if name in keys), None)
    if value is None:
        raise ValueError(f"{told} has no score")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{told} has the score {str(value)[:40]}; a probability from 0 to 1 is needed")
    return float(value)


def _side_by_side(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A mapping of lists of equal length -> a list of mappings."""
    lists = {str(key): held for key, held in value.items() if isinstance(held, list | tuple)}
    lengths = {len(held) for held in lists.values()}
    if len(lengths) != 1:
        raise ValueError(f"the lists of {', '.join(lists) or 'boxes, labels and scores'} are not of one length")
    return [{key: held[place] for key, held in lists.items()} for place in range(lengths.pop())]


def _by_class(value: Sequence[Any], form: str, names: Sequence[str]) -> list[dict[str, Any]]:
    if names and len(value) != len(names):
        raise ValueError(f"lists for {len(value)} classes, and there are {len(names)}")
    items = []
    for code, boxes in enumerate(value):
        for box in boxes:
            if not isinstance(box, list | tuple) or len(box) != 5:
                raise ValueError(f"{str(box)[:40]} for class {code}; left, top, right, bottom and score are needed")
            told = f"a box of class {code}"
            left, top, right, bottom = box[:4]
            corners = {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}
            if form.endswith("_relative"):
                raise ValueError(f"{told} is in pixels, the labels are {form}; give predictions as mappings, likewise")
            label = names[code] if names else str(code)
            items.append({**corners, "label": label, "score": _score({"score": box[4]}, told)})
    return items


def _check_classes(rows: Sequence[list[dict[str, Any]] | None], names: Sequence[str]) -> None:
    predicted = {box["label"] for row in rows if row for box in row}
    if predicted and names and not predicted & set(names):
        told = some_of(sorted(map(str, predicted)))
        raise ConfigError(
            f"the predictions are of the classes {told}, the boxes of {some_of(names)}: none is the same;"
            " say label_names, the classes in the order of their numbers"
        )
