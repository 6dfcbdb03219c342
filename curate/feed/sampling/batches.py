"""Batches: what trainers take for a batch sampler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

_AHEAD = 4096
"""Draws of a rank that are computed together, where batches are smaller."""


class Batches:
    """The batches of a sampler: an iterable of lists of positions, with what trainers ask a batch sampler for."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler
        self.batch_size, self.drop_last = sampler.batch_size, sampler.drop_last

    def set_epoch(self, epoch: int) -> None:
        """See `Sampler.set_epoch`."""
        self.sampler.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """See `Sampler.state_dict`; torchdata's StatefulDataLoader asks for it."""
        return self.sampler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Sampler.load_state_dict`."""
        self.sampler.load_state_dict(state)

    def __len__(self) -> int:
        """Number of batches that this rank makes in an epoch; by tokens it differs from epoch to epoch."""
        return self.sampler.layout.count(self.sampler.epoch)

    def __iter__(self) -> Iterator[list[Any]]:
        """This rank's batches in the epoch."""
        sampler, cursor = self.sampler, self.sampler.cursor
        epoch, start = sampler.begin()
        pending: list[Any] = []
        for step in sampler.rounds(epoch, start):
            pending.append(step)
            if sum(len(step.mine) for step in pending) >= _AHEAD:
                yield from self._together(epoch, pending)
                pending = []
        yield from self._together(epoch, pending)
        cursor.finish()

    def _together(self, epoch: int, steps: Sequence[Any]) -> Iterator[list[Any]]:
        """Some batches whose draws are computed at once."""
        if not steps:
            return
        drawn = self.sampler.draws(epoch, np.concatenate([step.mine for step in steps]))
        end = 0
        for step in steps:
            begin, end = end, end + len(step.mine)
            self.sampler.cursor.drawn = step.drawn
            yield self.batch(epoch, drawn.positions[begin:end], drawn.occurrences[begin:end])

    def batch(self, epoch: int, positions: np.ndarray, before: np.ndarray | None) -> list[Any]:
        """What stands for a batch: here the positions alone."""
        return positions.tolist()
