"""curate: turn a raw, noisy, unbalanced dataset into batches worth training on, and say of every row why."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Curated": "curate.pipeline",
    "Pipeline": "curate.pipeline",
    "Report": "curate.report",
    "Table": "curate.table",
    "Task": "curate.task",
    "audit": "curate.pipeline",
    "compare": "curate.pipeline",
    "fit": "curate.feed",
    "load": "curate.sources",
    "open": "curate.pipeline",
    "resplit": "curate.pipeline",
}
_MODULES = ("errors", "feed", "losses", "metrics", "steps")

__all__ = [
    "Curated",
    "Pipeline",
    "Report",
    "Table",
    "Task",
    "__version__",
    "audit",
    "compare",
    "errors",
    "feed",
    "fit",
    "load",
    "losses",
    "metrics",
    "open",
    "resplit",
    "steps",
]

if TYPE_CHECKING:
    from curate import errors, feed, losses, metrics, steps
    from curate.feed import fit
    from curate.pipeline import Curated, Pipeline, audit, compare, open, resplit
    from curate.report import Report
    from curate.sources import load
    from curate.table import Table
    from curate.task import Task


def __getattr__(name: str) -> Any:
    """Load public names when they are first used, so that `import curate` stays light."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"curate.{name}")
    raise AttributeError(f"module 'curate' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
