"""Layouts: how the draws of an epoch, in their order, become the batches of every rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np


class Step(NamedTuple):
    """One batch of a rank, while the other ranks have theirs.

    Attributes:
        mine: (m,) int64 numbers of this rank's draws.
        drawn: how many draws of the epoch all ranks have used after it.
    """

    mine: np.ndarray
    drawn: int


class Place(NamedTuple):
    """Where an epoch stands: which of its draws were used.

    Attributes:
        reached: all draws from this number on are left.
        left: (m,) int64 sorted numbers of the draws before that are left as well.
    """

    reached: int
    left: np.ndarray

    @classmethod
    def at(cls, drawn: int) -> Place:
        """So many draws were used, and they were the first ones."""
        return cls(drawn, np.zeros(0, np.int64))

    @property
    def drawn(self) -> int:
        """How many draws were used."""
        return self.reached - len(self.left)


class Standing(NamedTuple):
    """Where an epoch stands, and how the layout that brought it there goes on in the same batches.

    Attributes:
        place: which draws were used.
        window: where the stretch of draws began that was being made into batches; the place itself where none was.
        rounds: how many of its batches per rank were made.
    """

    place: Place
    window: Place
    rounds: int

    @classmethod
    def at(cls, place: Place) -> Standing:
        """At a place, in the middle of nothing."""
        return cls(place, place, 0)


class Layout(Protocol):
    """Makes batches of draws."""

    def steps(self, epoch: int, standing: Standing) -> Iterator[Step]:
        """The batches of this rank from where an epoch stands."""
        ...

    def count(self, epoch: int) -> int:
        """Number of batches that this rank makes in an epoch."""
        ...


@dataclass(frozen=True)
class Even:
    """Batches of equal size, a prefix of the order behind every step.

    Attributes:
        n: draws of an epoch.
        batch_size: per rank.
        rank: whose batches they are.
        world_size: number of ranks.
        drop_last: leave out draws that don't fill a batch on every rank.
        pad: go on behind the last draw until they do.
    """

    n: int
    batch_size: int
    rank: int
    world_size: int
    drop_last: bool = False
    pad: bool = False

    @property
    def step(self) -> int:
        """Draws of a full step over all ranks."""
        return self.world_size * self.batch_size

    @property
    def total(self) -> int:
        """Draws of an epoch with those that are made twice."""
        return -(-self.n // self.step) * self.step if self.pad else self.n

    def end(self, start: int) -> int:
        """Behind the last draw of an epoch that starts or goes on at `start`."""
        if start >= self.n:
            return start
        return start + (self.total - start) // self.step * self.step if self.drop_last else self.total

    def steps(self, epoch: int, standing: Standing) -> Iterator[Step]:
        """See `Layout`."""
        return self.from_draw(standing.place.drawn)

    def from_draw(self, start: int) -> Iterator[Step]:
        """The batches of this rank from a draw on."""
        end = self.end(start)
        while start < end:
            left = end - start
            take = min(left, self.step)
            if self.step < left < self.step + self.world_size and self.batch_size > 1:
                # The rest would be too little to give every rank one draw: let this step leave them one each.
                take = left - self.world_size
            if self.rank < take:
                yield Step(np.arange(start + self.rank, start + take, self.world_size), start + take)
            start += take

    def count(self, epoch: int = 0) -> int:
        """See `Layout`."""
        full, rest = divmod(self.n, self.step)
        if self.drop_last:
            return full
        # With more than one row per batch a full step lends a small rest the draws that it lacks.
        everywhere = self.pad or rest >= self.world_size or (full and self.batch_size > 1)
        return full + int(rest > 0 and bool(everywhere or self.rank < rest))

    def draws(self) -> int:
        """Number of draws that this rank makes in an epoch."""
        if self.drop_last or self.pad:
            return self.end(0) // self.step * self.batch_size
        return len(range(self.rank, self.n, self.world_size))
