"""Columns and what is known of them become a Table: media confined, labels in shape, content hashed, rows named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, DataError
from curate.media.content import content_hashes, input_columns, is_media, named_ids, row_ids
from curate.sources import splits
from curate.sources.annotations.box_rows import with_box_rows
from curate.sources.annotations.boxes import box_column, read_boxes
from curate.sources.annotations.predictions import read_predictions
from curate.sources.annotations.spans import with_spans
from curate.sources.annotations.tokens import read_tags, with_tokens
from curate.sources.clips.clip_files import with_clip_files
from curate.sources.clips.segments import PAIRS, with_segments
from curate.sources.columns.column_types import is_list, plain, with_numbers
from curate.sources.columns.date_orders import date_notes
from curate.sources.columns.decimal_commas import kept_as_text, left_as_text, with_decimal_commas
from curate.sources.columns.index_columns import settled_index
from curate.sources.columns.joined_texts import with_joined_texts
from curate.sources.columns.media_columns import MediaColumns, find_media
from curate.sources.columns.missing_words import settled_words, without_words
from curate.sources.columns.pixels import with_pixels
from curate.sources.columns.wide_series import wide_series
from curate.sources.infer import infer_task
from curate.sources.labels import labels
from curate.sources.labels.category_orders import category_orders, unused_orders
from curate.sources.labels.file_patterns import with_file_names
from curate.sources.labels.label_columns import with_label_columns
from curate.sources.labels.label_hints import label_hints, left_aside, lists_as_text
from curate.sources.labels.votes import vote_names, with_votes
from curate.sources.raw import Raw, put
from curate.sources.roles.inputs import names_files, typed_inputs
from curate.sources.roles.repeated_ids import repeated_ids
from curate.stored import Held
from curate.table import HELD_OUT, PROBLEMS, Table
from curate.task import Task
from curate.wording import counted, some_of

PLAIN = {
    pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
    pa.uint64(), pa.float32(), pa.float64(), pa.string(), pa.large_string(), pa.binary(), pa.large_binary(),
}  # fmt: skip
"""Types of columns that `datasets` holds as they are."""


def assemble(
    raw: Raw,
    given: Task,
    *,
    root: Path | None = None,
    keep_splits: Sequence[str] | None = None,
    max_rows: int | None = None,
) -> Table:
    """Build the table.

    Args:
        raw: what the reader found.
        given: the roles that the user named; the rest is inferred.
        root: folder that media paths are confined to; the reader's if None.
        keep_splits: only rows of these splits.
        max_rows: at most so many rows, evenly spaced over the source.

    Raises:
        ConfigError: roles that do not exist or are ambiguous.
        DataError: ids that repeat, files none of which can be found, no rows.
    """
    orders = category_orders(raw.columns)
    raw, commas = _typed(replace(raw, class_names={**orders, **raw.class_names}), given)
    raw = with_pixels(settled_index(with_file_names(raw, given), given), given)
    raw, given = with_spans(with_box_rows(raw, given), given)
    raw, given = with_joined_texts(*with_tokens(*with_votes(*with_label_columns(raw, given))))
    raw = with_clip_files(raw, given, root if root is not None else raw.root, PAIRS)
    media = find_media(raw)
    task = infer_task(raw.columns, media, given, raw.roles, raw.source)
    unsaid = [*repeated_ids(raw.columns, task), *unused_orders(orders, task), *date_notes(raw.columns, task)]
    unsaid += left_as_text(raw.columns, kept_as_text(given)) if raw.untyped else []
    raw, task, notes = _splits(raw, task, keep_splits)
    raw = _thinned(raw, max_rows)
    raw, task, wrong_boxes, read_as = _boxes(raw, task)
    raw, task, remarks = _labels(raw, task)
    remarks, notes = [*wrong_boxes, *remarks], [*notes, *read_as]
    notes += [*unsaid, *label_hints(raw, task, given), *left_aside(raw, task, given)]
    notes += [*lists_as_text(raw, task, given), *wide_series(raw, task, given)]
    home = root if root is not None else raw.root
    if home is None and names_files(raw, task):
        home = Path.cwd()  # paths in memory are meant from where the program runs, and confined to there
    raw, failures = typed_inputs(raw, task, home)
    raw, task, cut_wrong, told = with_segments(raw, task, given, home)
    failures, notes = {**cut_wrong, **failures}, [*notes, *told]
    unreadable = dict(raw.unreadable) | failures
    records = {**{r: why.encode("utf-8", "replace") for r, why in failures.items()}, **raw.records}
    hashed = content_hashes([raw.columns[name] for name in input_columns(task)], home, records)
    unreadable |= {row: why for row, why in hashed.failures.items() if row not in unreadable}
    columns = _without_inputs(raw.columns, task, unreadable)
    ids = _ids(columns, task, hashed.content, unreadable)
    return Table(
        dataset=_dataset(raw, columns, media, task, hashed.content),
        task=task,
        row_ids=ids,
        content=hashed.content,
        root=None if home is None else Path(home).resolve(),
        problems=_problems(unreadable, [*raw.remarks, *remarks]),
        origin=raw.origin,
        source=raw.source,
        notes=(*raw.notes, *notes),
        decimal_commas=commas,
    )


def _typed(raw: Raw, given: Task) -> tuple[Raw, tuple[str, ...]]:
    """Columns in types that can be held, numbers as numbers; the columns whose numbers have decimal commas."""
    columns, commas = pa.table([plain(column) for column in raw.columns.columns], names=raw.columns.column_names), ()
    if raw.untyped:
        keep = kept_as_text(given)
        named = (given.text, given.transcript, given.group, given.id, given.image, given.audio, given.video, given.mask)
        texts, read = {name for name in named if name}, []
        columns = with_numbers(columns, texts, whole=raw.decimal_comma)
        before = columns
        columns = without_words(columns, set(columns.column_names) - keep)
        if raw.decimal_comma:
            columns, commas, read = with_decimal_commas(columns, keep)
        columns, told = settled_words(before, with_numbers(columns, texts))
        raw = replace(raw, notes=(*raw.notes, *read, *told))
    return replace(raw, columns=columns), commas


def _splits(raw: Raw, task: Task, keep: Sequence[str] | None) -> tuple[Raw, Task, list[str]]:
    if task.split is None:
        if keep is not None:
            raise ConfigError(f"{raw.source}: only splits {', '.join(keep)} are wanted, but the data have no splits")
        return raw, task, []
    raw = raw.with_column(task.split, splits.canonical(raw.columns[task.split]))
    if keep is None:
        return raw, task, _taken_for_training(raw, task.split)
    wanted = [splits.CANONICAL.get(name.lower(), name) for name in keep]
    there = pc.unique(raw.columns[task.split]).drop_null().to_pylist()
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ConfigError(f"{raw.source}: no split {missing[0]!r}; there are {', '.join(sorted(there))}")
    mask = pc.is_in(raw.columns[task.split], value_set=pa.array(wanted, pa.string()))
    rows = np.flatnonzero(mask.to_numpy())
    others = counted(len(raw) - len(rows), "row")
    return raw.take(rows), task, [f"splits other than {', '.join(wanted)}: {others} left out"]


def _taken_for_training(raw: Raw, split: str) -> list[str]:
    """Sentences about rows that name no split, and about splits that are neither held out nor called train."""
    column, notes = raw.columns[split], []
    lone = column.is_null().to_numpy(zero_copy_only=False).copy()
    lone[list(raw.unreadable)] = False
    if count := int(lone.sum()):
        notes.append(f"{counted(count, 'row')} without a split: counted as train")
    others = sorted(set(pc.unique(column).drop_null().to_pylist()) - {"train", *HELD_OUT})
    if others:
        shown = some_of(others, said=repr)
        notes.append(f"rows of {shown} count as training rows: of the splits only validation and test are held out")
    return notes


def _thinned(raw: Raw, max_rows: int | None) -> Raw:
    if max_rows is None or len(raw) <= max_rows:
        return raw
    rows = np.unique(np.linspace(0, len(raw) - 1, max_rows).round().astype(np.int64))
    note = f"{len(rows)} of {len(raw)} rows, evenly spaced (max_rows)"
    return replace(raw.take(rows), notes=(*raw.notes, note))


def _boxes(raw: Raw, task: Task) -> tuple[Raw, Task, list[tuple[int, str, str]], tuple[str, ...]]:
    """The column of boxes as `BOXES`, with the classes of a label column that lists one per box."""
    if task.boxes is None:
        return raw, task, [], ()
    column, listed, notes = raw.columns[task.boxes], None, ()
    names = task.label_names or raw.class_names.get(task.boxes, ())
    if task.label is not None and task.kind == "detection":
        if is_list(raw.columns[task.label].type):
            listed = raw.columns[task.label].to_pylist()
        else:
            notes = (f"{task.label!r} has one value per image: the classes are those of the boxes",)
        task = task.model_copy(update={"label": None})
    found = read_boxes(box_column(column, str(task.boxes)), listed, task.box_format, names)
    task = task.model_copy(update={"box_format": found.format, "label_names": found.names})
    raw, remarks = raw.with_column(task.boxes or "", found.column), found.remarks
    if task.kind == "detection" and task.probabilities:
        predicted = box_column(raw.columns[task.probabilities], task.probabilities)
        column, wrong = read_predictions(predicted, found.format, found.names, known_order=bool(names))
        raw, remarks = raw.with_column(task.probabilities, column), [*remarks, *wrong]
    return raw, task, remarks, (*notes, *found.notes)


def _labels(raw: Raw, task: Task) -> tuple[Raw, Task, list[tuple[int, str, str]]]:
    if task.label is None or task.kind == "unlabeled":
        return raw, task, []
    if task.kind == "token_classification":
        raw, names, remarks = read_tags(raw, task)
        return raw, task.model_copy(update={"label_names": names}), remarks
    column = raw.columns[task.label]
    if is_media(column.type):
        raise ConfigError(f"{raw.source}: the label column {task.label!r} holds media")
    names = task.label_names or raw.class_names.get(task.label, ())
    if task.annotators and not names:
        found = labels.normalise(column, kind="classification", label=task.label).names
        names = labels.ordered(sorted({*found, *vote_names(raw, task)}), (), task.label)
    done = labels.normalise(column, kind=task.kind, names=names, label=task.label)
    raw = raw.with_column(task.label, done.column)
    return raw, task.model_copy(update={"kind": done.kind, "label_names": done.names}), done.remarks


def _without_inputs(columns: pa.Table, task: Task, unreadable: Mapping[int, str]) -> pa.Table:
    """Unreadable rows have null inputs."""
    if not unreadable:
        return columns
    broken = np.zeros(columns.num_rows, bool)
    broken[list(unreadable)] = True
    for name in input_columns(task):
        start, chunks = 0, []
        for chunk in columns[name].chunks:
            here = broken[start : start + len(chunk)]
            start += len(chunk)
            chunks.append(chunk.take(pa.array(np.arange(len(chunk)), mask=here)) if here.any() else chunk)
        columns = put(columns, name, pa.chunked_array(chunks, columns[name].type))
    return columns


def _ids(columns: pa.Table, task: Task, content: np.ndarray, unreadable: Mapping[int, str]) -> np.ndarray:
    def column(name: str | None) -> pa.ChunkedArray | None:
        return columns[name] if name else None

    hashed = row_ids(content, column(task.label), column(task.group), column(task.split))
    if task.id is None:
        return hashed
    mask = np.zeros(len(content), bool)
    mask[list(unreadable)] = True
    return named_ids(columns[task.id], task.id, hashed, mask)


def _problems(unreadable: Mapping[int, str], remarks: Sequence[tuple[int, str, str]]) -> pa.Table:
    lines = [(row, "unreadable", why) for row, why in unreadable.items()]
    lines += [remark for remark in remarks if remark[0] not in unreadable]
    lines.sort()
    rows, issues, reasons = zip(*lines) if lines else ((), (), ())
    return pa.table([pa.array(rows, pa.int64()), pa.array(issues, pa.string()), pa.array(reasons, pa.string())],
                    schema=PROBLEMS)  # fmt: skip


def _dataset(raw: Raw, columns: pa.Table, media: MediaColumns, task: Task, content: np.ndarray) -> Any:
    """The rows as a `datasets.Dataset` that decodes nothing, opened when it is first asked for."""
    import xxhash

    columns = columns.replace_schema_metadata(None)
    roles = {getattr(task, role): role for role in ("image", "audio", "video") if getattr(task, role)}
    if task.mask:
        roles[task.mask] = "image"
    fingerprint = xxhash.xxh3_64_hexdigest(np.ascontiguousarray(content).tobytes() + str(columns.schema).encode())
    held = Held(columns, roles, fingerprint)
    if not all(is_plain(field.type) for field in columns.schema):
        try:
            return held.dataset()
        except (ValueError, NotImplementedError, TypeError) as error:
            raise DataError(f"{raw.source}: a column has a type that can't be held: {error}") from error
    return held


def is_plain(kind: pa.DataType) -> bool:
    """Whether `datasets` is known to hold a column of that type."""
    if pa.types.is_list(kind):
        return is_plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(is_plain(kind.field(i).type) for i in range(kind.num_fields))
    return kind in PLAIN
