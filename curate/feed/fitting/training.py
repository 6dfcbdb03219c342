"""The training itself: steps, epochs, and the state that checkpoints keep."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from curate.errors import ConfigError, DataError
from curate.feed.fitting import checkpoints
from curate.feed.fitting.following import Tally, follows
from curate.feed.fitting.forward import Forward, call, check_width
from curate.feed.fitting.history import Epoch, Event, best_of
from curate.feed.fitting.optimising import make_autocast, make_average, make_optimizer, make_schedule
from curate.feed.fitting.predictions import Predictions, predict
from curate.feed.fitting.processes import gathered, groups, rank_and_world, wait
from curate.feed.fitting.settings import Settings
from curate.feed.losses.row_loss import RowLoss
from curate.feed.tensors import on_device
from curate.metrics import evaluate
from curate.metrics.given import KINDS
from curate.randomness import digest
from curate.wording import counted, noun, some_of

_logger = logging.getLogger("curate.fit")
_ROWS_NAMED = 8


class Training:
    """A fit under way.

    What dropout and its like draw in a step follows from seed, step and process: nothing that happened before a
    checkpoint needs to be repeated after it.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loader: Any,
        held_out: Callable[[], Any],
        loss: RowLoss,
        kind: str | None,
        names: tuple[str, ...],
        settings: Settings,
        device: torch.device,
        forward: Forward | None,
        callbacks: Sequence[Callable[[Event], Any]],
    ) -> None:
        self.core, self.loader, self.held_out, self.loss = model, loader, held_out, loss
        self.kind, self.names, self.settings, self.device = kind, names, settings, device
        self.forward, self.callbacks = forward, callbacks
        self.per_epoch = _steps_per_epoch(loader, settings.accumulate)
        self.autocast, self.scaler = make_autocast(device, settings.precision)
        self.optimizer = make_optimizer(model, settings)
        self.schedule = make_schedule(self.optimizer, settings, self.total_steps)
        self.average = make_average(model, settings.ema_decay)
        self.model = self._called()
        self.step, self.epoch, self.finished, self.reason = 0, 0, False, ""
        self.drawn_out = False  # whether a checkpoint was taken between an epoch's last step and its end
        self.history: list[Epoch] = []
        self.best: dict[str, torch.Tensor] | None = None
        self.tally = self._tally()
        self._pending: tuple[torch.Tensor, Any, list[str]] | None = None

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole fit, as the schedule sees them."""
        settings = self.settings
        if settings.last_epoch is None or self.per_epoch is None:
            if settings.max_steps is None:
                raise ConfigError("batches without a length need max_steps: the schedule must know where it ends")
            return settings.max_steps
        return min(self.per_epoch * settings.last_epoch, settings.max_steps or 2**62)

    @property
    def judged(self) -> torch.nn.Module:
        """The module that is evaluated and kept: the moving average where there is one."""
        return self.core if self.average is None else self.average.module

    def _called(self) -> torch.nn.Module:
        """The module as it is called in training."""
        asked, called = self.settings.compile, self.core
        if asked is not False:
            compiled: Any = torch.compile(self.core, **({} if asked is True else dict(asked)))
            called = compiled
        if rank_and_world()[1] > 1:
            own = [self.device.index] if self.device.type == "cuda" else None
            return torch.nn.parallel.DistributedDataParallel(called, device_ids=own)
        return called

    def _tally(self) -> Tally:
        return Tally(self.names, follows(self.loader), self.device)

    def run(self) -> None:
        """Train to the end."""
        last = self.settings.last_epoch
        while not self.finished:
            self._train_epoch()
            self.epoch += 1
            if self.reason:
                self.finished = True
            elif last is not None and self.epoch >= last:
                self.finished, self.reason = True, f"{counted(last, 'epoch')} {noun(last, 'was', 'were')} trained"
            self._save()

    def _train_epoch(self) -> None:
        if hasattr(self.loader, "set_epoch") and not self.drawn_out:
            self.loader.set_epoch(self.epoch)
        self.loss.set_epoch(self.epoch)
        self.core.train()
        self.loss.train()
        self._seed()
        stopped = self.step >= (self.settings.max_steps or 2**62)
        batches = iter(()) if stopped or self.drawn_out else iter(self.loader)
        self.drawn_out = False
        for group, counts in groups(batches, self.loss, self.settings.accumulate):
            self._take_step(group, counts)
            stopped = self._after("step")
            if self.step == self.settings.max_steps:
                self.reason = f"max_steps ({self.step}) were made"
            if stopped or self.reason:
                break
            every = self.settings.save_every
            if every is not None and self.step % every == 0:
                self._save()
            self._seed()
        self._check_pending()
        self._end_epoch()

    def _seed(self) -> None:
        """Draw what follows from the step alone."""
        rank, _ = rank_and_world()
        seed = digest("fit", self.settings.seed, self.step, rank)
        torch.manual_seed(seed % 2**63)
        random.seed(seed)
        np.random.seed(seed % 2**32)

    def _take_step(self, group: list[dict[str, Any]], counts: bool) -> None:
        """One optimiser step over a group of batches; one that does not `count` takes part with gradients of 0."""
        settings, parallel = self.settings, self.model is not self.core and rank_and_world()[1] > 1
        values = []
        for number, batch in enumerate(group):
            moved = on_device(batch, self.device)
            last = number == len(group) - 1
            if parallel:
                self.model.require_backward_grad_sync = last  # type: ignore[assignment]
            with self.autocast():
                logits = self._logits(moved)
            one = logits[0] if isinstance(logits, tuple) else logits
            if not self.step and not number:
                check_width(one, self.kind, self.names, self.core)
            losses, weights = self.loss.terms(logits, moved)  # type: ignore[arg-type]
            value = (losses * weights).sum() / moved["mass"].to(losses)
            if counts:
                self.tally.add(losses, weights, one, moved)
                values.append(value.detach())
            else:
                value = value * 0.0
            self._backward(value)
        self._watch(values, group)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if settings.clip_norm is not None:
            trained = [p for p in self.core.parameters() if p.grad is not None]
            torch.nn.utils.clip_grad_norm_(trained, settings.clip_norm)
        self._step_optimizer()

    def _logits(self, batch: dict[str, Any]) -> Any:
        made = call(self.model, self.core, batch, self.forward)
        if self.loss.passes == 2:
            return made, call(self.model, self.core, batch, self.forward)
        return made

    def _backward(self, value: torch.Tensor) -> None:
        (value if self.scaler is None else self.scaler.scale(value)).backward()

    def _step_optimizer(self) -> None:
        skipped = False
        if self.scaler is None:
            self.optimizer.step()
        else:
            before = self.scaler.get_scale()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            skipped = self.scaler.get_scale() < before
        self.optimizer.zero_grad(set_to_none=True)
        if not skipped:
            self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.core)
        self.step += 1

    def _watch(self, values: list[torch.Tensor], group: list[dict[str, Any]]) -> None:
        """See that the losses are finite: on the CPU at once, on a GPU a step later, so that it need not wait."""
        self._check_pending()
        if not values:
            return
        rows = [row_id for batch in group for row_id in batch.get("row_id", ())]
        copied = torch.stack(values).to("cpu", non_blocking=True)
        copying = None
        if self.device.type == "cuda":
            copying = torch.cuda.Event()
            copying.record()
        self._pending = (copied, copying, rows)
        if copying is None:
            self._check_pending()

    def _check_pending(self) -> None:
        if self._pending is None:
            return
        values, copying, rows = self._pending
        self._pending = None
        if copying is not None:
            copying.synchronize()
        if not torch.isfinite(values).all():
            named = some_of(rows, _ROWS_NAMED)
            raise DataError(
                f"the loss is {float(values[~torch.isfinite(values)][0])} in epoch {self.epoch}, near step {self.step};"
                f" the rows of the batch: {named or 'without ids'}. Look at these rows for inputs that are not finite,"
                " lower learning_rate or clip_norm, or take precision='float32'"
            )

    def _after(self, kind: Any, record: Epoch | None = None) -> bool:
        event = Event(kind, self.epoch, self.step, self.core, record)
        for callback in self.callbacks:
            callback(event)
        if event.stopped:
            self.reason = f"a callback stopped it in epoch {self.epoch}"
        return event.stopped

    def predict(self, loader: Any) -> Predictions:
        """Predictions of the module that is kept."""
        given = (self.loss, self.kind, self.device, self.forward, self.autocast, self.names)
        return predict(self.judged, loader, *given)

    def _end_epoch(self) -> None:
        mean, rows = self.tally.mean()
        if not rows:
            raise DataError(
                f"epoch {self.epoch} has no batch to train on: pass a smaller batch_size, or leave drop_last out;"
                " batches of an iterator can be used up, a loader's are made anew in every epoch"
            )
        if math.isnan(mean):
            raise DataError(
                f"not one of the {counted(rows, 'row')} of epoch {self.epoch} counts: every weight is 0, or no row has"
                " a label"
            )
        self.tally.report(self.loader, self.epoch)
        values = self._validated()
        rate = self.optimizer.param_groups[0]["lr"]
        record = Epoch(self.epoch, self.step, mean, rate, values, rows)
        self.history.append(record)
        self.tally = self._tally()
        settings = self.settings
        if values and settings.monitor not in values:
            raise ConfigError(f"there is no metric {settings.monitor!r} to follow; there is {', '.join(values)}")
        place = best_of(self.history, settings.monitor, settings.min_delta)
        if place == len(self.history) - 1 and settings.restore_best:
            self.best = checkpoints.tensors_of(self.judged)
            if settings.folder is not None and not rank_and_world()[0]:
                checkpoints.save_best(settings.folder, self.best, self.epoch)
        _logger.info(
            "epoch %d, step %d: loss %.4g, held-out %s %.4g",
            self.epoch, self.step, mean, settings.monitor, values.get(settings.monitor, math.nan),
        )  # fmt: skip
        self._after("epoch", record)
        since = len(self.history) - 1 - (place or 0)
        if settings.patience is not None and since >= settings.patience and not self.reason:
            self.reason = f"{settings.monitor} has not got better for {counted(since, 'epoch')}"

    def _validated(self) -> dict[str, float]:
        loader = self.held_out()
        if loader is None:
            return {}
        found = self.predict(loader)
        values = {"loss": found.loss}
        if self.kind in KINDS and len(found.row_ids):
            given = {"names": self.names, "resamples": 0} | dict(self.settings.evaluation)
            values |= evaluate(found.labels, found.outputs, self.kind, **given, curves=False).values
        return values

    def _save(self) -> None:
        if self.settings.folder is not None:
            from curate.feed.fitting.resuming import save

            self._check_pending()
            save(self)
            wait()


def _steps_per_epoch(loader: Any, accumulate: int) -> int | None:
    """Optimiser steps of an epoch: those of the process with the most batches, so that all follow one schedule."""
    own = len(loader) if hasattr(loader, "__len__") else None
    most = [one for one in gathered(own) if one is not None]
    return max(1, math.ceil(max(most) / accumulate)) if most else None
