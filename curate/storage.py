"""Where things are kept on this machine unless the user says otherwise, and sizes as people write them."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ByteSize, TypeAdapter, ValidationError

_SIZE = TypeAdapter(ByteSize)


def default_cache() -> Path:
    """``$CURATE_CACHE``, else ``$XDG_CACHE_HOME/curate``, else ``~/.cache/curate``."""
    if named := os.environ.get("CURATE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "curate"


def parse_bytes(text: str) -> int:
    """Bytes in ``500MB``, ``2 GB``, ``2g``, ``1.5GiB``, ``1.5Gi`` or a number. Raises ValueError for anything else."""
    written = text.strip()
    if "bit" in written.lower() or written.startswith("-"):
        raise ValueError(f"{text!r} is no number of bytes")
    try:
        return int(_SIZE.validate_python(written + "B" if written.lower().endswith("i") else written))
    except ValidationError:
        raise ValueError(f"{text!r} is no number of bytes") from None
