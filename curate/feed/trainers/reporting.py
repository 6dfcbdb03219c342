"""What an epoch said of each class or row, told to the sampler `adaptive` that the next epoch is drawn by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from curate.errors import ConfigError
from curate.feed.fitting.following import Tally, follows
from curate.feed.fitting.processes import gathered, rank_and_world, summed
from curate.feed.losses.row_loss import RowLoss


class Reporter:
    """Counts loss and recall by class (or row) over an epoch and reports them when it ends, summed over processes.

    `curate.feed.trainers.accumulate`, `CuratedDataModule` and `CuratedTrainer` have one that listens to the loss, so
    that nothing is left to do. In another loop it is told of every batch; with a sampler that does not adapt it does
    nothing::

        reporter = Reporter(loader, loss)
        for batch in loader:
            logits = model(batch["pixel_values"])
            loss(logits, batch).backward()
            reporter.add(logits, batch)
            ...
        reporter.finish()

    The losses are those of training: without weights, as the model stood at each step. `finish` and `state_dict` must
    be called on every process, since the sums are made over all of them where ``torch.distributed`` runs, so that all
    report the same. An epoch that is continued from its middle reports what was added since then, and before, if the
    reporter's own state was loaded.

    Args:
        loader: of `curate.loader`, or that loader on a device.
        loss: of `curate.losses`.
    """

    def __init__(self, loader: Any, loss: RowLoss) -> None:
        self._given = loader
        self.loader: Any = getattr(loader, "loader", loader)
        self.loss, self.follows = loss, follows(self.loader)
        self._tally: Tally | None = None
        self._epoch: int | None = None
        self._expected = False
        self._unfinished: dict[str, Any] | None = None
        hear: Any = self._hear
        self._listener: Any = torch.compiler.disable(hear)

    @property
    def counted(self) -> bool:
        """Whether anything was added since the last report."""
        return self._tally is not None

    @property
    def listens(self) -> bool:
        """Whether the loss tells it of every batch by itself."""
        return self.follows is not None and getattr(self.loss, "listener", None) is self._listener

    def listen(self, epoch: int | None = None) -> None:
        """Count what the loss gives with gradients from now on, until `stop`: of this epoch, or the loader's next."""
        if self.follows is not None:
            self.loss.listener = self._listener
            self._tally, self._expected = None, False
            self._epoch = int(self._given.epoch) if epoch is None else epoch
            self._go_on(self._epoch)

    def stop(self) -> None:
        """Listen to the loss no longer."""
        if self.listens:
            self.loss.listener = None

    def expect(self) -> None:
        """The loss must have been called by now: `finish` refuses an epoch in which it never was."""
        self._expected = True

    def _hear(self, losses: torch.Tensor, weights: torch.Tensor, logits: Any, batch: Mapping[str, Any]) -> None:
        """Count (B,) losses of a batch with their weights."""
        self._counting(logits).add(losses, weights, _first(logits), batch)

    @torch.no_grad()
    def add(self, logits: Any, batch: Mapping[str, Any]) -> None:
        """Count a batch of the epoch, unless the loss has told of it; of two outputs, the first is counted for hits."""
        if self.follows is None or self.listens:
            return
        tally = self._counting(logits)
        both: Any = logits
        losses, weights = self.loss.terms(both, batch)
        tally.add(losses, weights, _first(logits), batch)

    def _counting(self, logits: Any) -> Tally:
        if self._epoch is None:
            self._epoch = int(self._given.epoch)
        if self._tally is None:
            self._go_on(self._epoch)
        if self._tally is None:
            self._tally = self._empty()
        tally, device = self._tally, _first(logits).device
        if tally.device != device:
            tally.device, tally.totals, tally.classes = device, tally.totals.to(device), tally.classes.to(device)
        return tally

    def _empty(self) -> Tally:
        return Tally(self.loader.label_names, self.follows, torch.device("cpu"))

    def _go_on(self, epoch: int) -> None:
        """Count on from a loaded state of this epoch; report one of an epoch before, which had no batch left."""
        unfinished, self._unfinished = self._unfinished, None
        if unfinished is None:
            return
        tally = self._empty()
        of, counted = _read(unfinished, tally)
        if rank_and_world()[0] == 0:  # the state is the sum of all processes
            tally.load(counted)
        if of == epoch:
            self._tally = tally
        elif of < epoch:
            tally.report(self.loader, of)

    def finish(self, epoch: int | None = None) -> None:
        """Report the epoch, before the next one begins.

        Args:
            epoch: that the batches were of; the loader's when the first of them was added, if left out.

        Raises:
            ConfigError: nothing was added.
        """
        if self.follows is None:
            return
        tally = self._tally
        if tally is None and (self._expected or not self.listens):
            raise ConfigError(
                "nothing was added in this epoch that could be reported to the sampler 'adaptive': call the loss that"
                " was given here, or add(logits, batch); or pass report=False, and report by yourself"
            )
        if tally is None:  # no batch of the epoch was left for this process; the others wait for its sums
            tally = self._empty()
        tally.report(self.loader, self._of() if epoch is None else epoch)
        self._tally, self._epoch, self._expected = None, None, False

    def _of(self) -> int:
        return int(self.loader.epoch) if self._epoch is None else self._epoch

    def state_dict(self) -> dict[str, Any]:
        """The reports so far and what was counted of an epoch that is not over, over all processes, as plain values for
        a checkpoint; empty where nothing adapts.
        """
        if self.follows is None:
            return {}
        unfinished = self._unfinished
        if unfinished is None and (counted := _over_processes(self._tally or self._empty())) is not None:
            unfinished = {"epoch": self._of(), "tally": counted}
        return {**self.loader.requests.sampler.following.reports.state(), "unfinished": unfinished}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the reports of a checkpoint. Raises ConfigError if it is of something else."""
        if self.follows is None:
            return
        self.loader.requests.sampler.following.load(state)
        self._tally, self._epoch, self._unfinished = None, None, state.get("unfinished")
        if self._unfinished is not None:
            _read(self._unfinished, self._empty())


def _over_processes(tally: Tally) -> dict[str, Any] | None:
    """What was counted on all processes, as plain values; None for nothing."""
    sums = summed(
        torch.cat([torch.tensor([float(tally.drawn)]).double(), tally.totals.cpu(), tally.classes.cpu().flatten()])
    )
    rows = {row_id: pair for own in gathered(tally.rows) for row_id, pair in own.items()}
    if not sums[0]:
        return None
    return {
        "drawn": int(sums[0]),
        "totals": sums[1:3].tolist(),
        "classes": sums[3:].reshape(-1, 3).tolist(),
        "rows": [[row_id, *pair] for row_id, pair in rows.items()],
    }


def _read(unfinished: Any, tally: Tally) -> tuple[int, dict[str, Any]]:
    """The epoch and what `Tally.load` takes. Raises ConfigError for what was not saved of such a tally."""
    try:
        counted = unfinished["tally"]
        pairs = [(float(one), float(hit)) for _, one, hit in counted["rows"]]
        return int(unfinished["epoch"]), {
            "drawn": int(counted["drawn"]),
            "totals": torch.tensor(counted["totals"], dtype=torch.float64).reshape(2),
            "classes": torch.tensor(counted["classes"], dtype=torch.float64).reshape(tally.classes.shape),
            "rows": {
                "row_ids": [str(row[0]) for row in counted["rows"]],
                "values": torch.tensor(pairs, dtype=torch.float64),
            },
        }
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"what was counted of an epoch can't be read from the state: {error}") from error


def _first(logits: Any) -> torch.Tensor:
    return logits[0] if isinstance(logits, tuple) else logits
