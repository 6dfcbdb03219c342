"""How long rows are, measured once before the first batch: tokens of texts, seconds of recordings, steps of series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import values_of
from curate.errors import ConfigError, DataError
from curate.feed.inputs.input import Input
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.text import Texts
from curate.feed.inputs.words import Words
from curate.media.payload import read_bytes
from curate.table import Table

BLOCK_ROWS = 4096
MILLISECONDS = 1000
"""Recordings are measured in milliseconds."""


def lengths_of(
    table: Table, rows: np.ndarray, made: Sequence[Input], options: InputOptions, column: str | None = None
) -> np.ndarray:
    """How long what a batch pads is, of each of (m,) rows of a table; rows that stand there twice are measured once.

    Of texts, the tokens that the tokenizer makes (special ones and the cut at the longest included), without one the
    characters; of recordings, milliseconds by what their files declare, cut at `max_seconds`; of series, their steps.
    What augmentation adds or takes is not known yet. Rows that can't be read are 0 long: the batch that draws them
    says so. Costs one pass of the tokenizer over all rows, or of reading the files without decoding them.

    Args:
        table: the rows.
        rows: whose lengths.
        made: the inputs of a batch.
        options: that they were made with.
        column: of the table, with the lengths, in place of measuring.

    Returns:
        (m,) int64.

    Raises:
        ConfigError: the column or tokenizer does not say lengths.
    """
    found, place = np.unique(rows, return_inverse=True)
    if column is not None:
        return _declared(table, column)[found][place]
    for one in made:
        if isinstance(one, Texts | Words):
            parts = [_tokens(one, block) for block in _blocks(table, found, one.columns)]
            break
    else:
        if table.task.audio is not None:
            parts = [_durations(table, block, options) for block in _blocks(table, found, (str(table.task.audio),))]
        elif table.task.text is not None:
            parts = [_characters(block, str(table.task.text)) for block in _blocks(table, found, (table.task.text,))]
        else:
            name = str(table.task.series)
            parts = [values_of(pc.list_value_length(block[name]), 0) for block in _blocks(table, found, (name,))]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)[place]


def _blocks(table: Table, rows: np.ndarray, columns: Sequence[str]) -> Iterator[pa.Table]:
    for start in range(0, len(rows), BLOCK_ROWS):
        yield table.rows(rows[start : start + BLOCK_ROWS], columns)


def _declared(table: Table, column: str) -> np.ndarray:
    """(rows,) int64 of a column of lengths; broken numbers are rounded up."""
    values = table.column(column)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise ConfigError(f"length_column {column!r} must hold numbers, not {values.type}")
    numbers = values_of(values, 0).astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(bad):
        raise ConfigError(
            f"length_column {column!r} must hold lengths of at least 0; row {table.row_ids[bad[0]]} has"
            f" {numbers[bad[0]]}"
        )
    return np.ceil(numbers).astype(np.int64)


def _characters(block: pa.Table, column: str) -> np.ndarray:
    return values_of(pc.utf8_length(block[column].cast(pa.string())), 0)


def _tokens(one: Texts | Words, block: pa.Table) -> np.ndarray:
    """(m,) int64 tokens of each row."""
    values: list[Any] = list(one.values(block))
    if isinstance(one, Words):
        values = [words for words, _ in values]
    if one.tokenizer is None:
        return np.array([0 if value is None else len(value) for value in values], np.int64)
    there = [number for number, value in enumerate(values) if value is not None]
    lengths = np.zeros(len(values), np.int64)
    if there:
        lengths[there] = _counted(one, [values[number] for number in there])
    return lengths


def _counted(one: Texts | Words, values: list[Any]) -> Any:
    """How many tokens the tokenizer makes of each value."""
    settings = dict(one.settings)
    if settings.get("padding") == "max_length":
        raise ConfigError("padding='max_length' makes all rows equally long: leave it out, or the batches by length")
    tokenizer: Any = one.tokenizer
    if isinstance(one, Words):
        settings["is_split_into_words"] = True
        values = [["" if word is None else str(word) for word in value] for value in values]
    if any(base.__name__ == "PreTrainedTokenizerBase" for base in type(tokenizer).__mro__):
        # Without padding and tensors, so that the tokens of each can be counted.
        plain = {k: v for k, v in settings.items() if k not in ("return_tensors", "pad_to_multiple_of")}
        found = tokenizer(values, **plain | {"padding": False, "return_attention_mask": False})
        return [len(ids) for ids in found["input_ids"]]
    found = tokenizer(values, **settings)
    if not isinstance(found, Mapping) or "attention_mask" not in found:
        raise ConfigError(
            "the tokenizer gives no attention_mask, by which the tokens of each text could be counted: name a column"
            " with lengths (length_column)"
        )
    return np.asarray(found["attention_mask"]).sum(1)


def padded_to(made: Sequence[Input]) -> int:
    """What the tokenizer pads to a multiple of."""
    for one in made:
        if isinstance(one, Texts | Words):
            return int(one.settings.get("pad_to_multiple_of") or 1)
    return 1


def _durations(table: Table, block: pa.Table, options: InputOptions) -> np.ndarray:
    """(m,) int64 milliseconds of each recording, at least one; 0 for what can't be read."""
    longest = options.max_seconds
    found = []
    for value in block[str(table.task.audio)].to_pylist():
        try:
            seconds = 0.0 if value is None else _seconds(read_bytes(value, table.root, options.max_bytes))
        except DataError:
            seconds = 0.0  # the batch that draws this row reports it
        found.append(int(np.ceil(MILLISECONDS * (seconds if longest is None else min(seconds, longest)))))
    return np.array(found, np.int64)


def _seconds(data: bytes) -> float:
    """Length by the header, or by decoding where the header can't be read alone."""
    import soundfile

    from curate.media import audio

    try:
        info = soundfile.info(BytesIO(data))
    except (soundfile.LibsndfileError, RuntimeError):
        info = None  # FFmpeg knows more formats
    if info is not None and info.samplerate > 0 and info.frames > 0:
        return info.frames / info.samplerate
    decoded = audio.decode(data)
    return decoded.samples.shape[1] / decoded.rate
