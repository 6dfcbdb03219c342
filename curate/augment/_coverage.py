"""How many texts each operation of a recipe changes: one that returns what it was given is no augmentation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curate.augment.operations.texts.scripts import script_of
from curate.augment.recipe import Recipe
from curate.randomness import digest

if TYPE_CHECKING:
    from curate.augment.recipe.stage import Listed, Stage
    from curate.table import Table

ENOUGH = 0.95
"""Share of the rows that an operation must change for nothing to be said of it."""
SHORTEST = 6
"""Characters from which on a text gives every operation something to do."""


@dataclass(frozen=True)
class Covered:
    """What one operation does to a sample of rows, each drawn once, as if its probability were 1.

    Attributes:
        place: where it stands in the recipe (``augment[0].text[1].swap_words``).
        operation: its name.
        rows: texts of at least 6 characters that it is for, by their class.
        changed: those that it changes.
        unsuited: those that it leaves unchanged, and that are in a script which it is not for.
        scripts: those scripts, commonest first.
        example: a text that it should have changed and did not, cut to 60 characters; None where there is none.
    """

    place: str
    operation: str
    rows: int
    changed: int
    unsuited: int
    scripts: tuple[str, ...]
    example: str | None

    @property
    def share(self) -> float:
        """The share of the rows that it changes; 1 where there are no rows."""
        return self.changed / self.rows if self.rows else 1.0

    def sentence(self) -> str:
        """What there is to say of it."""
        said = f"{self.place} changes {self.changed} of {self.rows} texts of {SHORTEST} characters or more"
        said += f" ({self.share:.0%})"
        if self.unsuited:
            said += f"; {self.unsuited} are in a script that it is not for ({', '.join(self.scripts)})"
        left = self.rows - self.changed - self.unsuited
        if left:
            said += f"; in {left} it finds nothing to change, such as {self.example!r}"
        return said


def coverage(
    table: Table, recipe: Recipe | str | Sequence[Mapping[str, Any]], rows: int = 200, seed: int = 0
) -> list[Covered]:
    """How many training rows each text operation of a recipe changes, measured on a sample of them.

    Args:
        table: the rows.
        recipe: a `Recipe`, its JSON text as it stands in a plan, or the list of its steps.
        rows: size of the sample; the same rows whatever the order of the table.
        seed: of the draws.

    Returns:
        One `Covered` per text operation, in order; none where the task has no text.

    Raises:
        ConfigError: the recipe can't be read.
    """
    if not isinstance(recipe, Recipe):
        recipe = Recipe.from_json(recipe if isinstance(recipe, str) else json.dumps(list(recipe)))
    listed = [(stage, one) for stage in recipe.stages for one in stage.operations.get("text", ())]
    if table.task.text is None or not listed:
        return []
    chosen = _sample(table, rows)
    texts = table.rows(chosen, [table.task.text])[table.task.text].cast(pa.string()).to_pylist()
    labels = _labels(table, chosen)
    kept = [
        (str(table.row_ids[row]), text, label)
        for row, text, label in zip(chosen.tolist(), texts, labels)
        if text is not None and len(text.strip()) >= SHORTEST
    ]
    return [_covered(stage, one, kept, seed) for stage, one in listed]


def notes(covered: Iterable[Covered], least: float = ENOUGH) -> list[str]:
    """A sentence for each operation that changes a smaller share of the rows."""
    return [f"augment: {one.sentence()}" for one in covered if one.share < least]


def _sample(table: Table, rows: int) -> np.ndarray:
    """Positions of training rows that can be read: those with the smallest hashes of their content."""
    there = np.flatnonzero(table.training & ~table.unreadable)
    order = np.lexsort((table.content[there, 1], table.content[there, 0]))
    return np.sort(there[order[:rows]])


def _labels(table: Table, rows: np.ndarray) -> list[str | list[str] | None]:
    labels = table.labels
    if labels.sets is not None:
        return [[name for name, on in zip(labels.names, labels.sets[row]) if on] for row in rows]
    if not labels.names:
        return [None] * len(rows)
    return [labels.name(int(row)) for row in rows]


def _covered(stage: Stage, one: Listed, kept: list[tuple[str, str, Any]], seed: int) -> Covered:
    operation, changed, count = one.operation, 0, 0
    scripts: dict[str, int] = {}
    example = None
    for row_id, text, label in kept:
        names = set() if label is None else {label} if isinstance(label, str) else set(label)
        if (stage.classes is not None and not stage.classes & names) or not one.concerns(label):
            continue
        count += 1
        drawn = operation.drawn_by(digest("coverage", seed, one.name, row_id), text)
        if operation.apply(text, drawn) != text:
            changed += 1
        elif not getattr(operation, "suits", lambda _: True)(text):
            script = script_of(text) or "no letters"
            scripts[script] = scripts.get(script, 0) + 1
        elif example is None:
            example = text[:60]
    order = sorted(scripts, key=lambda script: (-scripts[script], script))
    place = one.name.decode()
    return Covered(place, operation.name, count, changed, sum(scripts.values()), tuple(order), example)
