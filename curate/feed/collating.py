"""From the arrays of a batch to the dict that is handed out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from curate.errors import ConfigError, nearest


def renamed(batch: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The batch with the names that the user wants for some of its entries.

    Raises:
        ConfigError: it has no such entry, or two would have one name.
    """
    for name in names:
        if name not in batch:
            raise ConfigError(
                f"inputs: the batch has no entry {name!r}{nearest(name, batch)}; it has {', '.join(batch)}"
            )
    found = {names.get(name, name): value for name, value in batch.items()}
    if len(found) != len(batch):
        raise ConfigError(f"inputs: two entries of the batch would have one name ({', '.join(names.values())})")
    return found


def tensors(value: Any) -> Any:
    """Arrays as tensors, also in lists (of images, of targets) and dicts."""
    import torch

    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, list):
        return value if value and isinstance(value[0], str) else [tensors(one) for one in value]
    return {name: tensors(one) for name, one in value.items()} if isinstance(value, dict) else value


def numbers(item: Any) -> Any:
    """Pixels as numbers that can be mixed without rounding; what is no array as it is."""
    return item.astype(np.float32) if isinstance(item, np.ndarray) and item.dtype == np.uint8 else item
