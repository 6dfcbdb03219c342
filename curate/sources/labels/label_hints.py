"""What to tell of labels that are likely meant otherwise than they were read."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import is_text
from curate.sources.columns.free_text import is_free_text
from curate.sources.labels.possible_targets import possible_targets
from curate.sources.raw import Raw
from curate.stand_ins import LABELS
from curate.task import Task
from curate.wording import counted, noun, some_of

MANY_LABELS = 20
"""With fewer labelled rows, classes of one or two rows are no sign of a wrong column."""
LEFT_ASIDE = 3
"""Columns of numbers from which on a file may be meant as a table."""
LISTS = r"^\s*[\[(]?\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?([\s,;]+[-+]?[0-9.]+([eE][-+]?[0-9]+)?){2,}\s*[\])]?\s*$"
HEAD = 200
"""Values that are looked at."""
SEPARATORS = ("|", ";", ",")
NESTED = re.compile(r"\s*(\[\s*[\[{]|\{)")


def label_hints(raw: Raw, task: Task, given: Task) -> list[str]:
    """Sentences about labels.

    Args:
        raw: the rows, labels in shape.
        task: as it was inferred.
        given: what the user said.
    """
    if task.kind == "unlabeled" and given.kind is None and isinstance(task.features, tuple):
        return ["no column was taken as the label: if one is, name it (--label COLUMN, or task: {label: COLUMN})"]
    if task.kind == "unlabeled" and given.kind is None:
        return (_spoken(raw, task) if task.audio or task.video else []) or possible_targets(raw, task)
    if task.kind == "multilabel" and raw.untyped and task.label is not None:
        return _empty_sets(raw.columns[task.label].null_count, task.label)
    if task.kind != "classification" or task.label is None or task.label in raw.class_names:
        return []
    if nested := [name for name in task.label_names if NESTED.match(name)]:
        return [
            f"the label column {task.label!r} holds lists of lists or objects, such as {nested[0][:60]!r}, which count"
            " as names of classes: nested labels other than spans (start, end, tag) are not read. Give words and their"
            " tags as lists (tokens, ner_tags), name another column, or say kind: unlabeled"
        ]
    sets = _as_sets(task.label_names) if given.kind is None else None
    return [sets] if sets else [*_hardly(raw, task, task.label), *_stand_ins(raw, task, task.label)]


def _as_sets(names: tuple[str, ...]) -> str | None:
    """Class names that are lists of labels, which repeat from list to list."""
    for separator in SEPARATORS:
        lists = [name for name in names if separator in name]
        parts = Counter(part.strip() for name in names for part in name.split(separator))
        again = sum(count > 1 for count in parts.values())
        if len(lists) >= max(2, len(names) / 3) and len(parts) < len(names) and again >= 0.8 * len(parts):
            return (
                f"{len(lists)} of the {len(names)} classes look like sets of {len(parts)} labels, such as {lists[0]!r}:"
                " if they are, say so (--kind multilabel, or task: {kind: multilabel})"
            )
    return None


def _hardly(raw: Raw, task: Task, label: str) -> list[str]:
    """A column in which nearly every value is another one is an id or a number, not a class."""
    known = len(raw.columns[label]) - raw.columns[label].null_count
    classes = len(task.label_names)
    if classes == 1:
        return [
            f"every label is {task.label_names[0]!r}: what compares classes (label errors, imbalance, learning curve)"
            " can say nothing of one; give data with several, or kind: unlabeled"
        ]
    if known < MANY_LABELS or classes <= known / 2:
        return []
    return [
        f"the label column {label!r} has {classes:,} different values in {known:,} rows: hardly classes. Name"
        " another column as the label, or kind: regression if they are numbers"
    ]


def left_aside(raw: Raw, task: Task, given: Task) -> list[str]:
    """A sentence about columns of numbers or texts that have no role, where texts or images are the input."""
    if given.text is not None or task.modalities not in (("text",), ("image",)):
        return []
    own = {task.text, task.image, task.label, task.group, task.split, task.id, task.embedding, task.mask}
    roles = own | {*task.annotators, *task.label_columns}
    if task.image is not None:
        return _beside_images(raw, task.image, roles)
    numbers = [
        field.name
        for field in raw.columns.schema
        if field.name not in roles and (pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
    ]
    if len(numbers) < LEFT_ASIDE:
        return _other_texts(raw, task, roles)
    listed = some_of(numbers, 3, repr)
    return [
        f"{task.text!r} was taken as the input, a text, and {len(numbers)} columns of numbers ({listed}) have no role:"
        " name the columns of a table (--features, or task: {features: [...]})"
    ]


def _beside_images(raw: Raw, image: str, roles: Collection[str | None]) -> list[str]:
    """A sentence about captions, questions and other texts."""
    names = [f.name for f in raw.columns.schema if f.name not in roles and is_text(f.type)]
    found = [name for name in names if is_free_text(raw.columns[name])]
    if not found:
        return []
    hold = noun(len(found), "holds a text at which no check looks", "hold texts at which no check looks")
    return [f"{some_of(found, 3, repr)} {hold}: --image {image} --text {found[0]} judges both"]


def _other_texts(raw: Raw, task: Task, roles: Collection[str | None]) -> list[str]:
    """A sentence about texts beside the one that was taken."""
    names = [f.name for f in raw.columns.schema if f.name not in roles and is_text(f.type)]
    others = [name for name in names if is_free_text(raw.columns[name]) and task.kind != "token_classification"]
    if not others:
        return []
    hold = noun(len(others), "holds a text, too, at which no check looks", "hold texts, too, at which no check looks")
    return [
        f"{task.text!r} was taken as the text; {some_of(others, 3, repr)} {hold}: --text COLUMN takes another one;"
        " columns that belong together are joined where they are called prompt and response, or source and target"
    ]


def _empty_sets(rows: int, label: str) -> list[str]:
    """What an empty cell means in a column of sets, where nothing tells it from a set without any label."""
    if not rows:
        return []
    has = noun(rows, "has an empty cell and counts", "have empty cells and count")
    return [f"{counted(rows, 'row')} {has} as unlabelled in {label!r}: write [] where none of the labels holds"]


def lists_as_text(raw: Raw, task: Task, given: Task) -> list[str]:
    """A sentence about a text that holds lists of numbers, as CSV files do."""
    if given.text is not None or task.text is None:
        return []
    head = raw.columns[task.text].drop_null().slice(0, HEAD)
    if not len(head) or not pc.all(pc.match_substring_regex(head, LISTS)).as_py():
        return []
    return [
        f"{task.text!r} holds lists of numbers and was taken as a text: for series and vectors write lists into JSON"
        " lines, Parquet or NPZ, or each number into a column of its own"
    ]


def _spoken(raw: Raw, task: Task) -> list[str]:
    """Columns beside sounds that may be what is said in them."""
    names = [field.name for field in raw.columns.schema if is_text(field.type)]
    found = [name for name in names if name not in (task.audio, task.video) and is_free_text(raw.columns[name])]
    if not found:
        return []
    listed = some_of(found, 3, repr, " or ")
    return [f"no column was taken as the transcript: if {listed} is one, name it (--transcript {found[0]})"]


def _stand_ins(raw: Raw, task: Task, label: str) -> list[str]:
    """Classes that programs write where there is no label, and that may be classes as well."""
    found = [name for name in task.label_names if name in LABELS]
    if not found or len(found) == len(task.label_names):
        return []
    rows = int(pc.sum(pc.is_in(raw.columns[label], value_set=pa.array(found, raw.columns[label].type))).as_py())
    listed = " and ".join(map(repr, found))
    return [
        f"{listed} {noun(len(found), 'is a class', 'are classes')} of {counted(rows, 'row')} here: where"
        f" {noun(len(found), 'it stands', 'they stand')} for a missing label, empty these cells"
    ]


def one_hot(columns: Sequence[str]) -> str:
    """What to do with such columns where each is a label that a row has or has not; nothing with a lone one."""
    if len(columns) < 2:
        return ""
    named = ",".join(columns)
    return (
        f"; if each says whether a row has the label of its name, say --label-columns {shlex.quote(named)} or task:"
        f" {{label_columns: [{', '.join(columns)}]}}"
    )
