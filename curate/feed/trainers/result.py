"""What trainers are given as `curated`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.errors import ConfigError
from curate.wording import with_article


def a_result(given: Any) -> Any:
    """What was given, where it is a curated result. Raises ConfigError for anything else, such as its path."""
    if isinstance(given, str | Path):
        raise ConfigError(f"curated is the path {str(given)!r}: pass what it holds, curate.open(path)")
    if not callable(getattr(given, "loader", None)):
        raise ConfigError(
            f"curated must be a curated result (curate.open, Pipeline.run), not {with_article(type(given).__name__)}"
        )
    return given
