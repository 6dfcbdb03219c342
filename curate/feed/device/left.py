"""The last image operations of a recipe, left to the device: what was drawn for every row, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from curate.augment.operations.image_transform import Image
from curate.augment.operations.operation import Operation
from curate.augment.recipe import Recipe
from curate.augment.recipe.stage import Listed, Stage

CAN = ("HorizontalFlip", "VerticalFlip", "ColorJitter")
"""Operations that `curate.feed.device.pixels` has, beside `RandomResizedCrop`."""


class Notes(NamedTuple):
    """Stands for an image in a recipe whose operations only say what they would do.

    Attributes:
        shape: (height, width) of the image.
        done: (place in the recipe, operation, what was drawn) so far.
    """

    shape: tuple[int, int]
    done: tuple[tuple[str, str, dict[str, Any]], ...] = ()


class Noted(Operation):
    """An image operation that notes what it would do."""

    modality = "image"

    image: Image
    place: str

    @property
    def by_chance(self) -> bool:
        """See `Image`."""
        return self.image.by_chance

    def at(self, strength: float) -> Noted:
        """That of the operation at a strength."""
        weaker = self.image.at(strength)
        return Noted(image=weaker, place=self.place, p=weaker.p)

    def done(self, item: Notes, key: int | None) -> Notes:
        """With one more note."""
        frame = np.broadcast_to(np.zeros(1, np.uint8), (1, *item.shape, 3))
        _, drawn = self.image.parameters_of(frame, 0 if key is None else key & (2**63 - 1))
        name = self.image.transform
        size = tuple(self.image.parameters["size"]) if name == "RandomResizedCrop" else item.shape
        return Notes(size, (*item.done, (self.place, name, drawn)))


@dataclass(frozen=True)
class Cut:
    """A recipe in two parts.

    Attributes:
        here: what the CPU does.
        left: what the device does, as a recipe of notes; None for nothing.
    """

    here: Recipe
    left: Recipe | None

    @classmethod
    def of(cls, recipe: Recipe, crops: bool) -> Cut:
        """Cut before the first of the last image operations that the device can do, with or without crops."""
        can = (*CAN, "RandomResizedCrop") if crops else CAN
        listed = [(number, one) for number, stage in enumerate(recipe.stages) for one in _images(stage)]
        first = len(listed)
        while first and _possible(listed[first - 1][1].operation, can):
            first -= 1
        if first == len(listed):
            return cls(recipe, None)
        kept = {one.name for _, one in listed[:first]}
        here = tuple(_with(stage, [one for one in _images(stage) if one.name in kept]) for stage in recipe.stages)
        left = tuple(
            _with(stage, [_noted(one) for one in _images(stage) if one.name not in kept], alone=True)
            for stage in recipe.stages
        )
        return cls(Recipe(here, recipe.mixing), Recipe(left, None))


def _images(stage: Stage) -> Sequence[Listed]:
    return stage.operations.get("image", ())


def _possible(operation: Operation, can: Sequence[str]) -> bool:
    return isinstance(operation, Image) and operation.transform in can


def _noted(one: Listed) -> Listed:
    operation: Any = one.operation
    return replace(one, operation=Noted(image=operation, place=one.name.decode(), p=operation.p))


def _with(stage: Stage, images: Sequence[Listed], alone: bool = False) -> Stage:
    """The stage with other image operations."""
    others = {} if alone else {name: listed for name, listed in stage.operations.items() if name != "image"}
    return replace(stage, operations={**others, "image": tuple(images)}, _scaled={})


class Asked(NamedTuple):
    """One operation of some rows of a batch.

    Attributes:
        name: of the operation.
        rows: (m,) int64 places in the batch.
        numbers: (m, k) float32: a crop's box (left, top, right, bottom), or the four factors of a jitter.
        order: (m, 4) int64 order of the jitter's parts; (0, 4) else.
        size: (height, width) that it makes.
    """

    name: str
    rows: np.ndarray
    numbers: np.ndarray
    order: np.ndarray
    size: tuple[int, int]


def asked(notes: Sequence[Notes]) -> list[Asked]:
    """What is to be done to the rows of a batch, in order; rows of one operation together."""
    steps: dict[tuple[str, str], list[tuple[int, Mapping[str, Any]]]] = {}
    for row, note in enumerate(notes):
        for place, name, drawn in note.done:
            steps.setdefault((place, name), []).append((row, drawn))
    found = []
    for (_, name), rows in sorted(steps.items(), key=lambda step: _number(step[0][0])):
        numbers, order = np.zeros((len(rows), 0), np.float32), np.zeros((0, 4), np.int64)
        size = (0, 0)
        if name == "ColorJitter":
            parts = ("brightness", "contrast", "saturation", "hue")
            numbers = np.array([[drawn[part] for part in parts] for _, drawn in rows], np.float32)
            order = np.array([drawn["order"] for _, drawn in rows], np.int64)
        elif name == "RandomResizedCrop":
            numbers = np.array([drawn["crop_coords"] for _, drawn in rows], np.float32)
            size = notes[rows[0][0]].shape
        found.append(Asked(name, np.array([row for row, _ in rows], np.int64), numbers, order, size))
    return found


def _number(place: str) -> tuple[int, int]:
    """Where ``augment[1].image[2].Name`` stands."""
    stage, operation = place.split(".")[:2]
    return int(stage[8:-1]), int(operation[6:-1])


class Left:
    """What a loader leaves to the device.

    Args:
        size: (height, width) of its images.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._cuts: dict[int, tuple[Recipe, Cut]] = {}

    def cut(self, recipe: Recipe) -> Cut:
        """The recipe in two parts; crops are left where the images are larger than what they make."""
        kept = self._cuts.get(id(recipe))
        if kept is None:
            sizes = [
                one.operation.parameters["size"]
                for stage in recipe.stages
                for one in _images(stage)
                if isinstance(one.operation, Image) and one.operation.transform == "RandomResizedCrop"
            ]
            crops = all(tuple(size) != self.size and min(np.subtract(self.size, size)) >= 0 for size in sizes)
            kept = self._cuts[id(recipe)] = (recipe, Cut.of(recipe, crops))
        return kept[1]

    def here(self, line: Any) -> Any:
        """A line of the plan with what is done to it on the CPU."""
        return line if line.recipe is None else replace(line, recipe=self.cut(line.recipe).here)

    def asked(self, lines: Sequence[Any], epoch: int, seed: int) -> list[Asked]:
        """What is to be done on the device to the rows of a batch."""
        notes = []
        for line in lines:
            left = None if line.recipe is None else self.cut(line.recipe).left
            note = Notes(self.size)
            if left is not None:
                place = {"seed": seed, "epoch": epoch, "row_id": line.row_id, "copy": line.copy, "label": line.label}
                note = left.apply("image", note, **place)
            notes.append(note)
        return asked(notes)

    def __getstate__(self) -> dict[str, Any]:
        """Without what each process works out for itself."""
        return {"size": self.size, "_cuts": {}}
