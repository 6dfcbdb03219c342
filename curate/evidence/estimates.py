"""Estimates are made once: kept in memory for the run, and in the cache for the next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from curate.errors import StorageError
from curate.evidence.blas_threads import fitting_threads
from curate.evidence.order import fingerprint

Arrays = dict[str, np.ndarray]


class Store(Protocol):
    """What keeps arrays by key (`curate.evidence.cache.Cache`)."""

    def get(self, key: str) -> Arrays | None:
        """The arrays of that key, None where there are none."""
        ...

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep arrays under that key."""
        ...


@cache
def libraries() -> tuple[str, ...]:
    """Name and version of what estimates are computed with; others may give other last bits."""
    return tuple(f"{name} {version(name)}" for name in ("cleanlab", "numpy", "scikit-learn", "scipy"))


class Estimates:
    """Arrays by what they are estimates of and what they were made from.

    Rows of all arrays named ``rows_*`` stand in canonical order in the store, so that a table in another order finds
    them.
    """

    def __init__(self, store: Store | None, order: np.ndarray, note: Callable[[str], None]) -> None:
        self._store, self._order, self._note = store, order, note
        self._memory: dict[str, Arrays] = {}
        self.facts: dict[str, dict[str, Any]] = {}

    def get(
        self, what: str, made_from: tuple[object, ...], compute: Callable[[], Arrays], numbers: int | None = None
    ) -> Arrays:
        """The arrays of an estimate, computed if they are not known yet.

        Args:
            what: name of the estimate.
            made_from: all that it depends on, the version of the code among it; arrays in canonical order.
            compute: gives the arrays; those named ``rows_*`` have one line per row in canonical order.
            numbers: in what it multiplies, for which it gets as many threads as are of use (`fitting_threads`); None
                where it has its own.

        Returns:
            The arrays; those named ``rows_*`` in the order of the table.
        """
        key = fingerprint(what, *libraries(), *made_from)
        if key not in self._memory:
            started = time.perf_counter()
            found = self._store.get(key) if self._store is not None else None
            if found is not None:
                arrays = found
            else:
                with nullcontext() if numbers is None else fitting_threads(numbers):
                    arrays = compute()
                self._keep(key, arrays)
            seconds = round(time.perf_counter() - started, 3)
            self.facts[what] = {"seconds": seconds, "from_cache": found is not None}
            # One by one, so that not all of them are held in both orders.
            self._memory[key] = {name: self._placed(name, arrays.pop(name)) for name in list(arrays)}
        return self._memory[key]

    def _keep(self, key: str, arrays: Arrays) -> None:
        if self._store is None:
            return
        try:
            self._store.put(key, arrays)
        except StorageError as error:  # the result is there; only the next run has to make it again
            self._note(f"estimates are not kept: {error}")

    def _placed(self, name: str, values: np.ndarray) -> np.ndarray:
        if not name.startswith("rows_"):
            return values
        placed = np.empty_like(values)
        placed[self._order] = values
        placed.setflags(write=False)
        return placed
