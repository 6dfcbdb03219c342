"""A first pipeline for a dataset: commented YAML that runs as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from curate.pipeline.document import Document
from curate.sources.columns.joined_texts import JOINED
from curate.table import Table
from curate.task import Task
from curate.wording import some_of

_IMAGE = "[HorizontalFlip, {ColorJitter: {p: 0.5}}]   # no HorizontalFlip where left and right matter"
_AUGMENT = {
    "image": f"image: {_IMAGE}",
    "text": "text: [{swap_words: {p: 0.2}}, {delete_words: {p: 0.2}}]",
    "audio": "audio: [{add_noise: {min_snr_db: 10, max_snr_db: 30}}, {gain: {min_gain_db: -6, max_gain_db: 6}}]",
}

_QUALITY = {
    "text": "empty, garbled, with markup, in another language",
    "image": "blank, dark, blurry",
    "audio": "silent, clipped, noisy",
    "video": "black, frozen, cut, silent",
    "series": "gaps, flat runs, spikes",
}


def draft(table: Table, data: str, folder: Path) -> str:
    """A pipeline for these rows.

    Args:
        table: the rows, with their task.
        data: what the user named; written relative to `folder` if it is a local path.
        folder: where the file will stand.
    """
    source = os.path.relpath(data, folder) if Path(data).exists() else data
    lines = [
        f"# Made by `curate init` for {len(table):,} rows; `curate steps` lists all steps, `curate steps NAME` one.",
        "curate: 1",
        f"source: {{path: {_quoted(source)}}}",
        *_task_lines(table.task),
        "steps:",
        *(f"  {line}" for line in _steps(table)),
        "feed: {batch_size: 32, sampler: shuffled}",
        "seed: 0",
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """Text as a YAML value: plain where that reads back as the same text, also within brackets."""
    plain = value.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
    if plain and Document(f"x: [{value}]", "draft").value == {"x": [value]}:
        return value
    return json.dumps(value, ensure_ascii=False)


def _task_lines(task: Task) -> list[str]:
    changed: dict[str, Any] = task.model_dump(mode="json", exclude_defaults=True)
    changed.pop("label_names", None)
    lines = ["task:"]
    for name, value in changed.items():
        text = f"[{', '.join(_quoted(v) for v in value)}]" if isinstance(value, list) else _quoted(str(value))
        lines.append(f"  {name}: {text}")
    if task.label_names:
        shown = some_of(task.label_names, 8)
        lines.append(f"  # {len(task.label_names)} classes: {shown}".replace("\n", " "))
    return lines


def _impute(table: Table) -> list[str]:
    """The step that fills cells, of the columns that have a value to learn from."""
    names = table.task.feature_columns
    rows = np.flatnonzero(table.training)
    held = table.rows(rows, list(names))
    empty = [name for name in names if not pc.any(pc.invert(pc.is_null(held[name], nan_is_null=True))).as_py()]
    if not empty:
        return ["- impute                           # fill missing cells, learned from training rows alone"]
    filled = ", ".join(_quoted(name) for name in names if name not in empty)
    said = ", ".join(_quoted(name) for name in empty)
    step = [f"- impute: {{columns: [{filled}]}}"] if filled else []
    return [f"# no training row has a value of {said}: leave it out of the task's features".replace("\n", " "), *step]


def _steps(table: Table) -> list[str]:
    task, modality = table.task, table.task.modality
    classes = task.kind == "classification" and len(task.label_names) > 1
    sets = task.kind == "multilabel" and len(task.label_names) > 1
    steps = ["- unreadable                       # rows whose media or line can't be read"]
    joined = task.text == JOINED  # a copy of what other columns hold: to change it would change nothing in them
    if modality == "text" and not joined:
        steps.append("- clean_text                       # Unicode, control characters, white space")
    if isinstance(task.features, tuple):  # before cells are filled
        steps.append("- table_quality: {fix: review}     # misspelt, of another form, out of range, against the others")
    if modality == "features" and len(task.feature_columns) > 1:
        steps += _impute(table)
    steps.append("- missing_values: {fix: review}    # rows without a label or input")
    if classes or sets:  # before copies are dropped, or there would be nothing left to disagree
        steps.append("- conflicting_labels: {fix: review} # equal content, different labels")
    if modality in ("features", "series"):
        steps.append("- exact_duplicates: {fix: review}  # equal records are often legitimate: look before you drop")
    else:
        steps.append("- exact_duplicates: {fix: drop}    # equal content: the best of each group stays")
    if modality in ("image", "text"):
        steps.append("- near_duplicates: {fix: review}   # look at the report, then change to: drop")
    if modality in _QUALITY:
        steps.append(f"{f'- {modality}_quality: {{fix: review}}':<35}# {_QUALITY[modality]}")
    if joined:
        steps.append("- dialogue_quality: {fix: review}  # unanswered, empty turns, roles out of order, equal answers")
    if task.mask:
        steps.append("- mask_quality: {fix: review}      # missing, empty, of another size")
    if task.boxes:
        steps.append("- box_quality: {fix: review}       # no area, out of the image, doubled")
    if classes and task.annotators:
        steps.append("- annotators: {fix: review}        # labels that votes and model speak against")
    if classes:
        steps += [
            "- label_errors:                    # given labels against out-of-sample predictions",
            "    fix: {relabel: {min_confidence: 0.9}, otherwise: drop}",
            "    limit: 0.75                    # stop if more of all rows, or of a class, would be touched",
        ]
    if sets:
        steps.append("- label_errors: {fix: review}      # labels given or left out against out-of-sample predictions")
    steps.append("- outliers: {fix: review}          # unlike everything else")
    if classes:
        steps += [
            "- class_imbalance                  # which classes are rare",
            "- class_weights: {method: effective_number}",
            "- smooth_labels: {epsilon: 0.05}",
        ]
    if sets:
        steps.append("- label_set_weights                # rows with a rare label weigh more")
    # Words that move would leave their tags behind, and masks and boxes are for their owners to augment.
    if modality in _AUGMENT and not (task.mask or task.boxes or task.tokens or joined):
        steps += ["- augment:                         # on the fly, training rows only", f"    {_AUGMENT[modality]}"]
    return steps
