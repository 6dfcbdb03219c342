"""Ray Train: inside a worker's training function, that worker's share of the draws, on its device."""

from __future__ import annotations

from typing import Any

import ray.train
import ray.train.torch

from curate.feed.device.prefetched import Prefetched
from curate.feed.trainers.result import a_result


def worker_loader(curated: Any, **options: Any) -> Prefetched:
    """The loader of this Ray Train worker, to be called in the function that a `TorchTrainer` runs.

    Each worker opens the result itself (``curate.open(folder)``, on storage that all reach) and draws its own share:
    neither ``datasets=`` of the trainer nor ``prepare_data_loader``, which would shuffle or share out once more.
    `curate.feed.trainers.accumulate` sums over the workers, and tells the sampler ``adaptive`` what the loss was. Save
    ``loader.state_dict()`` with the checkpoint; it is plain values, and valid for any number of workers.

    Args:
        curated: a result (`curate.open`).
        options: of `curated.loader`.
    """
    context = ray.train.get_context()
    device = ray.train.torch.get_device()
    ranks = {"rank": context.get_world_rank(), "world_size": context.get_world_size()}
    return a_result(curated).loader(**ranks | options).prefetch_to(device)
