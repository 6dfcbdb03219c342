"""Training rows drawn as a run draws them, and what was drawn: the lines of a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from curate.augment.operations.video import Clip
from curate.augment.recipe import Recipe
from curate.augment.recipe.stage import Listed
from curate.augment.safety.items import items
from curate.errors import DataError
from curate.media import video
from curate.media.payload import read_bytes
from curate.report.augmentation import SheetDraw, SheetRow
from curate.report.plain import one_line
from curate.table import Table

FRAMES = 6
MOST_SECONDS = 10.0
"""Sounds are looked at from their beginning up to here."""
MOST_VALUES = 4
"""Of what was drawn for an operation, as many values are named."""

Told = list[tuple[Listed, Mapping[str, Any], bool]]
"""Operations that were done to an item, in order: which, what was drawn, and whether it changed anything."""


@dataclass(frozen=True)
class _Watched(Listed):
    """An operation that tells what it did."""

    told: Told = field(default_factory=list)

    def done(self, item: Any, key: int) -> Any:
        """The item after it."""
        if self.on_frames and isinstance(item, Clip):
            return super().done(item, key)  # comes back here with the frames
        drawn = self.operation.drawn_by(key, item)
        made = self.operation.apply(item, drawn)
        self.told.append((self, drawn, not alike(item, made)))
        return made


class Drawing:
    """Draws rows by a recipe and tells what was done.

    Args:
        recipe: of the augment steps.
        seed: of the run.
    """

    def __init__(self, recipe: Recipe, seed: int) -> None:
        self._told: Told = []
        stages = tuple(
            replace(
                stage,
                operations={m: tuple(self._watched(one) for one in listed) for m, listed in stage.operations.items()},
                _scaled={},
            )
            for stage in recipe.stages
        )
        self._recipe, self._seed = Recipe(stages, None), seed
        self.copy = int(any(stage.repeated_only for stage in stages))
        """The draws that are shown: of extra copies, where a step leaves the first ones alone."""

    def _watched(self, one: Listed) -> _Watched:
        return _Watched(one.operation, one.name, one.only, one.never, one.strength, one.on_frames, told=self._told)

    def draw(self, modality: str, item: Any, row_id: str, label: Any, epoch: int) -> tuple[Any, SheetDraw]:
        """The item as that epoch draws it, and what was done."""
        self._told.clear()
        made = self._recipe.apply(
            modality, item, seed=self._seed, epoch=epoch, row_id=row_id, copy=self.copy, label=label
        )
        said = [_said(*one) for one in self._told]
        return made, SheetDraw(epoch=epoch, changed=not alike(item, made), done=said)


def line(drawing: Drawing, table: Table, row: int, modality: str, item: Any, epochs: int) -> tuple[SheetRow, list[Any]]:
    """A line of the contact sheet: the row and its draws in the first epochs."""
    label, row_id = label_of(table, row), str(table.row_ids[row])
    drawn = [drawing.draw(modality, item, row_id, label, epoch) for epoch in range(epochs)]
    shown = table.labels.name(row)
    said = SheetRow(
        row=row,
        row_id=row_id,
        label=None if shown is None else one_line(shown, 200),
        modality=modality,
        draws=[draw for _, draw in drawn],
    )
    return said, [made for made, _ in drawn]


def alike(one: Any, other: Any) -> bool:
    """Whether two items are the same."""
    if isinstance(one, tuple):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other))
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return one is other or one == other


def label_of(table: Table, row: int) -> str | list[str] | None:
    """The row's class as a recipe takes it: a name, several for a multilabel task, or None."""
    labels = table.labels
    if labels.sets is not None:
        return [name for name, on in zip(labels.names, labels.sets[row]) if on]
    return labels.name(row) if labels.names else None


def read_item(table: Table, modality: str, row: int) -> Any:
    """The item of a row as operations take it; of a video a few frames, of a sound its beginning.

    Raises:
        DataError: it can't be read.
    """
    if modality == "video":
        column = table.task.video or ""
        value = table.rows([row], [column])[column].to_pylist()[0]
        return video.decode(read_bytes(value, table.root), FRAMES, between=False).frames
    item = items(table, modality, np.array([row]))[0]
    if modality == "audio":
        samples, rate = item
        return samples[:, : int(MOST_SECONDS * rate)], rate
    if modality == "text" and not item:
        raise DataError("there is no text")
    if modality == "features" and item.ndim != 1:
        raise DataError("there is no vector")
    return item


def by_content(table: Table, among: np.ndarray) -> np.ndarray:
    """Positions of the rows of a mask, those with the smallest hashes of their content first."""
    rows = np.flatnonzero(among)
    return rows[np.lexsort((table.content[rows, 1], table.content[rows, 0]))]


def spread(table: Table, among: np.ndarray) -> np.ndarray:
    """Positions of the rows of a mask, one of each class by turns; within a class by the hash of their content."""
    rows, labels = by_content(table, among), table.labels
    codes = labels.codes[rows] if labels.sets is None else np.where(labels.known[rows], labels.sets[rows].argmax(1), -1)
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], codes[order], side="left")
    turn = np.empty(len(rows), np.int64)
    turn[order] = np.arange(len(rows)) - ends
    return rows[np.argsort(turn, kind="stable")]


def _said(one: Listed, drawn: Mapping[str, Any], changed: bool) -> str:
    """An operation with what was drawn for it, in words; seeds of whole arrays say nothing to a reader."""
    parts = [f"{key} {_short(value)}" for key, value in drawn.items() if key != "seed" and value not in ([], {}, None)]
    text = one.name.decode().rsplit(".", 1)[-1]
    text += f": {', '.join(parts[:MOST_VALUES])}" if parts else ""
    return one_line(text if changed else f"{text} (changes nothing)", 160)


def _short(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Sequence | np.generic):
        return str(value)
    if isinstance(value, str):
        return value if len(value) <= 40 else value[:39] + "…"
    if isinstance(value, Sequence):
        shown = " ".join(_short(one) for one in value[:MOST_VALUES])
        return shown + (" …" if len(value) > MOST_VALUES else "")
    return f"{value:.3g}" if isinstance(value, float) else str(value)
