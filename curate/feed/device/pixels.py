"""Changes of a batch of images on the device that it is on, each row by what was drawn for it.

All take (n, 3, h, w) float32 in [0, 255] and (n,) numbers, and give new images of that kind. They do what the
operations of the same names do to one image on the CPU, but for rounding: there every step ends in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

LUMA = (0.299, 0.587, 0.114)


def resized_crop(images: torch.Tensor, boxes: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Parts of images at (height, width) = `size`, bilinear, the centres of pixels corresponding.

    Args:
        images: (n, 3, h, w).
        boxes: (n, 4) float32, left, top, right, bottom in pixels.
        size: of the result.
    """
    h, w = images.shape[-2:]
    left, top, right, bottom = boxes.unbind(1)
    across, down = (torch.arange(s, device=images.device, dtype=torch.float32) + 0.5 for s in (size[1], size[0]))
    # No further than the outermost pixels of the box: what is outside of it does not come in.
    x = left[:, None] + across / size[1] * (right - left)[:, None]
    y = top[:, None] + down / size[0] * (bottom - top)[:, None]
    x = torch.minimum(torch.maximum(x, left[:, None] + 0.5), right[:, None] - 0.5) * 2 / w - 1
    y = torch.minimum(torch.maximum(y, top[:, None] + 0.5), bottom[:, None] - 0.5) * 2 / h - 1
    n = len(images)
    grid = torch.stack([x[:, None, :].expand(n, size[0], size[1]), y[:, :, None].expand(n, size[0], size[1])], -1)
    return torch.nn.functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def flipped(images: torch.Tensor, axis: int) -> torch.Tensor:
    """Images mirrored: axis 3 left to right, axis 2 top to bottom."""
    return images.flip(axis)


def brightened(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Times a factor; 0 is black."""
    return (images * _wide(factor)).clamp_(0, 255)


def contrasted(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Away from the mean grey of each image by a factor."""
    mean = _grey(images).mean((1, 2, 3), keepdim=True)
    return torch.lerp(mean.expand_as(images), images, _wide(factor)).clamp_(0, 255)


def saturated(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Away from the greys by a factor; 0 is grey."""
    return torch.lerp(_grey(images).expand_as(images), images, _wide(factor)).clamp_(0, 255)


def hued(images: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Colours turned by a share of the circle, in [-0.5, 0.5]."""
    high, low = images.amax(1), images.amin(1)
    span = high - low
    safe = torch.where(span > 0, span, torch.ones_like(span))
    r, g, b = images.unbind(1)
    hue = torch.where(
        high == r, (g - b) / safe, torch.where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe)
    )  # in sixths of the circle
    hue = hue + turn[:, None, None] * 6
    channels = []
    for offset in (5.0, 3.0, 1.0):
        place = (hue + offset).remainder(6)
        channels.append(high - span * torch.minimum(place, 4 - place).clamp(0, 1))
    return torch.stack(channels, 1)


def jittered(images: torch.Tensor, factors: torch.Tensor, turns: Sequence[Sequence[torch.Tensor]]) -> torch.Tensor:
    """All four, each image in its own order.

    Args:
        images: (n, 3, h, w).
        factors: (n, 4) float32: brightness, contrast, saturation and hue.
        turns: for each of four places in the order, and each of the four changes, the images whose turn it is.
    """
    images = images.clone()
    for place in turns:
        for number, (step, rows) in enumerate(zip((brightened, contrasted, saturated, hued), place)):
            if len(rows):
                images[rows] = step(images[rows], factors[rows, number])
    return images


def _grey(images: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w)."""
    r, g, b = images.unbind(1)
    return (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b)[:, None]


def _wide(numbers: torch.Tensor) -> torch.Tensor:
    return numbers[:, None, None, None]
