"""Lightning: a DataModule whose batches know what their losses are divided by."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import torch

from curate.feed.cursor import Cursor
from curate.feed.fitting.processes import rank_and_world
from curate.feed.loader import Loader
from curate.feed.losses.row_loss import RowLoss
from curate.feed.sampling.options import for_held_out
from curate.feed.trainers.accumulation import over_processes, sum_of_masses, with_mass
from curate.feed.trainers.reporting import Reporter
from curate.feed.trainers.result import a_result

if TYPE_CHECKING:
    from pytorch_lightning import Callback, LightningDataModule
else:
    # It comes as two packages, and the Trainer of the one does not take the DataModule of the other.
    _NAMES = ("lightning.pytorch", "pytorch_lightning")
    _LOADED = [name for name in _NAMES if name in sys.modules]
    _NAME = _LOADED[0] if _LOADED else next(n for n in _NAMES if importlib.util.find_spec(n.split(".")[0]))
    LightningDataModule = importlib.import_module(_NAME).LightningDataModule
    Callback = importlib.import_module(_NAME).Callback


class CuratedDataModule(LightningDataModule):
    """The splits of a curated result for ``Trainer.fit(model, datamodule=...)``.

    Every process takes its own share of the draws, in an order that follows from seed and epoch; Lightning's samplers
    leave it alone. A training step needs one line: ``return self.loss(self(batch["pixel_values"]), batch)``. With
    ``accumulate_grad_batches`` and several processes the step is that of one large batch: each batch says in ``mass``
    what its loss is divided by. A checkpoint holds the loader's place, and training goes on with the batch behind the
    last one that was handed out. Lightning saves no gradients: after a checkpoint between two batches of an accumulated
    step (``val_check_interval`` that is no multiple of ``accumulate_grad_batches``) that one step lacks the batches
    before it, while the others of it count as much as they would have. With ``overfit_batches`` all epochs are alike.

    The sampler ``adaptive`` is told at the end of every epoch what `loss` was of each class, or row, over all
    processes; what it was told, and what was counted of an epoch that is not over, is saved with every checkpoint.

    Args:
        curated: a result (`curate.open`, `Pipeline.run`).
        loss: that the model uses, of `curate.losses`; ``curated.loss()`` if left out, which the model finds as
            ``self.trainer.datamodule.loss``.
        report: False where you tell the sampler ``adaptive`` something else
            (``self.trainer.datamodule.loader.report(epoch, ...)``).
        options: of `curated.loader`, for all splits.
    """

    def __init__(self, curated: Any, loss: RowLoss | None = None, report: bool = True, **options: Any) -> None:
        super().__init__()
        self.curated, self.options = a_result(curated), options
        self.loss: RowLoss = curated.loss() if loss is None else loss
        self._tells = report
        self._reporter: Reporter | None = None
        self._reports: dict[str, Any] = {}

    def train_dataloader(self) -> Any:
        """Batches with ``mass``."""
        # Of a checkpoint, or of the loader before (`reload_dataloaders_every_n_epochs`).
        reports = self._reports if self._reporter is None else self._reporter.state_dict()
        self.loader = self._loader("train")
        reporter = self._reporter = Reporter(self.loader, self.loss)
        if reports:
            reporter.load_state_dict(reports)
        if not self._tells or self.trainer is None or reporter.follows is None:
            return _Feed(self.loader, self.loss, self.trainer)
        callbacks: Any = self.trainer.callbacks  # pyright: ignore[reportAttributeAccessIssue]
        callbacks[:] = [_Telling(reporter), *(one for one in callbacks if not isinstance(one, _Telling))]
        return _Feed(self.loader, self.loss, self.trainer, reporter)

    def state_dict(self) -> dict[str, Any]:
        """What was reported and counted so far: Lightning keeps the loader's own state only within an epoch."""
        return {} if self._reporter is None else self._reporter.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the reports of a checkpoint."""
        self._reports, self._reporter = state_dict, None

    def val_dataloader(self) -> Any:
        """Batches of the split ``validation``, in order; none where there is no such split."""
        return self._held_out("validation")

    def test_dataloader(self) -> Any:
        """Batches of the split ``test``, in order."""
        return self._held_out("test")

    def predict_dataloader(self) -> Any:
        """As `test_dataloader`."""
        return self._held_out("test")

    def _held_out(self, split: str) -> Any:
        if split not in self.curated.plan["split"].cast(pa.string()).unique().to_pylist():
            return []
        return _Feed(self._loader(split), None, self.trainer)

    def _loader(self, split: str) -> Loader:
        options = dict(self.options) if split == "train" else for_held_out(self.options)
        ranks: dict[str, Any] = {}
        if self.trainer is not None:
            ranks = {"rank": self.trainer.global_rank, "world_size": self.trainer.world_size}
            if self.trainer.strategy.root_device.type == "cuda":
                ranks["pin_memory"] = True
        return self.curated.loader(**ranks | options | {"split": split})


class _Telling(Callback):
    """Tells the sampler what an epoch has said, before anything is saved at its end."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Called by Lightning."""
        self.reporter.expect()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Called by Lightning."""
        self.reporter.finish()
        self.reporter.stop()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Called by Lightning."""
        self.reporter.stop()


class _Feed:
    """The batches of a loader as Lightning iterates, resumes and numbers them.

    No DataLoader, so that Lightning does not put a distributed sampler into it. The batches of an optimiser step are
    taken together, since each must know the mass of all; the state is that behind the one that was handed out last.
    """

    def __init__(self, loader: Loader, loss: RowLoss | None, trainer: Any, reporter: Reporter | None = None) -> None:
        self.loader, self.loss, self.trainer, self.reporter = loader, loss, trainer, reporter
        self.batch_size = loader.requests.batch_size
        self.sampler = self.batch_sampler = self  # whose set_epoch Lightning calls, of one or the other
        self._at: Cursor | None = None  # behind the batch handed out last; None before the first and behind the last
        self._done = 0
        self._begun: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self.reporter is not None:
            self.reporter.listen()
        if not self.loader.cursor.resumes:
            self._done, self._begun = 0, None
        self._at, epoch = None, self.loader.upcoming().epoch
        batches = iter(self.loader)
        if self.loss is None:
            yield from batches
            return
        while pulled := self._group(batches):
            steps, begun = self._steps(), self._begun
            group = [batch for batch, _ in pulled]
            if begun is not None and begun["steps"] == steps:
                # The batches before a checkpoint were scaled by this; what is left must be, too.
                mass = torch.tensor(begun["mass"])
            else:
                mass, _ = over_processes(sum_of_masses(group, self.loss))
            # Lightning divides every loss by `steps`, also those of a last group with fewer batches.
            for batch, (_, end) in zip(with_mass(group, mass / (rank_and_world()[1] * steps)), pulled):
                self._at, self._done = Cursor(epoch, end), self._done + 1
                self._begun = {"steps": steps, "mass": mass} if self._done % steps else None
                yield batch
            self._begun = None
        self._at = None

    def _steps(self) -> int:
        return 1 if self.trainer is None else self.trainer.accumulate_grad_batches

    def _group(self, batches: Iterator[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
        """The batches up to the next step of the optimiser, and where the loader stands behind each.

        Lightning counts from the start of the epoch, also where a checkpoint has used a part of a group.
        """
        steps = self._steps()
        return [(batch, self.loader.cursor.drawn) for batch in islice(batches, steps - self._done % steps)]

    def set_epoch(self, epoch: int) -> None:
        if self.loss is not None:
            # Who overfits wants the same batches again and again.
            overfits = self.trainer is not None and self.trainer.overfit_batches
            self.loader.set_epoch(0 if overfits else epoch)
            self.loss.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        at = self.loader.cursor if self._at is None else self._at
        begun = None if self._begun is None else self._begun | {"mass": float(self._begun["mass"])}
        return self.loader.requests.sampler.state_at(at) | {"batches": self._done, "begun": begun}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.loader.load_state_dict(state)
        self._at, self._done, self._begun = None, int(state.get("batches", 0)), state.get("begun")
