"""Going on from a checkpoint of transformers' Trainer at the loader's own place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import transformers.trainer as trainer_module

from curate.errors import ConfigError
from curate.feed.loader import Loader

PLACE, REPORTS = "curate_loader.json", "curate_reports.json"


class Resuming:
    """What a checkpoint says of loader and reports, and how the Trainer's first epoch begins there.

    The Trainer skips batches with a DataLoader of Accelerate's making, which has the rows, but neither the workers of
    the loader nor its place. So while it trains, a loader of ours goes there by itself, and is iterated like in any
    other epoch.

    Attributes:
        reports: state of the reporter; None without a checkpoint, and where nothing adapts.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.reports = None if folder is None else _read(folder / REPORTS)
        self._place = None if folder is None else _read(folder / PLACE)

    @contextmanager
    def skipping(self, epoch: Any) -> Iterator[None]:
        """Loaders of ours go to their place by themselves; `epoch` tells which one begins."""
        module: Any = trainer_module
        theirs = module.skip_first_batches

        def skipped(dataloader: Any, num_batches: int = 0) -> Any:
            if not isinstance(dataloader, Loader):
                return theirs(dataloader, num_batches)
            place = self._place
            # Where the epoch has other batches than the Trainer counts (another batch size), its count decides.
            if place is not None and place.get("epoch") == epoch() and place.get("drawn"):
                dataloader.load_state_dict(place)
            else:
                dataloader.skip(epoch(), num_batches)
            return dataloader

        module.skip_first_batches = skipped
        try:
            yield
        finally:
            module.skip_first_batches = theirs


def save_place(place: Mapping[str, Any], reports: Mapping[str, Any], folder: Path) -> None:
    """Write the states of loader and reporter into a checkpoint; of the reporter nothing where nothing adapts."""
    (folder / PLACE).write_text(json.dumps(place), encoding="utf-8")
    if reports:
        (folder / REPORTS).write_text(json.dumps(reports), encoding="utf-8")


def _read(file: Path) -> dict[str, Any] | None:
    """What was saved; None where nothing was. Raises ConfigError if it can't be read."""
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{file} can't be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{file} holds {type(found).__name__}, not a state: take another checkpoint")
    return found
