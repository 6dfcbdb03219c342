"""Recipe: the augment steps of a pipeline as operations, and one call that does them to an item."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import xxhash

from curate.augment.mix import Mix
from curate.augment.recipe.stage import Listed, Stage, number_of
from curate.errors import ConfigError

KEPT = number_of(b"keep_original")
_hash = xxhash.xxh3_128_intdigest


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
        unchanged: Counter[str] | None = None,
    ) -> Any:
        """The item after all operations for its modality; depends on nothing but the arguments.

        Args:
            modality: image, video, text, audio, series or features. A video takes the video operations, and then the
                image operations, each drawn once for the whole clip.
            item: image (h, w, 3) uint8 or a `Scene`; video (t, h, w, 3) uint8 or a `Clip`; text str; audio a pair of
                (channels, n) float32 in [-1, 1] and the rate in Hz; series (channels, n) or (n,) float32; features
                (d,) float32. Never changed.
            seed: of the run.
            epoch: number of the epoch.
            row_id: id of the row.
            copy: number of the draw of this row.
            label: name of the row's class (several for multilabel tasks), for what is for some classes alone.
            unchanged: counts here, by operation, texts that it gave back as they were.
        """
        row = row_id.encode("utf-8", "surrogatepass")
        draw = _draw(seed, epoch, copy)
        for stage in self.stages:
            listed = stage.listed(modality, stage.overall if stage.alike else stage.strength(label, copy, epoch))
            if (
                stage.spares
                and listed
                and (
                    # The same for all steps: with one share in each of them these draws stay as they are altogether.
                    _share(_hash(row, draw ^ KEPT)) < stage.keep_original
                    or _share(_hash(row, draw ^ stage.number)) >= stage.probability
                )
            ):
                continue
            for one in listed:
                if one.fixed:
                    made = one.does(item, None)
                else:
                    key = _hash(row, draw ^ one.number)
                    if one.sometimes and not one.meant(_share(key), label):
                        continue
                    made = one.does(item, key)
                if unchanged is not None and isinstance(made, str) and made == item:
                    unchanged[one.name.decode()] += 1
                item = made
        return item

    @staticmethod
    def key(one: Listed, seed: int, epoch: int, row_id: str, copy: int) -> int:
        """The 128 bits of one draw of an operation, of which `apply` gives it the lower half to draw from."""
        return _hash(row_id.encode("utf-8", "surrogatepass"), _draw(seed, epoch, copy) ^ one.number)


@lru_cache(maxsize=4096)
def _draw(seed: int, epoch: int, copy: int) -> int:
    """64 bits of what a row's draw is besides the row; with those of an operation they seed the hash of the row."""
    return xxhash.xxh3_64_intdigest(f"{seed} {epoch} {copy}".encode())


def _share(key: int) -> float:
    """A number in [0, 1) from the upper half of a key; operations draw from a generator of the lower half."""
    return (key >> 75) * 2.0**-53


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
            stages.append(Stage.of(place, settings))
        elif step["step"] == "mix" and mixing is None:
            mixing = Mix(**settings)
        else:
            raise ConfigError(f"the recipe in the plan has the step {step['step']!r}; known: augment, and mix once")
    return Recipe(tuple(stages), mixing)
