"""The loader: a torch DataLoader of dicts that draws, reads and changes the same rows whatever runs it."""

from __future__ import annotations

import itertools
import logging
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import distributed
from torch.utils.data import DataLoader

from curate.errors import ConfigError, DataError
from curate.evidence.freed import give_back
from curate.feed import sampler as samplers
from curate.feed.batches import Batches
from curate.feed.cursor import Cursor
from curate.feed.draws import SKIPPED, UNCHANGED, Draw, Skipped
from curate.feed.sampler import Sampler
from curate.feed.sampling.layout import Even
from curate.feed.tensors import pinned
from curate.feed.workers.crew import Crew
from curate.feed.workers.hiring import Hiring
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.feed.device.prefetched import Prefetched

_logger = logging.getLogger("curate.feed")
EMPTY_BATCHES = 10
"""So many batches at the start of an epoch without one row that can be read or augmented are no accident of rows."""


class Requests(samplers.Batches):
    """Batches of a sampler as what workers are asked for: draws with their epoch, so that nothing else decides.

    Raises:
        ConfigError: the sampler is another: Lightning makes batches anew of its own where several processes train.
    """

    def __init__(self, sampler: Any, batch_size: int | None = None, drop_last: bool | None = None) -> None:
        if not isinstance(sampler, Sampler):
            raise ConfigError(
                f"a {type(sampler).__name__} would share out the rows in place of the loader's sampler: in Lightning"
                " take curate.feed.trainers.CuratedDataModule, or Trainer(use_distributed_sampler=False) and"
                " curated.loader(rank=..., world_size=...)"
            )
        super().__init__(sampler)

    def batch(self, epoch: int, positions: np.ndarray, before: np.ndarray | None) -> list[Any]:
        """A list of `Draw`."""
        counts = [0] * len(positions) if before is None else before.tolist()
        return [Draw(epoch, p, c) for p, c in zip(positions.tolist(), counts)]


class Loader(DataLoader):
    """Batches of a plan as dicts of tensors; made by `make_loader`.

    The order follows from seed and epoch, and what happens to a row from seed, epoch, row id, step and copy: the
    batches are the same for any number of workers, and however they are started. An epoch whose last batch was handed
    out is followed by the next, unless `set_epoch` names one, here or of the sampler, as trainers do. A first look at
    the only batch of an epoch (``next(iter(loader))``) does not use the epoch up. `state_dict` counts the batches that
    were handed out, not those that workers have prepared.

    Attributes:
        skipped: row id -> reason, of the rows that could not be read or augmented so far (`on_error` ``skip`` and
            ``replace``), or that ended a worker process.
        replaced: row id -> row id of the row that was last drawn in its place (`on_error` ``replace``).
        unchanged: text operation -> how many texts so far it gave back as they were.
        label_names: the classes in the order of `soft_labels`.
        class_weights: (K,) float32 for the loss, None where there are none; batches do not contain them.
        inputs: the inputs with what was settled for them (size of images, rate of audio, names of features).
    """

    def __init__(
        self,
        dataset: Batches,
        sampler: Sampler,
        label_names: Sequence[str],
        class_weights: Any,
        *,
        hiring: Hiring | None = None,
        pin_memory: bool = False,
    ) -> None:
        self.requests = Requests(sampler)
        self.cursor = Cursor()
        self.skipped: dict[str, str] = {}
        self.replaced: dict[str, str] = {}
        self.hiring = hiring or Hiring()
        self._crew: Crew | None = None
        self._begun = False
        self.unchanged: Counter[str] = Counter()
        self.label_names = list(label_names)
        self.class_weights = None if class_weights is None else np.asarray(class_weights, np.float32)
        self.inputs = dataset.inputs
        # For torch a dataset of items, which `__getitems__` gives as whole batches.
        items: Any = dataset
        super().__init__(
            items, batch_sampler=self.requests, collate_fn=_as_it_is, pin_memory=pin_memory, **self.hiring.for_torch
        )
        self.num_workers = self.hiring.num_workers

    def __getitem__(self, place: Any) -> Any:
        """Nothing: a loader has batches and no rows. Raises TypeError."""
        raise TypeError(
            "a loader gives whole batches, in order (for batch in loader), and is a DataLoader already: it goes into"
            " no other one"
        )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The batches of the epoch, from its start or from where a loaded state stands.

        Raises:
            DataError: a row can't be read or augmented and `on_error` is ``raise``; or none of the first batches can;
                or none of a batch while other ranks wait for theirs.
        """
        sampler = self.requests.sampler
        epoch, start = self.upcoming().begin()
        sampler.cursor.go_to(epoch, start)
        before = len(self.skipped)
        empty = 0
        batches = self._batches()
        for taken, (end, is_last) in enumerate(_with_last(end for _, end in sampler.steps(start))):
            batch = next(batches)
            self._report(batch.pop(SKIPPED, ()))
            self.unchanged.update(batch.pop(UNCHANGED, {}))
            self.cursor.drawn, self.cursor.complete = end, is_last
            if batch["row_id"]:
                empty = -1
                try:
                    yield batch
                except GeneratorExit:  # of a loop that stops early, or counts batches
                    self._say_skipped(before)
                    self.cursor.stop(epoch, behind_only=not taken and not start)
                    raise
                if not self._begun:
                    give_back()  # what opening the set and the first batch left behind
                self._begun = True
            elif sampler.world_size > 1:
                raise DataError(
                    "not one row of a batch could be read, and the other ranks wait for it; the last was"
                    f" {list(self.skipped.items())[-1]}"
                )
            elif empty >= 0:
                empty += 1
                if empty == EMPTY_BATCHES:
                    self._refuse(empty)
        for _ in batches:
            raise AssertionError("more batches than steps")
        self.cursor.finish()
        if empty > 0 and not start:
            self._refuse(empty)
        self._say_skipped(before)

    def _say_skipped(self, before: int) -> None:
        """Warn of the rows that were skipped or replaced since there were `before`."""
        if len(self.skipped) > before:
            row_id, reason = list(self.skipped.items())[-1]
            count = len(self.skipped) - before
            what = "replaced" if row_id in self.replaced else "skipped"
            were = f"{counted(count, 'row')} could not be read or augmented and {noun(count, 'was', 'were')} {what}"
            _logger.warning("%s, %s %s: %s", were, noun(count, "row", "the last of them row"), row_id, reason)

    def _refuse(self, batches: int) -> None:
        row_id, reason = list(self.skipped.items())[-1]
        raise DataError(
            f"not one row of the first {counted(batches, 'batch', 'batches')} could be read or augmented; the last was"
            f" {row_id}: {reason}"
        )

    def _batches(self) -> Iterator[dict[str, Any]]:
        dataset: Any = self.dataset
        # No method of the loader goes to the workers: they would keep it, and so themselves, alive.
        finish = pinned if self.pin_memory else _as_it_is
        if not self.hiring.num_workers:
            for draws in self.requests:
                yield finish(dataset.batch(draws))
            return
        crew = self._crew or self.hiring.crew(dataset, finish)
        if self.hiring.persistent_workers and self._crew is None:
            self._crew = crew
            weakref.finalize(self, crew.close)
        try:
            yield from crew.batches(self.requests)
        finally:
            if not self.hiring.persistent_workers:
                crew.close()

    def prefetch_to(
        self,
        device: Any,
        depth: int = 2,
        dtype: Any = None,
        channels_last: bool = False,
        augment: bool = False,
    ) -> Prefetched:
        """The batches of this loader on a device, copied ahead; see `curate.feed.device.prefetched.Prefetched`.

        With ``pixels="uint8"`` images go there as bytes, a quarter of what float32 would be, and are normalised there.
        """
        from curate.feed.device.prefetched import Prefetched

        return Prefetched(self, device, depth, dtype, channels_last, augment)

    @property
    def _is_accelerate_prepared(self) -> bool:
        """False. What ``accelerator.prepare`` asks first, which would then share out batches of this loader.

        Raises:
            ConfigError: several processes would lose or repeat rows by that; rows in order, all on each process, are
                even for them, and ``gather_for_metrics`` drops what they repeat.
        """
        sampler = self.requests.sampler
        several = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
        if several and (sampler.world_size > 1 or sampler.mode != "sequential" or not isinstance(sampler.layout, Even)):
            raise ConfigError(
                "accelerator.prepare would share out the batches once more, and lose or repeat rows: take"
                " curate.feed.trainers.accelerated(accelerator, curated, batch_size=...) in place of curated.loader,"
                " which draws the share of its process on its device"
            )
        return False

    def close(self) -> None:
        """End workers that are kept from epoch to epoch; the next iteration starts new ones."""
        if self._crew is not None:
            self._crew.close()
            self._crew = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the workers, which can't be sent anywhere."""
        return self.__dict__ | {"_crew": None}

    def _report(self, skipped: Sequence[Skipped]) -> None:
        for row_id, reason, replacement in skipped:
            self.skipped.setdefault(row_id, reason)
            if replacement is not None:
                self.replaced[row_id] = replacement

    @property
    def epoch(self) -> int:
        """The epoch that is handed out, or that the next iteration hands out."""
        return self.cursor.epoch

    def upcoming(self) -> Cursor:
        """Where the next iteration starts, which trainers may have told the sampler alone."""
        if (named := self.requests.sampler.cursor.named) is not None:
            self.cursor.set_epoch(named)
        elif self.cursor.complete:
            self.cursor.finish()
        return self.cursor

    def set_epoch(self, epoch: int) -> None:
        """Hand out this epoch next. Naming the epoch that a loaded state is in the middle of keeps its place."""
        self.requests.sampler.set_epoch(epoch)
        self.cursor.set_epoch(epoch)

    def report(
        self, epoch: int, *, classes: Mapping[str, float] | None = None, rows: Mapping[str, float] | None = None
    ) -> None:
        """Say what training found in an epoch, between epochs, for the sampler ``adaptive`` (see `Sampler.report`)."""
        self.requests.sampler.report(epoch, classes=classes, rows=rows)

    def state_dict(self) -> dict[str, Any]:
        """What was handed out, as plain values: valid on all ranks, for other batch sizes, world sizes and workers."""
        return self.requests.sampler.state_at(self.cursor)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the batch after the last one that was handed out. Raises ConfigError if it is of another plan."""
        self.requests.sampler.load_state_dict(state)
        self.cursor.go_to(int(state["epoch"]), int(state["drawn"]))

    def skip(self, epoch: int, batches: int) -> None:
        """Go on in an epoch behind its first batches, as if they had been handed out; nothing is read for that."""
        self.set_epoch(epoch)
        sampler = self.requests.sampler
        sampler.cursor.go_to(epoch)
        end = max((end for _, end in itertools.islice(sampler.steps(), batches)), default=0)
        self.load_state_dict(sampler.state_at(Cursor(epoch, end)))


def _with_last(ends: Iterable[int]) -> Iterator[tuple[int, bool]]:
    """Each of some numbers, and whether it is the last one."""
    for end, following in itertools.pairwise(itertools.chain(ends, [None])):
        assert end is not None
        yield end, following is None


def _as_it_is(batch: Any) -> Any:
    return batch
