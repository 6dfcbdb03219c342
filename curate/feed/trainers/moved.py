"""A loader whose batches are on a device already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from curate.feed.loader import Loader


class Moved:
    """The batches of a loader, moved to a device; it resumes, and counts skipped rows, like the loader itself.

    Attributes:
        loader: whose batches they are.
    """

    def __init__(self, loader: Loader, device: torch.device | str) -> None:
        self.loader, self.device = loader, torch.device(device)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The batches of the epoch; tensors move without waiting where their memory is pinned."""
        for batch in self.loader:
            yield {name: self._moved(value) for name, value in batch.items()}

    def _moved(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(self.device, non_blocking=True)
        if isinstance(value, dict):
            return {name: self._moved(one) for name, one in value.items()}
        # Images of several sizes, and the targets of a detection model.
        return [self._moved(one) for one in value] if isinstance(value, list) else value

    def set_epoch(self, epoch: int) -> None:
        """See `Loader.set_epoch`."""
        self.loader.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """See `Loader.state_dict`."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Loader.load_state_dict`."""
        self.loader.load_state_dict(state)

    @property
    def skipped(self) -> dict[str, str]:
        """See `Loader.skipped`."""
        return self.loader.skipped
