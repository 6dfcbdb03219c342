"""Stage: one augment step of a recipe, its operations built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import xxhash

from curate.augment.operations import build
from curate.augment.operations.catalogue import MODALITIES, expand, parse
from curate.augment.operations.operation import Operation
from curate.augment.operations.video import Clip
from curate.augment.recipe.intensity import Schedule

Label = str | list[str] | None


@dataclass(frozen=True)
class Listed:
    """An operation where it stands in a list.

    Attributes:
        operation: the operation.
        name: its place in the recipe.
        only: names of the classes that it is for, None for all.
        never: names of the classes that it is not for.
        strength: of this operation, in [0, 1].
        on_frames: whether it is an operation on images, and of a `Clip` takes the frames.
        p: probability of the operation.
        by_class: whether it is for some classes alone.
        sometimes: whether it is not done to every draw, by its probability or its classes.
        fixed: whether nothing about it is left to chance.
        number: 64 bits of its name, part of the key of its random numbers.
        does: `done`, or what comes to the same and is called with less ado.
    """

    operation: Operation
    name: bytes
    only: frozenset[str] | None
    never: frozenset[str]
    strength: float
    on_frames: bool
    p: float = field(init=False)
    by_class: bool = field(init=False)
    sometimes: bool = field(init=False)
    fixed: bool = field(init=False)
    number: int = field(init=False)
    does: Callable[[Any, int | None], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out what is asked for at every item."""
        p, by_class = self.operation.p, self.only is not None or bool(self.never)
        laid_out = {
            "p": p,
            "by_class": by_class,
            "sometimes": p < 1 or by_class,
            "fixed": not (p < 1 or by_class or self.operation.by_chance),
            "number": number_of(self.name),
        }
        plain = type(self).done is Listed.done and not self.on_frames
        for name, value in (laid_out | {"does": self.operation.done if plain else self.done}).items():
            object.__setattr__(self, name, value)

    def concerns(self, label: Label) -> bool:
        """Whether it may be done to a row of this class; of several classes, each must be one of `only`."""
        names = classes_of(label)
        return not (names & self.never) and (self.only is None or (bool(names) and names <= self.only))

    def meant(self, share: float, label: Label) -> bool:
        """Whether it is done to a draw with a number in [0, 1) and a class."""
        return share < self.p and (not self.by_class or self.concerns(label))

    def done(self, item: Any, key: int | None) -> Any:
        """The item after it, drawn by a 128-bit key, None where it is `fixed`."""
        if self.on_frames and isinstance(item, Clip):
            return item._replace(frames=self.done(item.frames, key))
        return self.operation.done(item, key)


@dataclass(frozen=True)
class Stage:
    """One augment step of a recipe.

    Attributes:
        name: its place among the augment steps.
        operations: modality -> operations in order.
        probability: of doing anything to an item.
        keep_original: share of the draws that are left as they are.
        classes: names of the classes that it is for, None for all.
        repeated_only: leave the original draws (copy 0) alone.
        strengths: class -> strength in [0, 1]; 1 for the others.
        overall: strength of all classes, in [0, 1].
        schedule: intensity over the epochs, None for 1.
    """

    name: bytes
    operations: Mapping[str, tuple[Listed, ...]]
    probability: float
    keep_original: float
    classes: frozenset[str] | None
    repeated_only: bool
    strengths: Mapping[str, float]
    overall: float
    schedule: Schedule | None
    _scaled: dict[tuple[str, float], tuple[Listed, ...]] = field(default_factory=dict)
    alike: bool = field(init=False)
    """Whether all draws are treated alike, whatever their class, copy and epoch."""
    spares: bool = field(init=False)
    """Whether it leaves some draws as they are."""
    number: int = field(init=False)
    """64 bits of its name."""

    def __post_init__(self) -> None:
        """Lay out what is asked for at every item."""
        alike = self.classes is None and not (self.repeated_only or self.strengths or self.schedule)
        object.__setattr__(self, "alike", alike)
        object.__setattr__(self, "spares", self.keep_original > 0 or self.probability < 1)
        object.__setattr__(self, "number", number_of(self.name))

    @classmethod
    def of(cls, place: int, settings: Mapping[str, Any]) -> Stage:
        """The stage of an augment step's settings, as they stand in a plan. Raises ConfigError."""
        name = f"augment[{place}]"
        listed = {m: _listed(name, m, settings) for m in MODALITIES if settings.get(m)}
        strength = settings.get("strength", 1.0)
        classes = settings.get("classes")
        schedule = settings.get("schedule")
        return cls(
            name=name.encode(),
            operations=listed,
            probability=float(settings.get("probability", 1.0)),
            keep_original=float(settings.get("keep_original", 0.0)),
            classes=None if classes is None else frozenset(classes),
            repeated_only=settings.get("draws", "all") == "repeated",
            strengths=strength if isinstance(strength, Mapping) else {},
            overall=1.0 if isinstance(strength, Mapping) else float(strength),
            schedule=None if schedule is None else Schedule.model_validate(schedule),
        )

    def strength(self, label: Label, copy: int, epoch: int) -> float:
        """Of the operations for a draw: intensity times strength, in steps of 0.01; 0 where it is not for this draw.

        Of several classes the one with the largest strength counts.
        """
        if self.repeated_only and copy == 0:
            return 0.0
        if self.classes is not None and not self.classes & classes_of(label):
            return 0.0
        intensity = 1.0 if self.schedule is None else self.schedule.at(epoch)
        own = self.overall
        if self.strengths:
            own = max((self.strengths.get(name, 1.0) for name in classes_of(label)), default=1.0)
        return round(intensity * own, 2)

    def listed(self, modality: str, strength: float) -> tuple[Listed, ...]:
        """The operations for items of a modality, at a strength; none at 0."""
        found = self._scaled.get((modality, strength))
        if found is None:
            own = self.operations.get(modality, ()) if strength else ()
            if modality == "video" and strength:
                own = (*own, *self.operations.get("image", ()))
            clips = modality == "video"
            found = tuple(
                replace(
                    one,
                    operation=one.operation.at(round(strength * one.strength, 2)),
                    on_frames=one.on_frames and clips,
                )
                for one in own
                if one.strength
            )
            self._scaled[modality, strength] = found
        return found


def number_of(name: bytes) -> int:
    """64 bits of a name."""
    return xxhash.xxh3_64_intdigest(name)


def classes_of(label: Label) -> set[str]:
    """The names in a label: none, one, or several."""
    if label is None:
        return set()
    return {label} if isinstance(label, str) else {str(name) for name in label}


def _listed(step: str, modality: str, settings: Mapping[str, Any]) -> tuple[Listed, ...]:
    only, never = settings.get("only") or {}, settings.get("never") or {}
    strengths = settings.get("operation_strength") or {}
    found = []
    for index, spec in enumerate(expand(modality, settings[modality])):
        name, operation = parse(spec)[0], build(modality, spec)
        allowed = frozenset(only[name]) if name in only else None
        key = f"{step}.{modality}[{index}].{name}".encode()
        strength = float(strengths.get(name, 1.0))
        found.append(Listed(operation, key, allowed, frozenset(never.get(name, ())), strength, modality == "image"))
    return tuple(found)
