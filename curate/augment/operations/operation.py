"""The contract of an operation: frozen settings, `draw` what to do, then `apply` it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from curate.augment.operations.chance import borrowed, returned
from curate.step import Settings

if TYPE_CHECKING:
    import numpy as np

Drawn = dict[str, Any]
"""What was drawn, as plain values (numbers, text, lists of them): enough to do the same again."""

WORD = 2**64 - 1
SIZED = re.compile(r"(max_(\w+_)?(sigma|change|shift|fraction|percent)|max_shift_\w+|fraction)$")
"""Names of settings that say how much is done at most, and do nothing at 0."""


class Operation(Settings):
    """One seeded change of one item. Its name in a pipeline file is its class's name in snake case.

    `draw` takes all the chance there is; `apply` is a pure function of the item and what was drawn, never changes the
    item that it is given, and keeps its shape convention, dtype and range.
    """

    modality: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = ()
    """Settings that name a file or folder; in a pipeline file they are relative to it."""
    neutral: ClassVar[Mapping[str, float]] = {}
    """Settings that are the operation's magnitude -> the value at which they do nothing; found by their names
    (`_neutral`) where it is left empty."""

    @property
    def by_chance(self) -> bool:
        """Whether it takes any chance but that of its probability; what takes none may be done without a key."""
        return True

    p: float = Field(1.0, ge=0, le=1, description="probability that the operation is done to an item")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """What to do to this item."""
        raise NotImplementedError

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """The item after it was done."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make now what all calls share and keep, so that processes that are forked later have it in common."""

    def drawn_by(self, key: int, item: Any) -> Drawn:
        """`draw` with the generator of a 128-bit key; for operations that need no generator, without making one."""
        # The upper half of the key has already decided whether the operation is done at all.
        numbers = borrowed(key & WORD)
        try:
            return self.draw(numbers.generator, item)
        finally:
            returned(numbers)

    def done(self, item: Any, key: int | None) -> Any:
        """The item after `drawn_by` and `apply`; an operation that draws nothing is done without a key."""
        return self.apply(item, {} if key is None else self.drawn_by(key, item))

    def at(self, strength: float) -> Self:
        """The operation at a strength in [0, 1]: 1 as it is, 0 nothing.

        Its magnitude (every setting of `neutral`) goes that share of the way from the value that does nothing to what
        is set; an operation without a magnitude is done with that share of its probability.
        """
        if strength >= 1.0:
            return self
        neutral = self.neutral or _neutral(self)
        if not neutral:
            return self.altered(p=self.p * strength)
        return self.altered(**{name: toward(v, getattr(self, name), strength) for name, v in neutral.items()})

    def altered(self, **settings: Any) -> Self:
        """This operation with other settings, which are not checked; what it had worked out and kept is forgotten."""
        other = self.model_copy(update=settings)
        kept = vars(other)
        for name in kept.keys() - type(self).model_fields.keys():
            del kept[name]
        return other


def toward(neutral: float, value: Any, strength: float) -> Any:
    """`value` (a number, or lists of them), `strength` of the way from `neutral`; whole numbers stay whole."""
    if isinstance(value, list | tuple):
        return type(value)(toward(neutral, part, strength) for part in value)
    if isinstance(value, Mapping):
        return {key: toward(neutral, part, strength) for key, part in value.items()}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    between = neutral + strength * (value - neutral)
    return round(between) if isinstance(value, int) else between


def _neutral(operation: Operation) -> dict[str, float]:
    """Magnitudes by their names: sizes such as `max_sigma` or `fraction`, and pairs `min_x`, `max_x` around 0 or 1."""
    fields = type(operation).model_fields
    found = {}
    for name in fields:
        value = getattr(operation, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        low = getattr(operation, "min_" + name.removeprefix("max_"), None) if name.startswith("max_") else None
        if low is None:
            if SIZED.fullmatch(name):
                found[name] = 0.0
        elif low <= 0 <= value:
            found |= {name: 0.0, "min_" + name.removeprefix("max_"): 0.0}
        elif low <= 1 <= value:
            found |= {name: 1.0, "min_" + name.removeprefix("max_"): 1.0}
    return found


def seed_of(rng: np.random.Generator) -> int:
    """A drawn 63-bit seed, which stands for an array that would be too long to keep (noise, places in a text)."""
    return int(rng.integers(0, 2**63 - 1))


def named(module: dict[str, Any]) -> dict[str, type[Operation]]:
    """name -> class, of the operations that a module defines (pass its ``globals()``)."""
    return {
        value.name: value
        for value in module.values()
        if isinstance(value, type)
        and issubclass(value, Operation)
        and value.__module__ == module["__name__"]
        and not value.__name__.startswith("_")
    }
