"""New rows through the transforms of a run, with what these learned then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError, nearest
from curate.media.content import input_columns
from curate.sources.assemble import assemble
from curate.sources.clips.clip_files import with_clip_files
from curate.sources.clips.segments import PAIRS
from curate.sources.columns.column_types import is_number, with_numbers
from curate.sources.columns.decimal_commas import as_known
from curate.sources.columns.index_columns import settled_index
from curate.sources.columns.joined_texts import with_joined_texts
from curate.sources.columns.missing_words import without_words
from curate.sources.columns.pixels import with_pixels
from curate.sources.labels.file_patterns import with_file_names
from curate.sources.labels.label_columns import with_label_columns
from curate.sources.opening import read
from curate.step import Transform
from curate.table import Table
from curate.task import Task
from curate.transforms._columns import replaced
from curate.wording import noun

if TYPE_CHECKING:
    from curate.pipeline.curated import Curated
    from curate.sources.raw import Raw

OPTIONAL = (
    "transcript", "mask", "boxes", "embedding", "probabilities", "id", "split", "group", "start", "end", "duration"
)  # fmt: skip
"""Roles that new rows may be without; the task is then without them, too."""


def transform(curated: Curated, rows: Any) -> Table:
    """Carry out the transforms of a run on new rows, in order; see `Curated.transform`.

    Steps that decide about rows (checks with a fix, balance, augment) are left out: every row is kept, except that a
    transform may make several rows of one, which name it in `parents`. Transforms that only add training rows
    (translated copies) are left out, too. New rows count as training rows nowhere: nothing is learned from them.

    Args:
        curated: the result of the run, in memory or opened from its folder.
        rows: a `Table`, or anything that `curate.load` takes.

    Raises:
        ConfigError: the rows can't be read as the run's were.
        DataError: the rows lack a column that the inputs or the transforms need.
    """
    table = read_like(rows, curated.facts["given"])
    fitted, pipeline = curated.facts["fitted"], curated.pipeline
    for step, name in zip(pipeline.steps, pipeline.step_names):
        if isinstance(step, Transform) and step.replayed:
            table = step.apply(table, fitted.get(name, {}))
    return table


def read_like(rows: Any, given: Mapping[str, Any], *, other_labels: bool = True) -> Table:
    """Rows as a table with the task and the types of an earlier one; labels, splits and ids may be missing.

    Args:
        rows: a `Table`, or anything that `curate.load` takes.
        given: what `described` said of the earlier table.
        other_labels: refuse classes that the earlier table does not have; False to take them for missing labels.

    Raises:
        ConfigError: the rows can't be read as the earlier ones were.
        DataError: the rows lack an input.
    """
    task, kinds = Task(**given["task"]), {name: _kind(text) for name, text in given["columns"].items()}
    if isinstance(rows, Table):
        return _as_before(rows, task, kinds)
    return _loaded(rows, task, kinds, bool(given.get("decimal_commas")), other_labels)


def described(table: Table) -> dict[str, Any]:
    """The task, the types of the columns and how numbers are written, as JSON values: what new rows are read by."""
    task = table.task.model_dump(mode="json", exclude_defaults=True)
    columns = {f.name: str(f.type) for f in table.dataset.features.arrow_schema}
    return {"task": task, "columns": columns, "decimal_commas": list(table.decimal_commas)}


def _kind(text: str) -> pa.DataType | None:
    """The type of that name; None for those made of others, which need no help."""
    try:
        return pa.type_for_alias(text)
    except ValueError:
        return None


def _loaded(
    rows: Any, task: Task, kinds: Mapping[str, pa.DataType | None], commas: bool, other_labels: bool = True
) -> Table:
    """The rows as a table of the run's task; labels that they lack are null. `commas`: the run's were decimal ones."""
    raw = read(rows, delimiter=None, encoding=None, config=None, revision=None, tier=task.tier)
    if raw.untyped:
        texts = {name for name, kind in kinds.items() if kind is not None and pa.types.is_string(kind)}
        numbers = {name for name, kind in kinds.items() if kind is not None and is_number(kind)}
        columns = without_words(raw.columns, numbers, 0.0)
        columns = as_known(columns, numbers, commas=commas) if raw.decimal_comma else columns
        raw = replace(raw, columns=with_numbers(columns, keep=texts), untyped=False)
    raw = with_pixels(settled_index(with_file_names(raw, task, required=False), task), task)
    raw, _ = with_joined_texts(raw, task)
    raw = with_clip_files(raw, task, raw.root, PAIRS)
    if set(task.label_columns) <= set(raw.columns.column_names):
        raw, _ = with_label_columns(raw, task)
    there = raw.columns.column_names
    _refuse_missing(task, there, raw.source)
    for name in input_columns(task):
        raw = raw.with_column(name, _of_kind(raw.columns[name], kinds.get(name), name, raw.source))
    if task.label is not None and task.label not in there and task.kind not in ("detection", "unlabeled"):
        raw = raw.with_column(task.label, _no_labels(len(raw), task))
    elif task.kind == "classification" and task.label is not None and not other_labels:
        raw = raw.with_column(
            task.label, _known_labels(raw.columns[task.label], task.label_names, raw.class_names.get(task.label))
        )
    if task.kind == "detection" and task.boxes not in there:
        task = task.model_copy(update={"kind": "unlabeled"})
    return assemble(_unnamed(raw, task), _without(task, raw.columns.column_names), root=raw.root)


def _known_labels(column: pa.ChunkedArray, names: tuple[str, ...], own: Any) -> pa.ChunkedArray:
    """Labels as names, null where they are none of the classes; numbers that the source has names for are named."""
    if own is not None and pa.types.is_integer(column.type):
        column = pa.chunked_array([pa.array(list(own), pa.string()).take(column.combine_chunks())])
    texts = column.cast(pa.string())
    return pc.if_else(pc.is_in(texts, value_set=pa.array(names, pa.string())), texts, pa.scalar(None, pa.string()))


def _no_labels(n: int, task: Task) -> pa.Array:
    """A column of missing labels, of the type that the kind of task takes."""
    kinds = {"regression": pa.float64(), "multilabel": pa.list_(pa.string())}
    kinds["token_classification"] = pa.list_(pa.string())
    return pa.nulls(n, kinds.get(task.kind or "", pa.string()))


def _unnamed(raw: Raw, task: Task) -> Raw:
    """The names of classes that the source has for the label are the run's, in its order."""
    return replace(raw, class_names={k: v for k, v in raw.class_names.items() if k != task.label})


def _of_kind(column: pa.ChunkedArray, kind: pa.DataType | None, name: str, source: str) -> pa.ChunkedArray:
    """A column in the type that it had in the run, where that says the same: a few rows may hold nulls alone."""
    if kind is None or column.type == kind or pa.types.is_nested(column.type):
        return column
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if is_number(kind) and is_number(column.type):
            return column  # fractions in a column that held whole numbers
        raise DataError(
            f"{source}: the column {name!r} holds {column.type}, in the run it held {kind}: {error}"
        ) from error


def _as_before(table: Table, task: Task, kinds: Mapping[str, pa.DataType | None]) -> Table:
    """A table that was loaded by itself, with the run's task."""
    there = table.dataset.column_names
    _refuse_missing(task, there, table.source)
    task = _without(task, there)
    if task.label is not None and task.label not in there:
        task = task.model_copy(update={"label": None, "kind": "unlabeled"})
    table = replace(table, task=task, parents=None)
    names = input_columns(task)
    return replaced(table, {n: _of_kind(table.column(n), kinds.get(n), n, table.source) for n in names})


def _without(task: Task, there: Iterable[str]) -> Task:
    """The task without the roles that the rows don't have, and without a target: new rows are compared with nothing."""
    there = set(there)
    gone: dict[str, Any] = {role: None for role in OPTIONAL if getattr(task, role) not in (None, *there)}
    gone |= {role: () for role in ("annotators", "label_columns") if not set(getattr(task, role)) <= there}
    return task.model_copy(update={**gone, "target": None, "file_names": None})


def _refuse_missing(task: Task, there: list[str], source: str) -> None:
    """Raise DataError if the rows lack an input."""
    needed = (*input_columns(task), *((task.tokens,) if task.tokens else ()))
    if missing := [name for name in dict.fromkeys(needed) if name not in there]:
        hint = nearest(missing[0], there)
        raise DataError(
            f"{source}: the rows lack the {noun(len(missing), 'column')} {', '.join(map(repr, missing))}{hint}, input"
            f" of the run; they have {', '.join(map(repr, there))}"
        )
