"""A batch on its way between processes: small tensors as plain arrays, large ones as pieces of shared memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from curate.feed.workers.shared import Mapped, Piece, Shared

SMALL_BYTES = 1 << 16
"""A shared file for each smaller tensor would cost more than a copy."""


@dataclass(frozen=True)
class Small:
    """A tensor as an array."""

    array: np.ndarray


def packed(batch: Any, memory: Shared) -> Any:
    """A batch as it is sent."""
    sent: set[int] = set()

    def change(value: Any) -> Any:
        import torch

        if not isinstance(value, torch.Tensor):
            return _each(value, change)
        if value.device.type != "cpu" or value.requires_grad or value.dtype == torch.bfloat16:
            return value
        if value.nbytes < SMALL_BYTES:
            return Small(value.numpy())
        piece = memory.sent(value)
        if piece is None or piece.number in sent:  # of two tensors in one piece torch makes copies
            return value
        sent.add(piece.number)
        return piece

    changed = change(batch)
    memory.settle(sent)
    return changed


def unpacked(batch: Any, memory: Mapped) -> Any:
    """The batch again."""

    def change(value: Any) -> Any:
        import torch

        if isinstance(value, Piece):
            return memory.tensor(value)
        return torch.from_numpy(value.array) if isinstance(value, Small) else _each(value, change)

    return change(batch)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Dicts and lists with their values changed; a list of texts stays."""
    if type(value) is dict:
        return {name: change(one) for name, one in value.items()}
    if type(value) is list and value and not isinstance(value[0], str):
        return [change(one) for one in value]
    return value
