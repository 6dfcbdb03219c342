"""Several processes: sums and lists over all of them, and steps in which each takes part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import distributed

from curate.feed.losses.row_loss import RowLoss
from curate.feed.trainers.accumulation import over_processes, sum_of_masses, with_mass


def rank_and_world() -> tuple[int, int]:
    """This process and the number of all; 0 and 1 where ``torch.distributed`` does not run."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def summed(values: torch.Tensor) -> torch.Tensor:
    """The sum over all processes, on the device of the values."""
    return over_processes(values)[0].to(values.device)


def gathered(value: Any) -> list[Any]:
    """The plain values of all processes, in the order of their ranks."""
    _, world = rank_and_world()
    if world == 1:
        return [value]
    found: list[Any] = [None] * world
    distributed.all_gather_object(found, value)
    return found


def wait() -> None:
    """Until every process is here."""
    if rank_and_world()[1] > 1:
        distributed.barrier()


def groups(batches: Iterator[dict[str, Any]], loss: RowLoss, steps: int) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """Groups of batches for one optimiser step, with their ``mass`` over all processes, and whether the group counts.

    As `accumulate`, but a process that has no batch left while others have some takes part with its last batch, which
    does not count: gradients are averaged over all of them, and the others would wait for it for ever.
    """
    last: list[dict[str, Any]] = []
    while rank_and_world()[1] == 1:
        group = list(islice(batches, steps))
        if not group:
            return
        yield with_mass(group, sum_of_masses(group, loss)), True
    while True:
        group = list(islice(batches, steps))
        own = sum_of_masses(group, loss) if group else torch.zeros(())
        both, world = over_processes(torch.stack([own.float(), torch.full_like(own, len(group)).float()]))
        if not both[1]:
            return
        counts = bool(group)
        if not group and not last:
            # Nothing to take part with: the loader refuses such a plan, other iterables should not be dealt out so.
            raise ValueError("this process has no batch at all, and the others wait for it")
        last = group[-1:] or last
        yield with_mass(group or last, both[0] / world), counts
