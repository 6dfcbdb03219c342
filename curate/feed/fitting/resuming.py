"""What of a fit goes into a checkpoint, and how it goes on from one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.errors import ConfigError
from curate.feed.fitting import checkpoints
from curate.feed.fitting.history import Epoch, best_of
from curate.feed.fitting.processes import gathered, rank_and_world
from curate.feed.fitting.source import itself
from curate.feed.fitting.training import Training
from curate.feed.losses.row_loss import RowLoss
from curate.feed.sampling.fingerprint import targets_key


def save(training: Training) -> None:
    """Write a checkpoint of all processes; the first one writes."""
    settings = training.settings
    tallies = gathered(training.tally.state())
    losses = gathered(training.loss.state_dict())
    if rank_and_world()[0] or settings.folder is None:
        return
    state = {
        "optimizer": training.optimizer.state_dict(),
        "schedule": training.schedule.state_dict(),
        "scaler": None if training.scaler is None else training.scaler.state_dict(),
        "average": None if training.average is None else checkpoints.tensors_of(training.average),
        "loss": losses,
        "tallies": tallies,
    }
    loader = training.loader.state_dict() if hasattr(training.loader, "state_dict") else None
    progress = {
        "settings": _fingerprint(training),
        "step": training.step,
        "epoch": training.epoch,
        "finished": training.finished,
        "reason": training.reason,
        "history": [one.to_dict() for one in training.history],
        "loader": loader,
    }
    checkpoints.save(settings.folder, training.step, training.core, state, progress, settings.keep)
    best = best_of(training.history, settings.monitor, settings.min_delta)
    if best is not None and settings.restore_best:
        checkpoints.forget_best(settings.folder, training.history[best].epoch)


def resume(training: Training, place: Path) -> None:
    """Go on exactly where a checkpoint was taken.

    Raises:
        ConfigError: it is of another model, other settings or other data.
        StorageError: it can't be read.
    """
    model, state, progress = checkpoints.load(place)
    _same(training, place, progress["settings"])
    checkpoints.put_back(training.core, model, str(place))
    training.optimizer.load_state_dict(state["optimizer"])
    training.schedule.load_state_dict(state["schedule"])
    if training.scaler is not None and state["scaler"] is not None:
        training.scaler.load_state_dict(state["scaler"])
    if training.average is not None and state["average"] is not None:
        checkpoints.put_back(training.average, state["average"], str(place))
    rank, world = rank_and_world()
    # With another number of processes the first ones go on with what was counted; sums over all stay the same.
    if len(state["tallies"]) > world:
        raise ConfigError(
            f"{place} was saved by {len(state['tallies'])} processes: go on with at least as many, not with {world}"
        )
    if rank < len(state["tallies"]):
        training.tally.load(state["tallies"][rank])
    training.loss.load_state_dict(state["loss"][min(rank, len(state["loss"]) - 1)])
    training.loss.to(training.device)
    if progress["loader"] is not None:
        if not hasattr(training.loader, "load_state_dict"):
            raise ConfigError(
                f"{place} stands in the middle of a loader's epoch, and these batches can't go on from there (they have"
                " no load_state_dict): pass a curated loader"
            )
        training.loader.load_state_dict(progress["loader"])
    training.step, training.epoch = progress["step"], progress["epoch"]
    training.drawn_out = (progress["loader"] or {}).get("epoch", training.epoch) > training.epoch
    training.history = [Epoch.from_dict(one) for one in progress["history"]]
    training.finished, training.reason = progress["finished"], progress["reason"]
    _best(training, place.parent)


def _fingerprint(training: Training) -> dict[str, Any]:
    """What must be equal for a fit to be gone on with: its settings, its loss, and what the plan says of the rows."""
    lines = getattr(getattr(itself(training.loader), "dataset", None), "plan", None)
    targets = "" if lines is None else targets_key(lines.table)
    return training.settings.fingerprint() | {"loss": _named(training.loss), "targets": targets}


def _named(loss: RowLoss) -> str:
    """A loss with its settings."""
    weights: Any = getattr(loss, "class_weights", None)
    held: dict[str, Any] = {
        name: value for name, value in vars(loss).items() if isinstance(value, bool | int | float | str)
    }
    held["class_weights"] = None if weights is None else weights.tolist()
    said = [f"{name}={value!r}" for name, value in sorted(held.items()) if name[0] != "_" and name != "training"]
    return f"{type(loss).__name__}({', '.join(said)})"


def _same(training: Training, place: Path, then: dict[str, Any]) -> None:
    now = _fingerprint(training)
    changed = [f"{name} was {then.get(name)!r}, is {now.get(name)!r}" for name in now if then.get(name) != now[name]]
    if changed:
        raise ConfigError(
            f"{place} was saved by a fit with other settings ({'; '.join(changed)}): fit into another folder, or pass"
            " resume=False to start anew"
        )


def _best(training: Training, folder: Path) -> None:
    settings = training.settings
    place = best_of(training.history, settings.monitor, settings.min_delta)
    if place is None or not settings.restore_best:
        return
    training.best = checkpoints.load_best(folder, training.history[place].epoch)
