"""Estimates are made once: kept in memory for the run, and in the cache for the next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from curate.engines.engine import Absent, Lacking, current
from curate.errors import StorageError
from curate.evidence.blas_threads import fitting_threads
from curate.evidence.chunks import LeftArray
from curate.evidence.order import fingerprint
from curate.evidence.parts.left import ArrayWriter, array_writer, placed_rows

Arrays = dict[str, np.ndarray]
NOT_LEFT = "without a cache that all nodes share, what is estimated of rows and classes goes through this process"
LEFT_BACK = (
    "some machines can't write estimates into the folder of the cache, or do not share it: these came back by way of"
    " this process"
)


class Store(Protocol):
    """What keeps arrays by key (`curate.evidence.cache.Cache`)."""

    folder: Path

    def get(self, key: str, left: bool = False) -> dict[str, Any] | None:
        """The arrays of that key, None where there are none; wide ones as they lie there if `left`."""
        ...

    def put(self, key: str, arrays: dict[str, Any]) -> Path:
        """Keep arrays under that key; the folder in which they lie."""
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
        self, what: str, made_from: tuple[object, ...], compute: Callable[[], Arrays], products: bool = False
    ) -> Arrays:
        """The arrays of an estimate, computed if they are not known yet.

        Args:
            what: name of the estimate.
            made_from: all that it depends on, the version of the code among it; arrays in canonical order.
            compute: gives the arrays; those named ``rows_*`` have one line per row in canonical order.
            products: whether it multiplies matrices, each by one thread (`fitting_threads`).

        Returns:
            The arrays; those named ``rows_*`` in the order of the table.
        """
        return self._known(what, made_from, lambda writer: compute(), products, False)

    def left(
        self,
        what: str,
        made_from: tuple[object, ...],
        compute: Callable[[ArrayWriter | None], dict[str, Any]],
        products: bool = False,
    ) -> Arrays:
        """As `get`, of arrays that machines of an engine leave in the cache, if there is one.

        Args:
            what: name of the estimate.
            made_from: as of `get`.
            compute: as of `get`; with what work on other machines leaves its arrays with (`made_elsewhere`), or None.
            products: as of `get`.

        Returns:
            As `get`; what machines left are rows that are read where they lie (`PlacedRows`).
        """
        if current().remote and self._store is None:
            self._note(NOT_LEFT)
        return self._known(what, made_from, compute, products, current().remote and self._store is not None)

    def _known(
        self,
        what: str,
        made_from: tuple[object, ...],
        compute: Callable[[ArrayWriter | None], dict[str, Any]],
        products: bool,
        left: bool,
    ) -> Arrays:
        key = fingerprint(what, *libraries(), *made_from)
        if key not in self._memory:
            started = time.perf_counter()
            arrays = self._from_store(key, left)
            self.facts[what] = {"seconds": 0.0, "from_cache": arrays is not None}
            if arrays is None:
                folder = self._store.folder / "estimates" if left and self._store is not None else None
                with fitting_threads() if products else nullcontext(), array_writer(folder) as writer:
                    arrays = self._kept(key, *self._computed(compute, writer))
            self._memory[key] = arrays
            self.facts[what]["seconds"] = round(time.perf_counter() - started, 3)
        return self._memory[key]

    def _from_store(self, key: str, left: bool) -> Arrays | None:
        arrays = None if self._store is None else self._store.get(key, left)
        try:
            return None if arrays is None else self._all_placed(arrays)
        except Absent:  # another run cleared the cache in between
            return None

    def _computed(
        self, compute: Callable[[ArrayWriter | None], dict[str, Any]], writer: ArrayWriter | None
    ) -> tuple[dict[str, Any], Arrays]:
        """The arrays, and those that were left by machines as they lie."""
        if writer is None:
            return compute(None), {}
        try:
            arrays = compute(writer)
            mapped = {name: array.mapped() for name, array in arrays.items() if isinstance(array, LeftArray)}
        except (Absent, Lacking):  # what a machine left is gone, or not to be seen by another one
            self._note(LEFT_BACK)
            return compute(None), {}
        if writer.came_back:
            self._note(LEFT_BACK)
        return arrays, mapped

    def _kept(self, key: str, arrays: dict[str, Any], mapped: Arrays) -> Arrays:
        """The arrays in the order of the table, once they are in the store."""
        if self._store is not None:
            try:
                folder = self._store.put(key, arrays)
                arrays |= {name: replace(arrays[name], path=folder / f"{name}.npy") for name in mapped}
            except StorageError as error:  # the result is there; only the next run has to make it again
                self._note(f"estimates are not kept: {error}")
        return self._all_placed(arrays, mapped)

    def _all_placed(self, arrays: dict[str, Any], mapped: dict[str, np.ndarray] | None = None) -> Arrays:
        # One by one, so that not all of them are held in both orders.
        return {name: self._placed(name, arrays.pop(name), mapped or {}) for name in list(arrays)}

    def _placed(self, name: str, values: np.ndarray | LeftArray, mapped: dict[str, np.ndarray]) -> np.ndarray:
        if isinstance(values, LeftArray):
            return cast(np.ndarray, placed_rows(values, self._order, mapped.get(name)))
        if not name.startswith("rows_"):
            return values
        placed = np.empty_like(values)
        placed[self._order] = values
        placed.setflags(write=False)
        return placed
