"""Losses that take ``(logits, batch)``, for batches of a loader; `curated.loss(name=...)` makes them by name."""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401  said here, so that a missing torch gives a message that helps
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    from curate.errors import MissingPackage

    raise MissingPackage("torch", "trainers", "curate.losses") from error

from curate.feed import losses
from curate.feed.losses import *  # noqa: F403  its names are told once, there

__all__: list[str] = []
__all__ += losses.__all__
