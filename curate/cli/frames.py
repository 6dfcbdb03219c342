"""Commands that look at no data frame, and so need not import pandas."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType


class _Unseen:
    """Finds no pandas."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Raises ModuleNotFoundError for pandas; other modules are for other finders."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def without_pandas() -> None:
    """Let pyarrow know of no pandas until something asks for a data frame.

    With the first array that it makes, `pyarrow` imports pandas only to know its series when it meets one. That takes
    longer than an audit that is found in the cache. What makes or takes data frames (`to_pandas`, `from_pandas`)
    imports it as ever. Does nothing where pandas is loaded.
    """
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    unseen = _Unseen()
    sys.meta_path.insert(0, unseen)  # type: ignore[arg-type]
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(unseen)  # type: ignore[arg-type]
