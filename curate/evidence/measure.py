"""What a measure is: a named, versioned function from a chunk of decoded items to arrays with one line per item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from curate.randomness import digest

TEXT = np.dtypes.StringDType()


class Measure:
    """A per-row measure. Subclass it, name its fields, write `measure`.

    A row's values depend on its own item and on `parameters` alone: never on the other items of the chunk, their order
    or their number, nor on the label. So they can be kept by content, and taken in chunks of any size.

    What the items of a chunk are depends on `modality`:

    ========  =========================================================================================
    image     list of `curate.media.item.Image`; of large JPEG files smaller ones, see `least_side`
    mask      list of `curate.media.item.Mask`; asked for through `curate.evidence.masks`
    audio     list of `curate.media.item.Audio`, at the file's own rate
    video     list of `curate.media.item.Video`, with `curate.media.video.FRAMES` evenly spaced frames
    series    list of (channels, length) float32 arrays, NaN where a value is missing
    text      `pyarrow.Array` of strings, null where the text is missing
    features  `pyarrow.Table` of the task's feature columns
    ========  =========================================================================================

    Attributes:
        name: of the measure, ``image.statistics``.
        version: raise it when the values change; it is part of the key of the cache.
        modality: which items it wants.
        fields: field -> (dtype, shape of one row's value). dtype is a numpy name, or ``str``. Field names are unique
            over all measures: ``image.brightness``.
        parameters: JSON values that the result depends on.
        libraries: distributions whose version the result depends on.
        least_side: of images: pixels of the longer side that are enough, so that large JPEG files may be decoded at a
            half, a quarter or an eighth of their size, and their colours less smoothly; None where all are wanted.
        parallel: False for a model: it stays in the process that asks for it, and is called by `at_once`
            threads at most while others decode.
    """

    name: str
    version: int = 1
    modality: str
    fields: Mapping[str, tuple[str, tuple[int, ...]]]
    parameters: Mapping[str, Any] = {}
    libraries: tuple[str, ...] = ()
    least_side: int | None = None
    parallel: bool = True

    def measure(self, items: Any) -> dict[str, np.ndarray]:
        """Values of a chunk: for each of `fields` an (n, *shape) array, in the order of the items.

        What it raises for one item is narrowed down to that item, which is then reported as broken. A `CurateError`
        (a missing package) ends the run.
        """
        raise NotImplementedError

    @property
    def at_once(self) -> int:
        """Threads that may run a model at once.

        If they are several, each does its products alone: threads of a library that wait for each other spin, and take
        many times the CPU time where other programs share the cores.
        """
        return 1

    @property
    def fingerprint(self) -> str:
        """32 hex digits over all that the values depend on but the item: the measure's part of the cache key."""
        fields = sorted((name, dtype, list(shape)) for name, (dtype, shape) in self.fields.items())
        libraries = [f"{library}=={installed(library)}" for library in sorted(self.libraries)]
        parameters = json.dumps(self.parameters, sort_keys=True)
        parts = [] if self.least_side is None else [f"least side {self.least_side}"]
        made_from = (self.name, self.version, self.modality, json.dumps(fields), parameters, *libraries, *parts)
        return f"{digest(*made_from):032x}"


@cache
def installed(distribution: str) -> str:
    """Version of an installed distribution, ``none`` where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def blank(dtype: str, shape: tuple[int, ...], rows: int) -> np.ndarray:
    """(rows, *shape) values of rows without a measure: NaN, -1 (0 for unsigned, False for bool), or the empty text."""
    if dtype == "str":
        return np.full((rows, *shape), "", dtype=TEXT)
    kind = np.dtype(dtype)
    if kind.kind not in "fi":
        return np.zeros((rows, *shape), dtype=kind)  # takes no memory where nothing is written
    return np.full((rows, *shape), np.nan if kind.kind == "f" else -1, dtype=kind)
