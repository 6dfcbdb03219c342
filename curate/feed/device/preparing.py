"""What is made of a batch on the device: pixels scaled, augmented, and everything in the number format of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from curate.feed.device import pixels

if TYPE_CHECKING:
    from curate.feed.device.left import Asked

AS_THEY_ARE = ("labels", "soft_labels", "weights", "partner_labels", "share", "mass")
"""Entries whose numbers stay float32: losses are computed in it."""


@dataclass(frozen=True)
class Preparation:
    """How a batch is prepared.

    Attributes:
        normalization: entry of uint8 pixels -> mean and standard deviation of pixels in [0, 1], (3,) each.
        dtype: of floating inputs; None as they are (of pixels float32).
        channels_last: whether images lie in memory pixel by pixel.
        images: entry that operations are left for.
    """

    normalization: Mapping[str, tuple[np.ndarray, np.ndarray]]
    dtype: torch.dtype | None
    channels_last: bool
    images: str | None
    _constants: dict[Any, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def prepared(self, batch: dict[str, Any], asked: Sequence[Asked], device: torch.device) -> dict[str, Any]:
        """The batch, whose tensors are on the device, as the model takes it."""
        return {name: self._entry(name, value, asked, device) for name, value in batch.items()}

    def _entry(self, name: str, value: Any, asked: Sequence[Asked], device: torch.device) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], torch.Tensor):
            return [self._entry(name, one, (), device) for one in value]
        if not isinstance(value, torch.Tensor) or name in AS_THEY_ARE:
            return value
        if name in self.normalization:
            floats = value.to(torch.float32)
            if name == self.images:
                floats = augmented(floats, asked)
            scale, shift = self._scaling(name, value.ndim, device)
            value = torch.addcmul(shift, floats, scale)
        if value.is_floating_point() and self.dtype is not None:
            value = value.to(self.dtype)
        if self.channels_last and value.ndim == 4:
            value = value.contiguous(memory_format=torch.channels_last)
        return value

    def _scaling(self, name: str, ndim: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Factor and summand for pixels in [0, 255]; copied to the device once."""
        key = (name, ndim, device)
        if key not in self._constants:
            mean, std = (torch.as_tensor(np.array(part), dtype=torch.float32) for part in self.normalization[name])
            shape = (3, 1, 1)
            scale, shift = (1 / (255 * std)).reshape(shape), (-mean / std).reshape(shape)
            self._constants[key] = scale.to(device), shift.to(device)
        return self._constants[key]


def augmented(images: torch.Tensor, asked: Sequence[Asked]) -> torch.Tensor:
    """(n, 3, h, w) float32 in [0, 255] after the operations that were left for the device."""
    for one in asked:
        rows = moved(one.rows, images.device)
        if one.name == "RandomResizedCrop":
            height, width = images.shape[-2:]
            boxes = np.tile(np.array([0, 0, width, height], np.float32), (len(images), 1))
            boxes[one.rows] = one.numbers
            images = pixels.resized_crop(images, moved(boxes, images.device), one.size)
        elif one.name == "ColorJitter":
            turns = _turns(one, images.device)
            factors = np.zeros((len(images), 4), np.float32)
            factors[one.rows] = one.numbers
            images = pixels.jittered(images, moved(factors, images.device), turns)
        else:
            images = images.index_copy(0, rows, pixels.flipped(images[rows], 3 if one.name == "HorizontalFlip" else 2))
    return images


def _turns(one: Asked, device: torch.device) -> list[list[torch.Tensor]]:
    """For each place in the order and each change the rows whose turn it is, copied to the device in one go."""
    found = [[one.rows[one.order[:, place] == number] for number in range(4)] for place in range(4)]
    flat = moved(np.concatenate([rows for place in found for rows in place]), device)
    parts = iter(flat.split([len(rows) for place in found for rows in place]))
    return [[next(parts) for _ in range(4)] for _ in range(4)]


def moved(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """The array on the device, without waiting for the copy."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
