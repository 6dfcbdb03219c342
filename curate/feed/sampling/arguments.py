"""From the options of a loader to what its sampler is given: groups, difficulties and lengths of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import values_of
from curate.errors import ConfigError
from curate.feed.inputs.input import Input
from curate.feed.inputs.options import InputOptions
from curate.feed.sampling.grouping import Grouping
from curate.feed.sampling.lengths import Lengths
from curate.feed.sampling.measuring import MILLISECONDS, lengths_of, padded_to
from curate.feed.sampling.options import SamplingOptions
from curate.table import Table


def sampler_arguments(
    asked: SamplingOptions,
    mode: str,
    table: Table,
    lines: pa.Table,
    made: Sequence[Input],
    options: InputOptions,
    difficulty: Any,
) -> dict[str, Any]:
    """What `Sampler` must be given for the lines of a plan.

    Args:
        asked: of the loader.
        mode: of the sampler.
        table: the rows.
        lines: that are drawn.
        made: the inputs of a batch.
        options: that they were made with.
        difficulty: a number for each row of the table, in place of a column.

    Raises:
        ConfigError: options contradict each other, or the table lacks what they name.
    """
    rows = values_of(lines["row"])
    given: dict[str, Any] = {"grouping": asked.grouping, "curriculum": asked.curriculum}
    if mode == "group_balanced":
        column = (asked.grouping or Grouping()).column or table.task.group
        given["groups"] = None if column is None else _scalars(table, column).take(pa.array(rows))
    if mode == "curriculum":
        given["difficulty"] = _difficulty(asked, table, rows, difficulty)
    elif difficulty is not None:
        raise ConfigError(f"difficulty is for the sampler 'curriculum', not for {mode!r}")
    if asked.buckets:
        given["lengths"] = _lengths(asked, table, rows, made, options)
    else:
        _refuse_idle(asked)
    return given


def _lengths(
    asked: SamplingOptions, table: Table, rows: np.ndarray, made: Sequence[Input], options: InputOptions
) -> Lengths:
    tokens, task = asked.batch_tokens, table.task
    if asked.batch_seconds is not None:
        if tokens is not None:
            raise ConfigError("batch_tokens and batch_seconds both say how large a batch is: choose one")
        if task.audio is None or task.text is not None:
            raise ConfigError("batch_seconds is for tasks of audio alone; batch_tokens is for texts")
        if asked.length_column is not None:
            raise ConfigError("length_column counts what batch_tokens bounds; batch_seconds measures recordings itself")
        tokens = max(1, int(asked.batch_seconds * MILLISECONDS))
    elif tokens is not None and task.audio is not None and not task.text and not asked.length_column:
        raise ConfigError("batch_tokens is for texts; of recordings say batch_seconds")
    found = lengths_of(table, rows, made, options, asked.length_column)
    return Lengths(found, tokens, asked.max_batch, asked.bucket_window, padded_to(made))


def _refuse_idle(asked: SamplingOptions) -> None:
    """Raise ConfigError for options that say something of batches by length where there are none."""
    for name in ("max_batch", "length_column", "bucket_window"):
        if getattr(asked, name) != SamplingOptions.model_fields[name].default:
            raise ConfigError(
                f"{name} does nothing without batches by length: set bucket_by_length, batch_tokens or batch_seconds"
            )


def _difficulty(asked: SamplingOptions, table: Table, rows: np.ndarray, difficulty: Any) -> Any:
    """(m,) difficulties of lines."""
    if difficulty is not None:
        numbers = np.asarray(difficulty)
        if numbers.shape != (len(table),):
            raise ConfigError(f"difficulty must be {len(table)} numbers, one per row, not {numbers.shape}")
        return numbers[rows]
    column = None if asked.curriculum is None else asked.curriculum.by
    if column is None:
        return None
    values = _scalars(table, column)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise ConfigError(f"curriculum: the column {column!r} must hold numbers, not {values.type}")
    return pc.fill_null(values.cast(pa.float64()), float("nan")).to_numpy()[rows]


def _scalars(table: Table, column: str) -> pa.ChunkedArray:
    if column not in table.dataset.column_names:
        raise ConfigError(f"the table has no column {column!r}; there are {', '.join(table.dataset.column_names)}")
    return table.column(column)
