"""Which column plays which role, where the user did not say; what is ambiguous is asked for, all in one error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.declared import made
from curate.errors import ConfigError, nearest
from curate.sources.annotations.boxes import looks_like_boxes
from curate.sources.clips.segments import find_times
from curate.sources.columns.column_types import is_list, is_text
from curate.sources.columns.media_columns import MediaColumns
from curate.sources.columns.role_names import (
    BOX_NAMES,
    GOLD_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    LIKELY_LABEL_NAMES,
    MASK_NAMES,
    SPLIT_NAMES,
)
from curate.sources.labels.label_columns import says_yes_or_no
from curate.sources.labels.labels import hot_width
from curate.sources.roles.infer_inputs import find_inputs, table_features
from curate.sources.roles.role_search import Search
from curate.sources.splits import CANONICAL, split_names
from curate.task import MODALITIES, Task
from curate.wording import some_of

COLUMN_ROLES = (
    *MODALITIES,
    "tokens",
    "mask",
    "boxes",
    "transcript",
    "start",
    "end",
    "duration",
    "label",
    "label_columns",
    "annotators",
    "group",
    "split",
    "id",
    "embedding",
    "probabilities",
)


ENDS_AS_ID = re.compile(r"(_id|Id|ID|_uuid)$")


def infer_task(columns: pa.Table, media: MediaColumns, given: Task, known: Mapping[str, Any], source: str) -> Task:
    """The roles of all columns. `label_names` and a kind that rests on label values are left to `labels.normalise`.

    Args:
        columns: the rows, typed.
        media: which columns hold images, audio or video.
        given: what the user said; it stands.
        known: roles that the layout of the source decides; they stand where the user said nothing.
        source: name for messages.

    Raises:
        ConfigError: a named column does not exist, or something is ambiguous; all such problems at once.
    """
    roles = {role: getattr(given, role) for role in COLUMN_ROLES if getattr(given, role) not in (None, ())}
    _check_names(columns, roles, source)
    taken = {c for v in roles.values() for c in ((v,) if isinstance(v, str) else v)}
    for role, column in known.items():
        if role == "box_format" and given.box_format is not None:
            continue
        if role not in roles and column not in taken and not (role == "label" and given.kind == "unlabeled"):
            roles[role] = column
    search = Search(columns, media, roles, given.kind)
    _split(search)
    _annotations(search)
    _label_by_name(search)
    _identity(search)
    find_inputs(search)
    find_times(search)
    _label_by_values(search)
    table_features(search)
    if search.questions:
        raise ConfigError(f"{source}: " + "; ".join(search.questions))
    if not any(search.roles.get(role) for role in MODALITIES):
        as_role = {
            name: f", taken as {role}"
            for role, names in search.roles.items()
            for name in ((names,) if isinstance(names, str) else names or ())
        }
        there = ", ".join(f"{f.name!r} ({f.type!s:.60}{as_role.get(f.name, '')})" for f in columns.schema)
        nested = any(pa.types.is_list(kind) and pa.types.is_struct(kind.value_type) for kind in columns.schema.types)
        hint = "; of nested values make a column of text first" if nested else ""
        raise ConfigError(
            f"{source}: no column holds an input; say which is text, image, audio, video, series or features"
            f" (there are {there}){hint}"
        )
    return _task(given, search.roles)


def _task(given: Task, roles: Mapping[str, Any]) -> Task:
    kind = given.kind
    if kind is None:
        if roles.get("mask"):
            kind = "segmentation"
        elif roles.get("boxes"):
            kind = "detection"
        elif roles.get("transcript") and not roles.get("label"):
            kind = "transcription"
        elif not roles.get("label"):
            kind = "unlabeled"
    if kind in ("classification", "multilabel", "regression") and not roles.get("label"):
        raise ConfigError(
            f"the task is {kind}, but no column is the label; say --label COLUMN or task: {{label: COLUMN}}"
        )
    return made(Task, {**given.model_dump(), **roles, "kind": kind}, "task")


def _check_names(columns: pa.Table, roles: Mapping[str, Any], source: str) -> None:
    there, wrong = columns.column_names, []
    for role, value in roles.items():
        for name in (value,) if isinstance(value, str) else value:
            if name not in there:
                wrong.append(f"{role} names the column {name!r}, which is not there{nearest(name, there)}")
    if wrong:
        raise ConfigError(f"{source}: {'; '.join(wrong)}; the columns are {', '.join(map(repr, there))}")


def _split(search: Search) -> None:
    if "split" in search.roles:
        return
    for name in search.named(SPLIT_NAMES):
        named, others = split_names(search.columns[name])
        if not named:
            continue
        search.roles["split"] = name
        if others:
            search.questions.append(
                f"the column {name!r} holds the splits {', '.join(named)}, and"
                f" {some_of(others, said=repr)}"
                f"{nearest(others[0], CANONICAL)}: correct it, or say --split {name} or task: {{split: {name}}}, and"
                " such rows count as training rows"
            )
        return


def _annotations(search: Search) -> None:
    """Masks and boxes by name and content, beside a column of images."""
    images = [name for name in search.free if search.media.kinds.get(name) == "image"]
    if search.roles.get("image"):
        images.append(search.roles["image"])
    masks = [name for name in search.named(MASK_NAMES) if search.media.kinds.get(name) == "image"]
    if "mask" not in search.roles and search.kind in (None, "segmentation") and masks and len(images) > 1:
        search.roles["mask"] = masks[0]
    if "boxes" not in search.roles and search.kind in (None, "detection") and images:
        found = [name for name in search.named(BOX_NAMES) if looks_like_boxes(search.columns[name])]
        if found:
            search.roles["boxes"] = found[0]


def _label_by_name(search: Search) -> None:
    if "label" in search.roles or search.kind == "unlabeled":
        return
    for names in (LABEL_NAMES, GOLD_NAMES, LIKELY_LABEL_NAMES):
        found = [name for name in search.named(names) if _can_be_label(search, name)]
        if len(found) > 1:
            search.ask("the label", "label", found)
            search.roles["label"] = found[0]  # so that the rest is still looked at
        elif found:
            search.roles["label"] = found[0]
        if found:
            return


def _can_be_label(search: Search, name: str) -> bool:
    kind = search.type_of(name)
    if name in search.media.kinds or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return False
    if is_list(kind):
        return pa.types.is_string(kind.value_type) or pa.types.is_integer(kind.value_type) or (
            pa.types.is_large_string(kind.value_type) or bool(hot_width(search.columns[name]))
        )  # fmt: skip
    return not pa.types.is_nested(kind) and search.columns[name].null_count < len(search.columns)


def _identity(search: Search) -> None:
    if "id" in search.roles:
        return
    exact = search.named(ID_NAMES)
    ending = [c for c in search.free if ENDS_AS_ID.search(c) and c not in exact]
    for name in (*exact, *ending):
        column, kind = search.columns[name], search.type_of(name)
        whole = pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if whole and name not in search.media.kinds and pc.count_distinct(column.drop_null()).as_py() == len(
            column.drop_null()
        ) and len(column.drop_null()) >= len(column) - search.media.unreadable:  # fmt: skip
            search.roles["id"] = name
            return


def _label_by_values(search: Search) -> None:
    """With text, media, series or vectors as input, a lone column of few values must be the label."""
    inputs = [role for role in MODALITIES if role in search.roles]
    if "label" in search.roles or search.kind == "unlabeled" or not inputs or search.roles.get("transcript"):
        return
    if isinstance(search.roles.get("features"), tuple):
        return
    candidates = [name for name in search.free if _few_values(search, name)]
    if not {"audio", "video"} & set(inputs):  # whose speakers may be what is to be told apart
        candidates = _likely(candidates)
    if len(candidates) > 1:
        search.ask("the label", "label", candidates)
    elif candidates:
        search.roles["label"] = candidates[0]


def _likely(candidates: list[str]) -> list[str]:
    """Those that are not called ids, of which there may be but one; the one that speaks of labels, if only one does."""
    spoken = [name for name in candidates if {"label", "labels", "class"} & set(re.split(r"[\W_]+", name.lower()))]
    others = [name for name in candidates if not ENDS_AS_ID.search(name)]
    return spoken if len(spoken) == 1 else others or (candidates if len(candidates) == 1 else [])


def _few_values(search: Search, name: str) -> bool:
    kind, column = search.type_of(name), search.columns[name]
    plain = is_text(kind) or pa.types.is_integer(kind) or says_yes_or_no(column)
    if not plain or name in search.media.kinds:
        return False
    known = column.drop_null()
    distinct = pc.count_distinct(known).as_py()
    return 2 <= distinct <= min(1000, len(known) / 2) and len(known) >= 0.5 * len(column)
