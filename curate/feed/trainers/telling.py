"""What the Trainer of transformers calls at epochs and checkpoints, passed on to loss, loader and sampler."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from curate.feed.trainers.loss_state import save_loss
from curate.feed.trainers.resuming import save_place


class Telling(TrainerCallback):
    """Tells the loss which epoch begins and the sampler what one has said, and saves with every checkpoint where the
    loader stands, what the loss has learned and what was reported.

    Attributes:
        epoch: of the Trainer, which counts full ones, while its state's falls behind where batches were left out.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer, self.loss, self.epoch = trainer, trainer.curated_loss, 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by Trainer."""
        each = math.ceil(len(self.trainer.loader) / args.gradient_accumulation_steps)
        self.epoch = state.global_step // max(1, each) - 1

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by Trainer."""
        self.epoch += 1
        self.trainer.loader.set_epoch(self.epoch)
        self.loss.set_epoch(self.epoch)
        if self.trainer._tells:
            self.trainer.reporter.listen(self.epoch)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by Trainer."""
        if self.trainer._tells:
            self.trainer.reporter.finish()
            self.trainer.reporter.stop()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by Trainer, on all processes."""
        reports = self.trainer.reporter.state_dict()
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            save_loss(self.loss, folder)
            save_place(self.trainer.loader.state_dict(), reports, folder)
