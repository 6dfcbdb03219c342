"""From the options of a loader to what its sampler is given: groups, difficulties and lengths of the lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import places, values_of
from curate.declared import settings_of
from curate.errors import ConfigError
from curate.feed.adaptive import Adaptive
from curate.feed.inputs.input import Input
from curate.feed.inputs.options import InputOptions
from curate.feed.sampling.grouping import Grouping
from curate.feed.sampling.lengths import Lengths
from curate.feed.sampling.measuring import MILLISECONDS, lengths_of, padded_to
from curate.feed.sampling.options import SamplingOptions
from curate.feed.sampling.rules import sampling_faults
from curate.table import Table
from curate.wording import counted, noun


def sampler_arguments(
    asked: SamplingOptions,
    mode: str,
    table: Table,
    lines: pa.Table,
    made: Sequence[Input],
    options: InputOptions,
    difficulty: Any,
    adaptive: Adaptive | Mapping[str, Any] | None = None,
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
        adaptive: settings of the sampler adaptive.

    Raises:
        ConfigError: options contradict each other, or the table lacks what they name.
    """
    there = table.column_names
    by_rows = adaptive is not None and settings_of(Adaptive, adaptive, "adaptive").by == "rows"
    faults = sampling_faults(asked, mode, table.task, there, by_rows=by_rows, difficulty=difficulty is not None)
    if said := [f"{name}: {why}" for name, why in faults]:
        raise ConfigError(f"loader: {'; '.join(said)}")
    rows = values_of(lines["row"])
    given: dict[str, Any] = {"grouping": asked.grouping, "curriculum": asked.curriculum}
    if mode == "group_balanced":
        column = (asked.grouping or Grouping()).column or table.task.group
        given["groups"] = None if column is None else table.column(column).take(places(rows))
    if mode == "curriculum":
        given["difficulty"] = _difficulty(asked, table, rows, difficulty)
    elif difficulty is not None:
        raise ConfigError(f"difficulty is for the sampler 'curriculum', not for {mode!r}")
    if asked.buckets:
        given["lengths"] = _lengths(asked, table, rows, made, options)
    return given


def _lengths(
    asked: SamplingOptions, table: Table, rows: np.ndarray, made: Sequence[Input], options: InputOptions
) -> Lengths:
    seconds = asked.batch_seconds
    tokens = asked.batch_tokens if seconds is None else max(1, int(seconds * MILLISECONDS))
    found = lengths_of(table, rows, made, options, asked.length_column)
    if seconds is not None and found.max(initial=0) > tokens:
        over, longest = int((found > tokens).sum()), int(found.argmax())
        raise ConfigError(
            f"batch_seconds is {seconds:g}, and {counted(over, 'recording')} of the plan {noun(over, 'is', 'are')}"
            f" longer: the longest, row {table.row_ids[rows[longest]]}, lasts {found[longest] / MILLISECONDS:g} s;"
            " raise batch_seconds, or cut recordings off (max_seconds)"
        )
    return Lengths(found, tokens, asked.max_batch, asked.bucket_window, padded_to(made))


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
    values = table.column(column)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise ConfigError(f"curriculum: the column {column!r} must hold numbers, not {values.type}")
    return values_of(values.cast(pa.float64()), np.nan)[rows]
