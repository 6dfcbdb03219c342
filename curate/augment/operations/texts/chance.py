"""Random choices for a text from one seed, without the cost of making a generator for every text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
MASK = (1 << 64) - 1


class Chance:
    """A stream of choices that the seed alone decides.

    Making a generator of NumPy or Python takes longer than most edits of a sentence; this one is a single number.

    Source: Knuth's linear congruential generator MMIX (The Art of Computer Programming, volume 2), the upper half of
    its 64 bits.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        # Seeds that lie close together must not begin alike.
        seed = (seed ^ (seed >> 32)) * 0xD6E8FEB86659FD93
        self._state = (seed ^ (seed >> 32)) & MASK

    def below(self, count: int) -> int:
        """A whole number in [0, count), for a count below 2 to the 32."""
        self._state = state = (self._state * 6364136223846793005 + 1442695040888963407) & MASK
        return ((state >> 32) * count) >> 32

    def share(self) -> float:
        """A number in [0, 1)."""
        return self.below(1 << 31) / (1 << 31)

    def one(self, options: Sequence[Item]) -> Item:
        """One of the options."""
        return options[self.below(len(options))]

    def places(self, count: int, wanted: int) -> list[int]:
        """Sorted distinct places out of `count`: as many as wanted, or all."""
        if wanted >= count:
            return list(range(count))
        if wanted == 1:
            return [self.below(count)]
        # Floyd's way of sampling: one draw per place, no list of all of them.
        chosen: set[int] = set()
        state = self._state
        for last in range(count - wanted, count):
            state = (state * 6364136223846793005 + 1442695040888963407) & MASK
            place = ((state >> 32) * (last + 1)) >> 32
            chosen.add(last if place in chosen else place)
        self._state = state
        return sorted(chosen)

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in another order (that of Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
