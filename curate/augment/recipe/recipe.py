"""Recipe: the augment steps of a pipeline as operations, and one call that does them to an item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from curate.augment.mix import Mix
from curate.augment.operations import build
from curate.augment.operations.catalogue import MODALITIES
from curate.augment.operations.operation import Operation
from curate.errors import ConfigError
from curate.randomness import generator


@dataclass(frozen=True)
class Stage:
    """One augment step of a recipe.

    Attributes:
        place: its place among the augment steps, part of the key of its random numbers.
        operations: modality -> operations in order.
        probability: of doing anything to an item.
        classes: names of the classes that it is for, None for all.
        repeated_only: leave the original draws (copy 0) alone.
    """

    place: int
    operations: Mapping[str, tuple[Operation, ...]]
    probability: float
    classes: frozenset[str] | None
    repeated_only: bool

    def concerns(self, label: Any, copy: int) -> bool:
        """Whether a draw with this label (a name, several names, or None) and copy number is for this step at all."""
        if self.repeated_only and copy == 0:
            return False
        if self.classes is None:
            return True
        if label is None:
            return False
        return bool(self.classes & ({label} if isinstance(label, str) else {str(name) for name in label}))


@dataclass(frozen=True)
class Recipe:
    """What the augment steps do to an item, in order.

    Attributes:
        stages: the augment steps.
        mixing: the step that mixes pairs of rows, None if there is none.
    """

    stages: tuple[Stage, ...]
    mixing: Mix | None

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe of that text (a JSON list with one object per augment step); the same text gives the same object.

        Raises:
            ConfigError: the text is no recipe, or names what this installation does not have.
        """
        return _from_json(text)

    def apply(
        self,
        modality: str,
        item: Any,
        *,
        seed: int,
        epoch: int,
        row_id: str,
        copy: int,
        label: str | list[str] | None = None,
    ) -> Any:
        """The item after all operations for its modality; depends on nothing but the arguments.

        Args:
            modality: image, video, text, audio, series or features. A video takes the image operations, each drawn
                once for the whole clip.
            item: image (h, w, 3) uint8; video (t, h, w, 3) uint8; text str; audio a pair of (channels, n) float32 in
                [-1, 1] and the rate in Hz; series (channels, n) or (n,) float32; features (d,) float32. Never changed.
            seed: of the run.
            epoch: number of the epoch.
            row_id: id of the row.
            copy: number of the draw of this row.
            label: name of the row's class (several for multilabel tasks), for steps that are for some classes alone.
        """
        kind = "image" if modality == "video" else modality
        for stage in self.stages:
            operations = stage.operations.get(kind, ())
            if not operations or not stage.concerns(label, copy):
                continue
            step = f"augment[{stage.place}]"
            if stage.probability < 1 and generator(seed, epoch, row_id, step, copy).random() >= stage.probability:
                continue
            for index, operation in enumerate(operations):
                rng = generator(seed, epoch, row_id, f"{step}.{kind}[{index}].{operation.name}", copy)
                if operation.p < 1 and rng.random() >= operation.p:
                    continue
                item = operation.apply(item, operation.draw(rng, item))
        return item


@lru_cache(maxsize=64)
def _from_json(text: str) -> Recipe:
    try:
        steps = json.loads(text) if text else []
    except json.JSONDecodeError as error:
        raise ConfigError(f"the recipe in the plan is no JSON ({error})") from error
    if not isinstance(steps, list) or not all(isinstance(step, dict) and "step" in step for step in steps):
        raise ConfigError("the recipe in the plan must be a list with one object per augment step")
    stages, mixing = [], None
    for place, step in enumerate(steps):
        settings = {key: value for key, value in step.items() if key != "step"}
        if step["step"] == "augment":
            stages.append(_stage(place, settings))
        elif step["step"] == "mix" and mixing is None:
            mixing = Mix(**settings)
        else:
            raise ConfigError(f"the recipe in the plan has the step {step['step']!r}; known: augment, and mix once")
    return Recipe(tuple(stages), mixing)


def _stage(place: int, settings: dict[str, Any]) -> Stage:
    classes = settings.get("classes")
    return Stage(
        place,
        {m: tuple(build(m, spec) for spec in settings[m]) for m in MODALITIES if settings.get(m)},
        float(settings.get("probability", 1.0)),
        None if classes is None else frozenset(classes),
        settings.get("draws", "all") == "repeated",
    )
