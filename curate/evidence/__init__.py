"""Evidence: all that is measured or learned about rows, by name, computed once. Names are loaded when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Embedding": "values",
    "Evidence": "evidence",
    "EvidenceSettings": "settings",
    "Neighbours": "values",
    "Noise": "values",
    "Probabilities": "values",
}

__all__ = ["Embedding", "Evidence", "EvidenceSettings", "Neighbours", "Noise", "Probabilities"]

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.evidence.settings import EvidenceSettings
    from curate.evidence.values import Embedding, Neighbours, Noise, Probabilities


def __getattr__(name: str) -> Any:
    """Load public names when they are first used: an audit that is found in the cache needs no evidence."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"curate.evidence.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'curate.evidence' has no attribute {name!r}")
