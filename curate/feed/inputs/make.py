"""The inputs of a task, with what they must know of the data beforehand: sizes, rates, names of categories, means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, DataError
from curate.feed.inputs.audio import AUTO_HZ, Recordings
from curate.feed.inputs.features import Features, scalar_columns, scalar_features
from curate.feed.inputs.image import PROBED, Images, common_size
from curate.feed.inputs.input import Input
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.series import Series
from curate.feed.inputs.text import Texts
from curate.feed.inputs.video import Videos
from curate.feed.recipes import Recipes
from curate.media.payload import read_bytes
from curate.table import HELD_OUT, Table

BLOCK_ROWS = 8192


def make_inputs(
    table: Table,
    plan: pa.Table,
    recipes: Recipes,
    options: InputOptions,
    tokenizer: Callable[..., Mapping[str, Any]] | None = None,
    tokenizer_options: Mapping[str, Any] | None = None,
) -> tuple[Input, ...]:
    """The inputs for every modality of the table's task.

    Args:
        table: the rows.
        plan: the whole plan, all splits; sizes, rates and means come from its training lines, so that the loaders of
            all splits agree.
        recipes: of that plan.
        options: as the user gave them.
        tokenizer: for texts.
        tokenizer_options: of its call.

    Raises:
        ConfigError: the task has no input.
        DataError: a column can't be fed.
    """
    task, made = table.task, []
    if not task.modalities:
        raise ConfigError("the task has no input: name the column of text, image, audio, video, series or features")
    training = _training(plan)
    for modality in task.modalities:
        if modality == "image":
            made.append(_images(table, training, recipes, options))
        elif modality == "video":
            name = "pixel_values_videos" if task.image else "pixel_values"
            made.append(_videos(table, training, recipes, options, name))
        elif modality == "audio":
            mask = "audio_attention_mask" if task.text and tokenizer is not None else "attention_mask"
            made.append(_recordings(table, training, options, mask))
        elif modality == "text":
            settings = {"padding": True, "truncation": True, "return_tensors": "pt"}
            if options.max_tokens is not None:
                settings["max_length"] = options.max_tokens
            made.append(Texts(str(task.text), tokenizer, settings | dict(tokenizer_options or {})))
        elif modality == "series":
            made.append(Series(str(task.series)))
        else:
            made.append(_features(table, training, options))
    return tuple(made)


def _training(plan: pa.Table) -> pa.Table:
    """The plan's training lines, or all of them where there is none."""
    if "split" not in plan.column_names:
        return plan
    training = plan.filter(pc.invert(pc.is_in(plan["split"].cast(pa.string()), value_set=pa.array(HELD_OUT))))
    return training if training.num_rows else plan


def _probes(table: Table, lines: pa.Table, read: Input) -> Iterator[tuple[int, Any]]:
    """Place among `lines` and decoded item of those that can be decoded."""
    values = read.values(table.rows(lines["row"].to_numpy(), read.columns)) if lines.num_rows else []
    for place, value in enumerate(values):
        try:
            yield place, read.read(value)
        except DataError:
            # The batch that draws this row reports it; for a look ahead the others are enough.
            continue


def _images(table: Table, training: pa.Table, recipes: Recipes, options: InputOptions) -> Images:
    plain = Images(str(table.task.image), table.root, options, options.size)
    if options.image_size is not None:
        return plain
    lines = recipes.first_lines(training, PROBED)
    before, after = [], []
    for place, item in _probes(table, lines, plain):
        before.append(item.shape[:2])
        after.append(recipes.sample(lines, place, plain, item).shape[:2])
    return Images(plain.column, table.root, options, common_size(before, after))


def _videos(table: Table, training: pa.Table, recipes: Recipes, options: InputOptions, name: str) -> Videos:
    plain = Videos(str(table.task.video), table.root, options, options.size, name)
    if options.image_size is not None:
        return plain
    few = Videos(plain.column, table.root, options.model_copy(update={"frames": 1}), None)
    lines = recipes.first_lines(training, PROBED // 4)
    before, after = [], []
    for place, item in _probes(table, lines, few):
        before.append(item.shape[1:3])
        after.append(recipes.sample(lines, place, few, item).shape[1:3])
    return Videos(plain.column, table.root, options, common_size(before, after), name)


def _recordings(table: Table, training: pa.Table, options: InputOptions, mask: str) -> Recordings:
    column = str(table.task.audio)
    if options.sampling_rate is not None:
        return Recordings(column, table.root, options, options.sampling_rate, mask)
    from curate.media import audio

    plain = Recordings(column, table.root, options, AUTO_HZ, mask)
    rates = set()
    lines = training.slice(0, PROBED)
    for value in plain.values(table.rows(lines["row"].to_numpy(), plain.columns)) if lines.num_rows else []:
        try:
            rates.add(audio.decode(read_bytes(value, table.root, options.max_bytes)).file_rate)
        except DataError:
            continue  # as in `_probes`
    return Recordings(column, table.root, options, rates.pop() if len(rates) == 1 else AUTO_HZ, mask)


def _features(table: Table, training: pa.Table, options: InputOptions) -> Features:
    names = table.task.feature_columns
    rows = np.unique(training["row"].to_numpy())
    if isinstance(table.task.features, str):
        plain = Features(names, None, np.zeros(_width(table, names[0])), np.ones(0, bool))
        numeric = np.ones(len(plain.filling), bool)
        return Features(names, None, _means(table, rows, plain), numeric)
    scalars = scalar_columns(table.rows(rows, list(names)), names, _one_hot(options))
    numeric = np.zeros(sum(column.width for column in scalars), bool)
    missing = np.zeros(len(numeric), np.float32)
    for column in scalars:
        numeric[column.place] = column.categories is None
        if column.categories is not None and not _one_hot(options):
            missing[column.place] = -1.0
    means = _means(table, rows, Features(names, scalars, missing, numeric))
    return Features(names, scalars, np.where(numeric, means, missing).astype(np.float32), numeric)


def _one_hot(options: InputOptions) -> bool:
    return options.categories == "one_hot"


def _width(table: Table, column: str) -> int:
    """Numbers in the first vector of a column."""
    for start in range(0, len(table), BLOCK_ROWS):
        block = table.rows(np.arange(start, min(len(table), start + BLOCK_ROWS)), [column])[column].drop_null()
        if len(block):
            return len(block[0].values)
    return 0


def _means(table: Table, rows: np.ndarray, features: Features) -> np.ndarray:
    """(d,) float32 means of what is known in some rows, 0 where nothing is."""
    total, count = np.zeros(len(features.filling)), np.zeros(len(features.filling))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = table.rows(rows[start : start + BLOCK_ROWS], features.columns)
        if features.scalars is not None:
            values = scalar_features(block, features.scalars)
        else:
            whole = [v for v in features.values(block) if v is not None and len(v) == len(total)]
            values = np.stack(whole) if whole else np.empty((0, len(total)), np.float32)
        known = np.isfinite(values)
        total += np.where(known, values, 0.0).sum(0, dtype=np.float64)
        count += known.sum(0)
    return (total / np.maximum(count, 1)).astype(np.float32)
