"""Curated data in trainers that others have written: transformers, Accelerate, Lightning, Ray Train, and plain loops.

Names are loaded when they are first used; what is missing is asked for by the extra that brings it.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from curate.media.torch_audio import guard_torchaudio

if TYPE_CHECKING:
    from curate.feed.trainers.accelerate import accelerated
    from curate.feed.trainers.accumulation import accumulate
    from curate.feed.trainers.lightning import CuratedDataModule
    from curate.feed.trainers.ray import worker_loader
    from curate.feed.trainers.reporting import Reporter
    from curate.feed.trainers.transformers import CuratedMixin, CuratedTrainer

guard_torchaudio()  # before transformers, which imports a torchaudio on sight

_PUBLIC = {
    "CuratedDataModule": ("lightning", ("lightning", "pytorch_lightning")),
    "CuratedMixin": ("transformers", ("transformers",)),
    "CuratedTrainer": ("transformers", ("transformers",)),
    "accelerated": ("accelerate", ("accelerate",)),
    "accumulate": ("accumulation", ("torch",)),
    "Reporter": ("reporting", ("torch",)),
    "worker_loader": ("ray", ("ray",)),
}
"""Public name -> module, and the packages of which it needs one."""

__all__ = [
    "CuratedDataModule",
    "CuratedMixin",
    "CuratedTrainer",
    "Reporter",
    "accelerated",
    "accumulate",
    "worker_loader",
]


def __getattr__(name: str) -> Any:
    """Load a public name; say which package it needs where that is missing."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'curate.feed.trainers' has no attribute {name!r}")
    module, packages = _PUBLIC[name]
    for needed in (("torch",), packages):
        if not any(find_spec(package) for package in needed):
            from curate.errors import MissingPackage

            extra = "ray" if needed == ("ray",) else "trainers"
            raise MissingPackage(needed[0], extra, f"curate.feed.trainers.{name}")
    return getattr(importlib.import_module(f"curate.feed.trainers.{module}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
