"""Sources: files, folders, hubs and memory become a Table. Names are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.sources.describing import describe
    from curate.sources.opening import load

_PUBLIC = {"describe": "describing", "load": "opening"}

__all__ = ["describe", "load"]


def __getattr__(name: str) -> Any:
    """Load public names when they are first used: a saved result is opened without any reader of sources."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"curate.sources.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'curate.sources' has no attribute {name!r}")
