"""The contract of an operation: frozen settings, `draw` what to do, then `apply` it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from curate.step import Settings

if TYPE_CHECKING:
    import numpy as np

Drawn = dict[str, Any]
"""What was drawn, as plain values (numbers, text, lists of them): enough to do the same again."""


class Operation(Settings):
    """One seeded change of one item. Its name in a pipeline file is its class's name in snake case.

    `draw` takes all the chance there is; `apply` is a pure function of the item and what was drawn, never changes the
    item that it is given, and keeps its shape convention, dtype and range.
    """

    modality: ClassVar[str]

    p: float = Field(1.0, ge=0, le=1, description="probability that the operation is done to an item")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """What to do to this item."""
        raise NotImplementedError

    def apply(self, item: Any, drawn: Drawn) -> Any:
        """The item after it was done."""
        raise NotImplementedError


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
