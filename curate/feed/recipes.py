"""The recipes of a plan's lines, and the names and numbers that they are seeded with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import values_of
from curate.augment.mix import Mix, Mixing
from curate.augment.operations.operation import Operation
from curate.augment.recipe import Recipe
from curate.errors import CurateError, DataError
from curate.feed.inputs.input import Input
from curate.randomness import generator


@dataclass(frozen=True)
class Line:
    """What a recipe must know of one draw.

    Attributes:
        row_id: id of the row.
        copy: number of the draw of this row, over repeats in the plan and by the sampler.
        label: name of the class, several for multilabel tasks.
        recipe: what is done to it, None for nothing.
    """

    row_id: str
    copy: int
    label: Any
    recipe: Recipe | None


def recipe_modalities(plan: pa.Table) -> set[str]:
    """The modalities that the recipes of a plan have operations for."""
    return {name for recipe in _recipes(plan) for stage in recipe.stages for name in stage.operations}


def operations_of(plan: pa.Table) -> list[Operation]:
    """The operations of the recipes of a plan."""
    stages = [stage for recipe in _recipes(plan) for stage in recipe.stages]
    return [one.operation for stage in stages for listed in stage.operations.values() for one in listed]


def _recipes(plan: pa.Table) -> list[Recipe]:
    # By the chunk: the plan may be larger than memory.
    texts = {text: None for chunk in plan["recipe"].chunks for text in pc.unique(chunk).to_pylist()}
    return [Recipe.from_json(text) for text in texts if text is not None]


@dataclass(frozen=True)
class Recipes:
    """Carries out the recipes of a plan.

    Attributes:
        seed: of the run.
        copies: largest number of planned draws of one row.
        any: whether any line has a recipe.
        mixes: whether any line is mixed.
    """

    seed: int
    copies: int
    any: bool
    mixes: bool

    @classmethod
    def of(cls, plan: pa.Table, seed: int) -> Recipes:
        """The recipes of that plan. Raises ConfigError for a recipe that can't be read here."""
        recipes = _recipes(plan)
        mixes = any(recipe.mixing is not None for recipe in recipes)
        copies = pc.max(plan["copy"]).as_py() if plan.num_rows else 0
        return cls(seed, (copies or 0) + 1, bool(recipes), mixes)

    def lines(self, plan: pa.Table, occurrences: np.ndarray | None = None) -> list[Line]:
        """What is to know of some lines of the plan; a position that is drawn again counts as a further copy."""
        more = np.zeros(plan.num_rows, np.int64) if occurrences is None else occurrences
        copies = values_of(plan["copy"]) + more * self.copies
        if not self.any:
            return [Line(row_id, copy, None, None) for row_id, copy in zip(plan["row_id"].to_pylist(), copies.tolist())]
        texts = plan["recipe"].cast(pa.string()).to_pylist()
        columns = (plan["row_id"].to_pylist(), copies.tolist(), plan["label"].to_pylist(), texts)
        return [
            Line(row_id, copy, label, None if text is None else Recipe.from_json(text))
            for row_id, copy, label, text in zip(*columns, strict=True)
        ]

    def changed(self, line: Line, modality: Input, item: Any, epoch: int, unchanged: Counter[str] | None = None) -> Any:
        """The item after the recipe of its line; counts texts that an operation gave back as they were.

        Raises:
            DataError: an operation failed.
        """
        recipe = line.recipe
        if recipe is None:
            return item

        def change(part: Any, role: str = modality.modality) -> Any:
            return recipe.apply(
                role,
                part,
                seed=self.seed,
                epoch=epoch,
                row_id=line.row_id,
                copy=line.copy,
                label=line.label,
                unchanged=unchanged,
            )

        try:
            return modality.augment(item, change)
        except CurateError:
            raise
        except Exception as error:  # whatever an operation of another library raises: name the row it failed on
            raise DataError(f"augmenting row {line.row_id} failed: {type(error).__name__}: {error}") from error

    def mixing(
        self, line: Line, epoch: int, positions: int, shape: tuple[int, ...] | None
    ) -> tuple[Mix, Mixing] | None:
        """What is mixed into a draw, None where it stays as it is."""
        mix = None if line.recipe is None else line.recipe.mixing
        if mix is None:
            return None
        drawn = mix.draw(generator(self.seed, epoch, line.row_id, "mix", line.copy), positions, shape)
        return None if drawn.idle else (mix, drawn)

    def first_lines(self, plan: pa.Table, count: int) -> pa.Table:
        """The first lines with a recipe, or the first of all where none has one."""
        augmented = plan.filter(pc.is_valid(plan["recipe"]))
        return (augmented if augmented.num_rows else plan).slice(0, count)

    def sample(self, plan: pa.Table, place: int, modality: Input, item: Any) -> Any:
        """The item of one line after its recipe, to see what shape it gets."""
        return self.changed(self.lines(plan.slice(place, 1))[0], modality, item, epoch=0)
