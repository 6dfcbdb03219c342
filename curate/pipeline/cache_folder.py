"""Where the cache is and how large it may become, unless the user says otherwise."""

from __future__ import annotations

import os
import re
from pathlib import Path

from curate.errors import ConfigError

LIMIT = "CURATE_CACHE_LIMIT"
DEFAULT_LIMIT = 20_000_000_000
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


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


def limit_bytes(given: str | None = None) -> int:
    """How large the cache may become: what is given, else ``$CURATE_CACHE_LIMIT``, else 20 GB.

    Raises:
        ConfigError: it is no size.
    """
    where = "the size limit of the cache" if given is not None else LIMIT
    text = given if given is not None else os.environ.get(LIMIT, "")
    return parsed_bytes(text, where) if text.strip() else DEFAULT_LIMIT


def parsed_bytes(text: str, where: str) -> int:
    """``500MB``, ``2 GB``, ``1.5GiB`` or a number of bytes. Raises ConfigError, which says `where` it stands."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in UNITS:
        raise ConfigError(f"{where}: {text!r} is no size; write a number with a unit, such as 500MB or 20GB")
    return int(float(match[1]) * UNITS[match[2].upper()])
