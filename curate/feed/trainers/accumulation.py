"""Gradient accumulation that gives the same step as one large batch, for any weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch import distributed

from curate.errors import ConfigError
from curate.feed.losses.row_loss import RowLoss

Batch = dict[str, Any]


def accumulate(batches: Iterable[Batch], loss: RowLoss, steps: int = 1, report: bool = True) -> Iterator[list[Batch]]:
    """Groups of `steps` batches, each with the entry ``mass``, whose losses add up to that of the group as one batch.

    A loss divides by the sum of its weights. Mean losses of parts with other sums (a short batch, rows without label,
    rare classes) don't average to the mean of the whole; so the sum of all parts is taken first, over all processes
    where ``torch.distributed`` runs, whose DistributedDataParallel is taken to average the gradients. Backward every
    batch of a group as it is, then step::

        for group in accumulate(loader, loss, steps=4):
            for batch in group:
                loss(model(batch["pixel_values"]), batch).backward()
            optimizer.step()
            optimizer.zero_grad()

    Behind the last group the sampler ``adaptive`` is told what `loss` was of each class, or row, over all processes
    (see `curate.feed.trainers.Reporter`); an epoch that is left before its end says nothing.

    Args:
        batches: a loader, or another iterable of its batches.
        loss: of `curate.losses`.
        steps: batches per optimiser step; the last group of an epoch may have fewer.
        report: False where you tell the sampler ``adaptive`` something else, such as the recall on held-out rows.

    Raises:
        ConfigError: `steps` is not a whole number of at least 1; or the sampler adapts, and `loss` was not called.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ConfigError(f"steps must be a whole number of at least 1, not {steps!r}")
    return _groups(batches, loss, steps, report)


def _groups(batches: Iterable[Batch], loss: RowLoss, steps: int, report: bool) -> Iterator[list[Batch]]:
    from curate.feed.trainers.reporting import Reporter

    reporter = Reporter(batches, loss) if report else None
    try:
        if reporter is not None:
            reporter.listen()
        iterator = iter(batches)
        while group := list(islice(iterator, steps)):
            mass, processes = over_processes(sum_of_masses(group, loss))
            yield with_mass(group, mass / processes)
            if reporter is not None:
                reporter.expect()
        if reporter is not None:
            reporter.finish()
    finally:
        if reporter is not None:
            reporter.stop()


def sum_of_masses(group: list[Batch], loss: RowLoss) -> torch.Tensor:
    """What the loss of a group of batches as one batch would be divided by. Raises ConfigError for what is no batch."""
    for batch in group:
        if not isinstance(batch, Mapping):
            raise ConfigError(
                f"a batch must be a dict with 'labels', as curated loaders make it, not a {type(batch).__name__}"
            )
    return torch.stack([loss.mass(batch) for batch in group]).sum()


def with_mass(group: list[Batch], mass: torch.Tensor) -> list[Batch]:
    """The batches of a group with what their losses are to be divided by; 1 where nothing counts."""
    mass = torch.where(mass > 0, mass, torch.ones_like(mass))
    return [batch | {"mass": mass} for batch in group]


def over_processes(mass: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The sum over all processes, and their number."""
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return mass, 1
    if distributed.get_backend() == "nccl":
        mass = mass.to(torch.device("cuda", torch.cuda.current_device()))
    mass = mass.clone()
    distributed.all_reduce(mass)
    return mass, distributed.get_world_size()
