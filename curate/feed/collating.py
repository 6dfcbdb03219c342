"""From the arrays of a batch to the dict that is handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import ConfigError, nearest

if TYPE_CHECKING:
    from curate.feed.inputs.input import Input


class Unfit(Exception):
    """Items that an input can't put into a batch, not even alone, such as recordings too short for a processor.

    Attributes:
        reasons: place in the batch -> why.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(f"{len(reasons)} rows can't be put into a batch")
        self.reasons = reasons

    @classmethod
    def blame(cls, modality: Input, items: Sequence[Any], row_ids: Sequence[str], error: Exception) -> None:
        """Raise it where single items are to blame for an error; else add the rows to the error's notes."""
        reasons = {}
        for place, (item, row_id) in enumerate(zip(items, row_ids)):
            try:
                modality.collate([item], [row_id])
            except Exception as alone:
                reasons[place] = f"{type(alone).__name__}: {alone}"
        if reasons and (len(reasons) < len(items) or len(items) == 1):
            raise cls(reasons) from error
        error.add_note(f"the rows of the batch: {', '.join(row_ids)}")


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
