"""Lightning: a DataModule whose batches know what their losses are divided by."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curate.feed.loader import Loader
from curate.feed.losses.row_loss import RowLoss
from curate.feed.sampling.options import for_held_out
from curate.feed.trainers.accumulation import over_processes, sum_of_masses, with_mass

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule
else:
    # It comes as two packages, and the Trainer of the one does not take the DataModule of the other.
    _NAMES = ("lightning.pytorch", "pytorch_lightning")
    _LOADED = [name for name in _NAMES if name in sys.modules]
    _NAME = _LOADED[0] if _LOADED else next(n for n in _NAMES if importlib.util.find_spec(n.split(".")[0]))
    LightningDataModule = importlib.import_module(_NAME).LightningDataModule


class CuratedDataModule(LightningDataModule):
    """The splits of a curated result for ``Trainer.fit(model, datamodule=...)``.

    Every process takes its own share of the draws, in an order that follows from seed and epoch; Lightning's samplers
    leave it alone. A training step needs one line: ``return self.loss(self(batch["pixel_values"]), batch)``. With
    ``accumulate_grad_batches`` and several processes the step is that of one large batch: each batch says in ``mass``
    what its loss is divided by. A checkpoint holds the loader's place, and training goes on with the draws left.

    Args:
        curated: a result (`curate.open`, `Pipeline.run`).
        loss: that the model uses, of `curate.losses`; ``curated.loss()`` if left out, which the model finds as
            ``self.trainer.datamodule.loss``.
        options: of `curated.loader`, for all splits.
    """

    def __init__(self, curated: Any, loss: RowLoss | None = None, **options: Any) -> None:
        super().__init__()
        self.curated, self.options = curated, options
        self.loss: RowLoss = curated.loss() if loss is None else loss

    def train_dataloader(self) -> Any:
        """Batches with ``mass``."""
        return _Feed(self._loader("train"), self.loss, self.trainer)

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


class _Feed:
    """The batches of a loader as Lightning iterates, resumes and numbers them.

    No DataLoader, so that Lightning does not put a distributed sampler into it.
    """

    def __init__(self, loader: Loader, loss: RowLoss | None, trainer: Any) -> None:
        self.loader, self.loss, self.trainer = loader, loss, trainer
        self.batch_size = loader.requests.batch_size
        self.batch_sampler = self  # whose set_epoch Lightning calls

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = iter(self.loader)
        if self.loss is None:
            yield from batches
            return
        while True:
            # Lightning divides every loss by this number, also those of a last group with fewer batches.
            steps = 1 if self.trainer is None else self.trainer.accumulate_grad_batches
            group = list(islice(batches, steps))
            if not group:
                return
            mass, processes = over_processes(sum_of_masses(group, self.loss))
            yield from with_mass(group, mass / (processes * steps))

    def set_epoch(self, epoch: int) -> None:
        if self.loss is not None:
            self.loader.set_epoch(epoch)
            self.loss.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.loader.load_state_dict(state)
