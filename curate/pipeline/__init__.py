"""The declarative form, the run and its result. Names are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Curated": ("curate.pipeline.curated", "Curated"),
    "Pipeline": ("curate.pipeline.pipeline", "Pipeline"),
    "audit": ("curate.pipeline.auditing", "audit"),
    "compare": ("curate.pipeline.comparison", "compare"),
    "open": ("curate.pipeline.store", "open_folder"),
    "resplit": ("curate.pipeline.resplitting", "resplit"),
}

__all__ = ["Curated", "Pipeline", "audit", "compare", "open", "resplit"]

if TYPE_CHECKING:
    from curate.pipeline.auditing import audit
    from curate.pipeline.comparison import compare
    from curate.pipeline.curated import Curated
    from curate.pipeline.pipeline import Pipeline
    from curate.pipeline.resplitting import resplit
    from curate.pipeline.store import open_folder as open


def __getattr__(name: str) -> Any:
    """Load public names when they are first used."""
    if name in _PUBLIC:
        module, attribute = _PUBLIC[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'curate.pipeline' has no attribute {name!r}")
