"""Every group equally often: which cells of groups, or of classes and groups, lines stand in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.declared import Declared
from curate.errors import ConfigError
from curate.feed.sampling.classes import Classes, classes_of, coded
from curate.feed.sampling.dealt import Lines

_STRIDE = 1 << 20


class Grouping(Declared):
    """How the sampler `group_balanced` balances.

    Drawing groups equally often, or classes within groups, raises the accuracy on the worst group. Source: Idrissi,
    Arjovsky, Pezeshki, Lopez-Paz 2022, "Simple data balancing achieves competitive worst-group-accuracy".
    """

    column: str | None = Field(
        default=None, description="column of the table that names each row's group; the task's group if left out"
    )
    with_classes: bool = Field(
        default=False,
        description="draw every class of every group equally often, as far as there are rows of both, and not only"
        " every group",
    )


def cells_of(plan: Any, groups: Any, n: int, with_classes: bool) -> Classes:
    """The group of each line, or its class and group; lines without a group are one group more.

    Args:
        plan: for the labels.
        groups: (n,) names of the lines' groups.
        n: lines of the plan.
        with_classes: whether lines are told apart by class as well; those without a label are not drawn then.

    Raises:
        ConfigError: there are no groups, or not one for each line.
    """
    if groups is None:
        raise ConfigError(
            "the sampler 'group_balanced' needs groups, one per line of the plan: name a column of the table"
            " (grouping: {column: ...}), or set the task's group"
        )
    values = groups if isinstance(groups, pa.Array | pa.ChunkedArray) else pa.array(groups, from_pandas=True)
    if len(values) != n:
        raise ConfigError(f"{n} lines in the plan, but {len(values)} groups")
    names, codes = coded(values)
    if not with_classes:
        if not any((codes[start : start + _STRIDE] < 0).any() for start in range(0, n, _STRIDE)):
            return Classes(names, codes, Lines())
        return _renumbered(lambda start, end: _or_last(codes[start:end], len(names)), n, [*names, ""], Lines())
    classes, named = classes_of(plan, "group_balanced"), [*names, ""]

    def cell(start: int, end: int) -> np.ndarray:
        lines, _ = classes.lines.of(np.arange(start, end))
        own = classes.codes[start:end].astype(np.int64)
        return np.where(own < 0, -1, own * len(named) + _or_last(codes[lines], len(names)))

    titles = [f"{name} / {group}" for name in classes.names for group in named]
    return _renumbered(cell, len(classes.codes), titles, classes.lines)


def _or_last(codes: np.ndarray, last: int) -> np.ndarray:
    """(m,) int64 codes, `last` for those below 0."""
    return np.where(codes < 0, last, codes.astype(np.int64))


def _renumbered(cells: Callable[[int, int], np.ndarray], entries: int, titles: Sequence[str], lines: Lines) -> Classes:
    """The cells that occur, numbered anew, from a function that gives those of a stretch of entries (-1 for none)."""
    stretches = [(start, min(entries, start + _STRIDE)) for start in range(0, entries, _STRIDE)]
    seen = [np.unique(cells(*stretch)) for stretch in stretches]
    found = np.unique(np.concatenate([np.zeros(0, np.int64), *seen]))
    found = found[found >= 0]
    codes = np.empty(entries, np.int16 if len(found) < 2**15 else np.int32)
    for start, end in stretches:
        own = cells(start, end)
        codes[start:end] = np.where(own < 0, -1, np.searchsorted(found, own))
    return Classes([str(titles[cell]) for cell in found.tolist()], codes, lines)
