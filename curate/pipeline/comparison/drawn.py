"""Augmented draws for a head that learns from embeddings: items are changed as the feed does it, and embedded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curate.augment.recipe import Recipe
from curate.augment.safety.items import READABLE, items, value
from curate.errors import CurateError, DataError
from curate.feed.recipes import Line, Recipes
from curate.pipeline.curated import Curated
from curate.sources import load
from curate.table import Table
from curate.task import Task
from curate.wording import counted, noun

DRAWS = 2
"""Draws of each line that are embedded; epochs take them in turn."""
MOST_ITEMS = 20_000
MOST_BYTES = 1_000_000_000
BLOCK = 128


@dataclass(frozen=True)
class Drawn:
    """Augmented items that are yet to be embedded.

    Attributes:
        table: one row per item; None where there is none.
        place: (DRAWS, m) int64: row of `table` that the line of a plan takes in an epoch (counted round), -1 where it
            stays as it is.
        notes: sentences about what was drawn.
        unseen: step -> why the head sees nothing of it.
    """

    table: Table | None
    place: np.ndarray
    notes: tuple[str, ...] = ()
    unseen: dict[str, str] | None = None


def drawn(result: Curated, lines: pa.Table, valid: np.ndarray) -> Drawn:
    """Draw the lines of a plan by their recipe.

    Args:
        result: of an arm.
        lines: that the head learns from.
        valid: (n,) bool, rows of the result's table that can be embedded.
    """
    place = np.full((DRAWS, lines.num_rows), -1, dtype=np.int64)
    recipes = Recipes.of(lines, result.pipeline.seed)
    if not recipes.any:
        return Drawn(None, place)
    names = dict(zip(result.pipeline.step_names, result.pipeline.steps))
    unseen: dict[str, str] = {}
    if recipes.mixes:
        why = "mix blends pairs of inputs, and the head learns from embeddings of single rows; name a model (--model)"
        unseen |= {name: why for name, step in names.items() if step.name == "mix"}
    planned = recipes.lines(lines)
    modality, why = _modality(result.table.task, [line.recipe for line in planned if line.recipe is not None])
    if modality is None:
        if why:
            unseen |= {name: why for name, step in names.items() if step.kind == "augment" and step.name != "mix"}
        return Drawn(None, place, (), unseen)
    values, left = [], 0
    failed: list[str] = []
    size = 0
    for at, epoch, made in _changed(result, lines, planned, modality, valid):
        if made is None:
            continue
        if isinstance(made, DataError):
            failed.append(str(made))
            continue
        weight = _bytes(made)
        if len(values) >= MOST_ITEMS or size + weight > MOST_BYTES:
            left += 1
            continue
        size += weight
        place[epoch, at] = len(values)
        values.append(made)
    notes = []
    if failed:
        draws, are = counted(len(failed), "augmented draw"), noun(len(failed), "is", "are")
        notes.append(f"{draws} failed and {are} left out, as the loader does, among them {failed[0]}")
    if left:
        draws, stay = counted(left, "further draw"), noun(left, "stays as it is", "stay as they are")
        notes.append(f"{draws} {stay}: too many to embed; a model (--model) takes all")
    return Drawn(_table(values, modality) if values else None, place, tuple(notes), unseen)


def _modality(task: Task, recipes: list[Recipe]) -> tuple[str | None, str]:
    """The modality that is drawn, or None and why the head can't see the draws."""
    wanted = {name for recipe in recipes for stage in recipe.stages for name in stage.operations}
    if not wanted:
        return None, ""
    if len(task.modalities) > 1 or not isinstance(getattr(task, task.modality), str):
        return None, "the head sees augmented draws of one column alone; name a model (--model)"
    if task.modality == "video" and "image" in wanted:
        wanted.add("video")  # operations on images are done to the frames
    if task.modality not in READABLE or task.modality not in wanted:
        return None, f"augmented {task.modality} is not embedded for the head; name a model (--model)"
    if task.embedding is not None:
        return None, f"the head learns from the column {task.embedding!r}, which augmentation does not reach"
    return task.modality, ""


def _changed(
    result: Curated, lines: pa.Table, planned: list[Line], modality: str, valid: np.ndarray
) -> Iterator[tuple[int, int, Any]]:
    """(line, epoch, value) of every draw; None where it comes out as it was, a DataError where an operation failed."""
    rows = lines["row"].to_numpy()
    for start in range(0, len(planned), BLOCK):
        here = [at for at in range(start, min(start + BLOCK, len(planned))) if valid[rows[at]] and planned[at].recipe]
        for at, item in zip(here, _read(result.table, modality, rows[here])):
            for epoch in range(DRAWS):
                yield (
                    at,
                    epoch,
                    None if item is None else _draw(planned[at], modality, item, epoch, result.pipeline.seed),
                )


def _read(table: Table, modality: str, rows: np.ndarray) -> list[Any]:
    """Items of some rows; None for one that can't be read."""
    try:
        return items(table, modality, rows)
    except CurateError:
        found = []
        for row in rows:
            try:
                found += items(table, modality, np.array([row]))
            except CurateError:
                found.append(None)
        return found


def _draw(line: Line, modality: str, item: Any, epoch: int, seed: int) -> Any:
    assert line.recipe is not None
    try:
        made = line.recipe.apply(
            modality, item, seed=seed, epoch=epoch, row_id=line.row_id, copy=line.copy, label=line.label
        )
    except Exception as error:  # whatever an operation of another library raises: the feed skips such a draw, too
        return DataError(f"{line.row_id}: {type(error).__name__}: {error}")
    if made is item or _alike(made, item):
        return None
    return value(modality, made)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return one[1] == other[1] and _alike(one[0], other[0])
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def _bytes(made: Any) -> int:
    if isinstance(made, dict):
        return len(made["bytes"])
    return len(made) if isinstance(made, str) else 8 * np.size(made)


def _table(values: list[Any], modality: str) -> Table:
    return load(
        {modality: values, "id": [f"draw:{i}" for i in range(len(values))]},
        Task.model_validate({"kind": "unlabeled", "id": "id", modality: modality}),
    )
