"""The tensors of a batch, which may lie in mappings and lists (images of several sizes, targets of a detector)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def each_tensor(value: Any, change: Callable[[torch.Tensor], Any]) -> Any:
    """The value with every tensor in it changed, however deep it lies; mappings and lists are made anew."""
    import torch

    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: each_tensor(one, change) for name, one in value.items()}
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return [each_tensor(one, change) for one in value]
    return value


def on_device(value: Any, device: torch.device) -> Any:
    """The value with its tensors on a device; without waiting where their memory is pinned."""
    return each_tensor(value, lambda tensor: tensor.to(device, non_blocking=True))


def pinned(value: Any) -> Any:
    """The value with its tensors in page-locked memory."""
    return each_tensor(value, lambda tensor: tensor.pin_memory())
