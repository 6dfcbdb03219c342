"""How strongly the operations of a step are done: by epoch and by class."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from curate.declared import Declared

Strength = Annotated[float, Field(ge=0, le=1)]


class Schedule(Declared):
    """An intensity that goes from one value to another over the first epochs, and stays there."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    start: Strength = Field(0.0, alias="from", description="intensity in epoch 0, in [0, 1]")
    end: Strength = Field(1.0, alias="to", description="intensity from epoch `epochs` on, in [0, 1]")
    epochs: int = Field(ge=1, description="epochs from the one to the other")
    form: Literal["linear", "cosine"] = Field("linear", description="in a straight line, or slowly at both ends")

    def at(self, epoch: int) -> float:
        """The intensity in an epoch."""
        done = min(max(epoch, 0) / self.epochs, 1.0)
        if self.form == "cosine":
            done = (1.0 - math.cos(math.pi * done)) / 2.0
        return self.start + (self.end - self.start) * done


def by_rarity(counts: dict[str, int]) -> dict[str, float]:
    """Class -> strength: 1 for the rarest class that has rows, falling with the root of the size; classes without rows
    are left out."""
    sizes = {name: count for name, count in counts.items() if count > 0}
    least = min(sizes.values(), default=1)
    return {name: round(math.sqrt(least / count), 4) for name, count in sizes.items()}
