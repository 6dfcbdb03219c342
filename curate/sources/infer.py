"""Which column plays which role, where the user did not say; what is ambiguous is asked for, all in one error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.declared import made
from curate.errors import ConfigError, nearest
from curate.media.content import is_media
from curate.sources.boxes import looks_like_boxes
from curate.sources.column_types import is_list
from curate.sources.free_text import is_free_text, mean_length
from curate.sources.label_hints import one_hot, zero_or_one
from curate.sources.media_columns import MediaColumns
from curate.sources.role_names import (
    BOX_NAMES,
    FEATURE_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    LIKELY_LABEL_NAMES,
    MASK_NAMES,
    SERIES_NAMES,
    SPLIT_NAMES,
    TEXT_NAMES,
    TRANSCRIPT_NAMES,
)  # fmt: skip
from curate.sources.splits import CANONICAL, split_names
from curate.task import MODALITIES, Task

COLUMN_ROLES = (
    *MODALITIES,
    "tokens",
    "mask",
    "boxes",
    "transcript",
    "label",
    "annotators",
    "group",
    "split",
    "id",
    "embedding",
    "probabilities",
)


@dataclass
class _Search:
    """The columns that are still free, the roles found so far, and what has to be asked."""

    columns: pa.Table
    media: MediaColumns
    roles: dict[str, Any]
    kind: str | None
    questions: list[str] = field(default_factory=list)

    @property
    def free(self) -> list[str]:
        taken: set[str] = set()
        for value in self.roles.values():
            taken.update((value,) if isinstance(value, str) else value or ())
        return [name for name in self.columns.column_names if name not in taken]

    def type_of(self, name: str) -> pa.DataType:
        return self.columns.schema.field(name).type

    def named(self, names: tuple[str, ...]) -> list[str]:
        """Free columns with one of these names, the order of the names first; case does not matter."""
        by_name: dict[str, list[str]] = {}
        for column in self.free:
            by_name.setdefault(column.strip().lower().replace(" ", "_"), []).append(column)
        return [column for name in names for column in by_name.get(name, ())]

    def ask(self, what: str, role: str, candidates: list[str]) -> None:
        listed = " and ".join(map(repr, candidates[:2])) if len(candidates) == 2 else ", ".join(map(repr, candidates))
        both = "both could be" if len(candidates) == 2 else "could each be"
        flag = f"--{role} {candidates[0]} or " if role == "label" else ""
        votes = f", or --annotators {','.join(candidates)} if they are votes" if role == "label" else ""
        hot = one_hot(candidates) if role == "label" and all(zero_or_one(self.columns[n]) for n in candidates) else ""
        self.questions.append(
            f"cannot tell which column is {what}: {listed} {both}; say {flag}task: {{{role}: {candidates[0]}}}"
            + (votes if len({re.sub(r"\W|\d|_", "", name) for name in candidates}) == 1 < len(candidates) else "")
            + hot
        )


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
    search = _Search(columns, media, roles, given.kind)
    _split(search)
    _annotations(search)
    _label_by_name(search)
    _identity(search)
    _inputs(search)
    _label_by_values(search)
    _table_features(search)
    if search.questions:
        raise ConfigError(f"{source}: " + "; ".join(search.questions))
    if not any(search.roles.get(role) for role in MODALITIES):
        there = ", ".join(f"{field.name!r} ({field.type!s:.60})" for field in columns.schema)
        nested = any(pa.types.is_list(kind) and pa.types.is_struct(kind.value_type) for kind in columns.schema.types)
        hint = "; of conversations and other nested values make a column of text first" if nested else ""
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


def _split(search: _Search) -> None:
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
                f" {', '.join(map(repr, others[:5]))}{', ...' if len(others) > 5 else ''}"
                f"{nearest(others[0], CANONICAL)}: correct it, or say --split {name} or task: {{split: {name}}}, and"
                " such rows count as training rows"
            )
        return


def _annotations(search: _Search) -> None:
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


def _label_by_name(search: _Search) -> None:
    if "label" in search.roles or search.kind == "unlabeled":
        return
    for names in (LABEL_NAMES, LIKELY_LABEL_NAMES):
        found = [name for name in search.named(names) if _can_be_label(search, name)]
        if len(found) > 1:
            search.ask("the label", "label", found)
            search.roles["label"] = found[0]  # so that the rest is still looked at
        elif found:
            search.roles["label"] = found[0]
        if found:
            return


def _can_be_label(search: _Search, name: str) -> bool:
    kind = search.type_of(name)
    if name in search.media.kinds or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return False
    if is_list(kind):
        return pa.types.is_string(kind.value_type) or pa.types.is_integer(kind.value_type) or (
            pa.types.is_large_string(kind.value_type)
        )  # fmt: skip
    return not pa.types.is_nested(kind) and search.columns[name].null_count < len(search.columns)


def _identity(search: _Search) -> None:
    if "id" in search.roles:
        return
    exact = search.named(ID_NAMES)
    ending = [c for c in search.free if re.search(r"(_id|Id|ID|_uuid)$", c) and c not in exact]
    for name in (*exact, *ending):
        column, kind = search.columns[name], search.type_of(name)
        whole = pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if whole and name not in search.media.kinds and pc.count_distinct(column.drop_null()).as_py() == len(
            column.drop_null()
        ) and len(column.drop_null()) >= len(column) - search.media.unreadable:  # fmt: skip
            search.roles["id"] = name
            return


def _inputs(search: _Search) -> None:
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


def _transcript(search: _Search) -> None:
    """The target beside sounds, where no column is called a label."""
    found = [name for name in search.named(TRANSCRIPT_NAMES) if _is_text(search.type_of(name))]
    if found and search.kind in (None, "transcription") and not {"label", "transcript"} & set(search.roles):
        search.roles["transcript"] = found[0]


def _holds_numbers(kind: pa.DataType) -> bool:
    while is_list(kind):
        kind = kind.value_type
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _vector_input(search: _Search, vectors: list[str]) -> None:
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


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _text(search: _Search) -> None:
    strings = [name for name in search.free if _is_text(search.type_of(name)) and name not in search.media.named_only]
    exact = [name for name in search.named(TEXT_NAMES[:3]) if name in strings]
    named = [name for name in search.named(TEXT_NAMES) if name in strings]
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


def _label_by_values(search: _Search) -> None:
    """With text, media, series or vectors as input, a lone column of few values must be the label."""
    inputs = [role for role in MODALITIES if role in search.roles]
    if "label" in search.roles or search.kind == "unlabeled" or not inputs or search.roles.get("transcript"):
        return
    if isinstance(search.roles.get("features"), tuple):
        return
    candidates = [name for name in search.free if _few_values(search, name)]
    if len(candidates) > 1:
        search.ask("the label", "label", candidates)
    elif candidates:
        search.roles["label"] = candidates[0]


def _few_values(search: _Search, name: str) -> bool:
    kind, column = search.type_of(name), search.columns[name]
    plain = _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if not plain or name in search.media.kinds:
        return False
    known = column.drop_null()
    distinct = pc.count_distinct(known).as_py()
    return 2 <= distinct <= min(1000, len(known) / 2) and len(known) >= 0.5 * len(column)


def _table_features(search: _Search) -> None:
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
