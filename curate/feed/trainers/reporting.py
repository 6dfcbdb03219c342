"""What an epoch said of each class or row, told to the sampler `adaptive` that the next epoch is drawn by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from curate.errors import ConfigError
from curate.feed.fitting.following import Tally, follows
from curate.feed.losses.row_loss import RowLoss


class Reporter:
    """Counts loss and recall by class (or row) over an epoch and reports them when it ends, summed over processes.

    Does nothing with a sampler that does not adapt, so that it may stand in any loop::

        reporter = Reporter(loader, loss)
        for batch in loader:
            logits = model(batch["pixel_values"])
            loss(logits, batch).backward()
            reporter.add(logits, batch)
            ...
        reporter.finish()

    The losses are those of training: without weights, as the model stood at each step. `finish` must be called on every
    process, since the sums are made over all of them where ``torch.distributed`` runs. An epoch that was continued
    from a state in its middle reports what was added since.

    Args:
        loader: of `curated.loader`, or that loader on a device.
        loss: of `curate.losses`.
    """

    def __init__(self, loader: Any, loss: RowLoss) -> None:
        self.loader: Any = getattr(loader, "loader", loader)
        self.loss, self.follows = loss, follows(self.loader)
        self._tally: Tally | None = None
        self._epoch: int | None = None

    @property
    def counted(self) -> bool:
        """Whether anything was added since the last report."""
        return self._tally is not None

    @torch.no_grad()
    def add(self, logits: Any, batch: Mapping[str, Any]) -> None:
        """Count a batch of the epoch; of losses that take two outputs, the first is counted for hits."""
        if self.follows is None:
            return
        one = logits[0] if isinstance(logits, tuple) else logits
        if self._tally is None:
            self._tally = Tally(self.loader.label_names, self.follows, one.device)
            self._epoch = self.loader.epoch
        both: Any = logits
        losses, weights = self.loss.terms(both, batch)
        self._tally.add(losses, weights, one, batch)

    def finish(self, epoch: int | None = None) -> None:
        """Report the epoch, before the next one begins.

        Args:
            epoch: that the batches were of; the loader's when the first of them was added, if left out.

        Raises:
            ConfigError: nothing was added.
        """
        if self.follows is None:
            return
        if self._tally is None or self._epoch is None:
            raise ConfigError("nothing was added in this epoch that could be reported: call add(logits, batch) in it")
        self._tally.report(self.loader, self._epoch if epoch is None else epoch)
        self._tally = self._epoch = None

    def state_dict(self) -> dict[str, Any]:
        """The reports so far, as plain values, for a checkpoint at the end of an epoch; empty where nothing adapts."""
        return {} if self.follows is None else self.loader.requests.sampler.following.reports.state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the reports of a checkpoint. Raises ConfigError if it is of something else."""
        if self.follows is not None:
            self.loader.requests.sampler.following.load(state)
