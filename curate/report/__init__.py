"""What people read: one report as terminal text, JSON and a self-contained page. Names are loaded when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.report.model import schema
    from curate.report.report import Report
    from curate.report.terminal import render

_PUBLIC = {"Report": "report", "render": "terminal", "schema": "model"}

__all__ = ["Report", "render", "schema"]


def __getattr__(name: str) -> Any:
    """Load public names when they are first used: what only feeds a result shows no report of it."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"curate.report.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'curate.report' has no attribute {name!r}")
