"""A batch of pixels that is filled row by row, as soon as there is memory for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from curate.errors import ConfigError
from curate.feed.inputs.options import InputOptions
from curate.feed.inputs.planes import Planes
from curate.feed.memory import Memory


class Held(NamedTuple):
    """Stands for the pixels of a row that lie in the batch already.

    Attributes:
        place: where they lie.
        shape: of the pixels, (..., h, w, 3).
    """

    place: int
    shape: tuple[int, ...]


class Filling:
    """The pixels (B, ..., 3, h, w) of a batch whose rows have one size.

    Args:
        name: of the batch's entry.
        rows: so many draws are read for it.
        options: type, mean and deviation.
        memory: where the batch comes from.
        at_once: whether it is taken with the first row; else when it is ready, at the latest when all rows are there.
    """

    def __init__(self, name: str, rows: int, options: InputOptions, memory: Memory, at_once: bool = True) -> None:
        self._name, self._rows, self._memory = name, rows, memory
        self._take = memory.array if at_once else memory.ready
        self._type = np.uint8 if options.pixels == "uint8" else np.float32
        self._planes = Planes(options)
        self._batch: np.ndarray | None = None
        self._shape: tuple[int, ...] = ()
        self._waiting: list[tuple[int, np.ndarray]] = []

    def put(self, place: int, item: np.ndarray) -> Held:
        """Write a row's pixels; those of another size than the first are left out, and `entries` refuses them."""
        self._shape = self._shape or item.shape
        if item.shape == self._shape:
            self._waiting.append((place, item))
            if self._batch is None:
                self._batch = self._take(self._whole(item.shape), self._type)
            if self._batch is not None:
                self._write(self._batch)
        return Held(place, item.shape)

    def _write(self, batch: np.ndarray) -> None:
        """Write the rows that wait, each of which is let go then; the last is still in the core's cache."""
        while self._waiting:
            place, item = self._waiting.pop()
            self._planes.write(item, batch[place])

    def _whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        *frames, height, width, channels = shape
        return (self._rows, *frames, channels, height, width)

    def entries(self, items: Sequence[np.ndarray | Held], names: Sequence[str]) -> dict[str, Any]:
        """The entry of the batch.

        Args:
            items: what `put` gave for the rows that are kept, in order; pixels of rows that took the place of others.
            names: ids of the rows.

        Raises:
            ConfigError: they differ in size.
        """
        shape = items[0].shape
        for item, name in zip(items, names):
            if item.shape != shape:
                raise ConfigError(
                    f"rows {names[0]} and {name} have pixels of the shapes {shape} and {item.shape}: a batch needs one"
                    " size; pass image_size, or different_sizes='pad'"
                )
        if self._batch is None or self._shape != shape:
            if self._shape != shape:
                self._waiting.clear()  # none that was put has this size: none is kept
            self._batch = self._memory.array(self._whole(shape), self._type)
        self._write(self._batch)
        for number, item in enumerate(items):
            if not isinstance(item, Held):
                self._planes.write(item, self._batch[number])
            elif item.place != number:  # rows before it are left out; none that is still to be moved lies here
                self._batch[number] = self._batch[item.place]
        return {self._name: self._batch[: len(items)]}
