"""What forked workers would each load and make for themselves: once, in the process that they are forked from."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import TYPE_CHECKING

from curate.feed.recipes import operations_of

if TYPE_CHECKING:
    from curate.feed.batches import Batches

LIBRARIES = {"image": ("cv2", "simplejpeg"), "audio": ("soundfile", "soxr"), "video": ("av", "cv2")}
"""Modality -> what its files are decoded with."""


def prepare(dataset: Batches) -> None:
    """Load what decodes and draws, and have operations make what they keep; the workers have that memory in common."""
    needed = {library for one in dataset.inputs for library in LIBRARIES.get(one.modality, ())}
    if dataset.recipes.any:
        needed.add("numpy.random")
    for library in sorted(needed):
        with suppress(ImportError, OSError):  # the row that needs it says so
            importlib.import_module(library)
    for operation in operations_of(dataset.plan.table):
        operation.prepare()
