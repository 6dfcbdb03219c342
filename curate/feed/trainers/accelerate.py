"""Accelerate: each process its own share of the draws, on its device."""

from __future__ import annotations

from typing import Any

from accelerate import Accelerator

from curate.errors import ConfigError
from curate.feed.device.prefetched import Prefetched
from curate.feed.trainers.result import a_result


def accelerated(accelerator: Accelerator, curated: Any, **options: Any) -> Prefetched:
    """The loader of this process of an `Accelerator`, on its device: every row once over all processes.

    ``accelerator.prepare`` leaves it as it is, and refuses training loaders of ``curated.loader`` on several processes,
    where it would lose or repeat rows. To go on behind the first batches of an epoch call
    ``loader.skip(epoch, batches)`` in place of ``accelerator.skip_first_batches``. Held-out rows go through prepare
    (without ``dispatch_batches``), so that all processes have equally many, and ``gather_for_metrics`` drops those that
    were repeated for that::

        held_out = accelerator.prepare(curated.loader(split="validation", batch_size=32))
        for batch in held_out:
            logits, labels = accelerator.gather_for_metrics((model(batch["pixel_values"]), batch["labels"]))

    `accumulate` also tells the sampler ``adaptive`` what the loss was; without it, a `Reporter` does when it is told.
    Its state may be saved with ``accelerator.register_for_checkpointing(loader)``. Gradients are accumulated with
    `accumulate`, and not by the `Accelerator`, which would average losses of unequal weight::

        loader, loss = accelerated(accelerator, curated, batch_size=32), curated.loss().to(accelerator.device)
        for group in accumulate(loader, loss, steps=4):
            for last, batch in zip([False] * (len(group) - 1) + [True], group):
                with contextlib.nullcontext() if last else accelerator.no_sync(model):
                    accelerator.backward(loss(model(batch["pixel_values"]), batch))
            optimizer.step()
            optimizer.zero_grad()

    Args:
        accelerator: whose processes and device they are.
        curated: a result (`curate.open`, `Pipeline.run`).
        options: of `curated.loader`.

    Raises:
        ConfigError: it is no Accelerator, or divides losses by a number of gradient accumulation steps of its own.
    """
    if not hasattr(accelerator, "gradient_accumulation_steps"):
        raise ConfigError(f"accelerator must be an accelerate.Accelerator, not {type(accelerator).__name__}")
    if accelerator.gradient_accumulation_steps != 1:
        raise ConfigError(
            f"the Accelerator divides every loss by its {accelerator.gradient_accumulation_steps} accumulation steps,"
            " which is wrong for batches of unequal weight: leave gradient_accumulation_steps at 1, and take"
            " curate.feed.trainers.accumulate(loader, loss, steps)"
        )
    ranks = {"rank": accelerator.process_index, "world_size": accelerator.num_processes}
    return a_result(curated).loader(**ranks | options).prefetch_to(accelerator.device)
