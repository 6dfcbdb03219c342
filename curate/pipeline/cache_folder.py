"""Where the cache is and how large it may become, unless the user says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from curate.errors import ConfigError
from curate.storage import default_cache, parse_bytes

LIMIT = "CURATE_CACHE_LIMIT"
DEFAULT_LIMIT = 20_000_000_000


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
    try:
        return parse_bytes(text) if text.strip() else DEFAULT_LIMIT
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is no size; write a number with a unit, such as 500MB or 20GB") from None
