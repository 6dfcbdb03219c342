"""Seeded changes of items on their way into a batch: operations per modality, and mixing across rows."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {"corpus_synonyms": "_corpus_synonyms", "coverage": "_coverage"}

__all__ = ["corpus_synonyms", "coverage"]

if TYPE_CHECKING:
    from curate.augment._corpus_synonyms import corpus_synonyms
    from curate.augment._coverage import coverage


def __getattr__(name: str) -> Any:
    """Load these functions when they are first used: naming the steps of this folder stays light."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
