"""The inputs of a task, with what they must know of the data beforehand: sizes, rates, names of categories, means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import values_of
from curate.errors import ConfigError, DataError
from curate.feed.inputs.audio import AUTO_HZ, Recordings
from curate.feed.inputs.features import Features, scalar_columns, scalar_features
from curate.feed.inputs.image import PROBED, common_size
from curate.feed.inputs.input import Input
from curate.feed.inputs.options import InputOptions, idle, without_tokens
from curate.feed.inputs.pictures import images, probes, training_lines
from curate.feed.inputs.processed import Together, through
from curate.feed.inputs.processed_scene import ProcessedScenes
from curate.feed.inputs.processors import Processing
from curate.feed.inputs.scene import Scenes
from curate.feed.inputs.series import Series
from curate.feed.inputs.sound_video import SoundVideos
from curate.feed.inputs.text import Texts
from curate.feed.inputs.transcript import Transcripts
from curate.feed.inputs.video import Videos
from curate.feed.inputs.words import Words
from curate.feed.recipes import Recipes, recipe_modalities
from curate.media.payload import read_bytes
from curate.table import Table
from curate.task import Task

BLOCK_ROWS = 8192


def make_inputs(
    table: Table,
    plan: pa.Table,
    recipes: Recipes,
    options: InputOptions,
    tokenizer: Callable[..., Mapping[str, Any]] | None = None,
    tokenizer_options: Mapping[str, Any] | None = None,
    label_names: Sequence[str] = (),
    processor: Any = None,
    processor_options: Mapping[str, Any] | None = None,
) -> tuple[Input, ...]:
    """The inputs for every modality of the table's task, and the targets that come from columns of their own.

    Args:
        table: the rows.
        plan: the whole plan, all splits; sizes, rates and means come from its training lines, so that the loaders of
            all splits agree.
        recipes: of that plan.
        options: as the user gave them.
        tokenizer: for texts, words and transcripts.
        tokenizer_options: of its call.
        label_names: the classes.
        processor: of transformers, for the inputs that it can read; see `curate.feed.inputs.processors`.
        processor_options: of its call.

    Raises:
        ConfigError: the task has no input, or what was asked for can't be done to its inputs.
        DataError: a column can't be fed.
    """
    task = table.task
    if not task.modalities:
        raise ConfigError("the task has no input: name the column of text, image, audio, video, series or features")
    _refuse_idle_tokenizer(task, tokenizer, tokenizer_options, processor is not None)
    if idling := [f"{name} = {why}" for name, why in idle(options, task)]:
        raise ConfigError(f"loader: {'; '.join(idling)}")
    processing = Processing.of(processor, tokenizer, processor_options or {}, task)
    options, tokenizer = processing.settled(options), processing.tokenizer
    if tokenizer is None and (of_tokens := without_tokens(options)):
        raise ConfigError(f"loader: {'; '.join(of_tokens)}")
    made: list[Input] = []
    training = training_lines(plan)
    for modality in task.modalities:
        if modality == "image":
            made.append(images(table, training, recipes, options, tuple(label_names)))
        elif modality == "video":
            name = "pixel_values_videos" if task.image else "pixel_values"
            made.append(_videos(table, training, recipes, options, name))
        elif modality == "audio":
            made.append(_recordings(table, training, options, _mask_name(task, tokenizer)))
        elif modality == "text":
            made.append(_texts(task, options, tokenizer, tokenizer_options, label_names))
        elif modality == "series":
            made.append(Series(str(task.series)))
        else:
            features: Any = _features(table, training, options)
            made.append(features)
    if task.transcript is not None:
        made.append(_transcripts(task.transcript, options, tokenizer, tokenizer_options))
    made = through(made, processing.parts, processing.together, processing.settings)
    refuse_what_cannot_be(made, plan, recipes)
    return tuple(made)


def refuse_what_cannot_be(made: Sequence[Input], plan: pa.Table, recipes: Recipes) -> None:
    """Raise ConfigError for mixing and operations that inputs could not take without harm."""
    for one in made:
        if recipes.mixes and isinstance(one, Scenes | ProcessedScenes | SoundVideos | Together):
            what = "masks and boxes" if isinstance(one, Scenes | ProcessedScenes) else "inputs that belong together"
            raise ConfigError(f"mix blends single arrays, and the loader's {what} are none: leave out the step mix")
        if isinstance(one, Words) and "text" in recipe_modalities(plan):
            raise ConfigError(
                "operations on texts change, move and drop words, and their tags would stand at others: leave out the"
                " text operations of augment"
            )


def _refuse_idle_tokenizer(
    task: Task,
    tokenizer: Callable[..., Mapping[str, Any]] | None,
    tokenizer_options: Mapping[str, Any] | None,
    processed: bool,
) -> None:
    """Raise ConfigError for a tokenizer, or its options, where there is nothing to tokenize."""
    if (tokenizer is not None or tokenizer_options) and "text" not in task.modalities and not task.transcript:
        what = "tokenizer" if tokenizer is not None else "tokenizer_options"
        raise ConfigError(
            f"{what} is for texts and transcripts, and the task's inputs are {', '.join(task.modalities)}"
        )
    if tokenizer_options and tokenizer is None and not processed:
        raise ConfigError("tokenizer_options are of the calls of a tokenizer: pass tokenizer=...")


def _transcripts(
    column: str,
    options: InputOptions,
    tokenizer: Callable[..., Mapping[str, Any]] | None,
    tokenizer_options: Mapping[str, Any] | None,
) -> Transcripts:
    settings = {} if options.max_tokens is None else {"truncation": True, "max_length": options.max_tokens}
    settings |= dict(tokenizer_options or {})
    return Transcripts(column, tokenizer, settings, options.ignore_index, options.decoder_start_token)


def _texts(
    task: Task,
    options: InputOptions,
    tokenizer: Callable[..., Mapping[str, Any]] | None,
    tokenizer_options: Mapping[str, Any] | None,
    label_names: Sequence[str],
) -> Input:
    settings: dict[str, Any] = {"padding": True, "truncation": True, "return_tensors": "pt"}
    if options.max_tokens is not None:
        settings["max_length"] = options.max_tokens
    settings |= dict(tokenizer_options or {})
    if task.tokens is None or task.kind not in ("token_classification", "unlabeled"):
        return Texts(str(task.text), tokenizer, settings)
    tags = task.label if task.kind == "token_classification" else None
    names = tuple(label_names)
    return Words(task.tokens, tags, names, tokenizer, settings, options.tagged_pieces, options.ignore_index)


def _mask_name(task: Task, tokenizer: Callable[..., Mapping[str, Any]] | None) -> str:
    """Entry of the mask of recordings, beside which that of tokens may stand."""
    return "audio_attention_mask" if task.text and tokenizer is not None else "attention_mask"


def _videos(
    table: Table, training: pa.Table, recipes: Recipes, options: InputOptions, name: str
) -> Videos | SoundVideos:
    frames = _frames(table, training, recipes, options, name)
    if not options.sound:
        return frames
    if table.task.audio is not None:
        raise ConfigError(
            "sound: batches can't hold the sound of the videos beside the task's column of audio: leave sound out"
        )
    mask = "audio_attention_mask" if table.task.text else "attention_mask"
    rate = options.sampling_rate or _common_rate(table, training, frames, options)
    return SoundVideos(frames, Recordings(frames.column, table.root, options, rate, mask))


def _frames(table: Table, training: pa.Table, recipes: Recipes, options: InputOptions, name: str) -> Videos:
    plain = Videos(str(table.task.video), table.root, options, options.size, name)
    if options.keeps_sizes or options.size is not None:
        return plain
    few = Videos(plain.column, table.root, options.model_copy(update={"frames": 1, "frames_decoded": None}), None)
    lines = recipes.first_lines(training, PROBED // 4)
    before, after = [], []
    for place, item in probes(table, lines, few):
        before.append(item.shape[1:3])
        after.append(recipes.sample(lines, place, few, item).shape[1:3])
    return Videos(plain.column, table.root, options, common_size(before, after), name)


def _recordings(table: Table, training: pa.Table, options: InputOptions, mask: str) -> Recordings:
    plain = Recordings(str(table.task.audio), table.root, options, options.sampling_rate or AUTO_HZ, mask)
    if options.sampling_rate is not None:
        return plain
    return Recordings(plain.column, table.root, options, _common_rate(table, training, plain, options), mask)


def _common_rate(table: Table, training: pa.Table, read: Recordings | Videos, options: InputOptions) -> int:
    """The rate of the first recordings, if it is the same for all."""
    from curate.media import audio

    rates = set()
    lines = training.slice(0, PROBED)
    for value in read.values(table.rows(values_of(lines["row"]), read.columns)) if lines.num_rows else []:
        try:
            rates.add(audio.decode(read_bytes(value, table.root, options.max_bytes)).file_rate)
        except DataError:
            continue  # as in `probes`; a video may have no sound
    return rates.pop() if len(rates) == 1 else AUTO_HZ


def _features(table: Table, training: pa.Table, options: InputOptions) -> Features:
    names = table.task.feature_columns
    rows = np.unique(values_of(training["row"]))
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
