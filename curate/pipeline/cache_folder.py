"""Where the cache is unless the user says otherwise."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache() -> Path:
    """``$CURATE_CACHE``, else ``$XDG_CACHE_HOME/curate``, else ``~/.cache/curate``."""
    if named := os.environ.get("CURATE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "curate"


def resolve(cache: str | Path | bool | None) -> Path | None:
    """The folder behind a `cache` option: True is the default one, None or False is none."""
    if cache is True:
        return default_cache()
    return Path(cache) if cache else None
