"""Lists of the nearest in the cache: of a set that has grown, only what is new is searched.

Lists are kept under a hash of the rows and candidates they are of. Which were kept last of a source stands in a log of
numbered entries, as nothing in the cache is ever written over.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.lists.listed import Lists
from curate.evidence.order import fingerprint
from curate.wording import counted

VERSION = 3
MOST_KEPT = 500
"""Entries of a log; once they are used up, the last of them serves."""
LEAST_CHANGE = 0.01
"""Share of the rows or candidates that must be new for lists to be kept again."""
FEW_ROWS = 2_000
"""Rows of fewer are as well searched anew."""
FIELDS = {"entry": ("uint64", (2,))}


class KeptLists:
    """Where lists of one source are kept.

    What is found is the same with and without them: they hang on the vectors alone, by which they are known.

    Args:
        what: whose nearest they hold.
        store: the cache; None where nothing is kept.
        encoder: what made the vectors.
        source: what tells one growing set from another; a file or folder however it is named.
        note: takes a sentence where they can't be kept.
    """

    def __init__(self, what: str, store: Cache | None, encoder: str, source: str, note: Callable[[str], None]) -> None:
        self._what, self._store, self._note = what, store, note
        place = os.path.realpath(source) if os.access(source, os.F_OK) else source
        self._log = fingerprint("lists", what, VERSION, encoder, place)
        self._used = 0

    def last(self, k: int) -> Lists | None:
        """The lists of `k` entries that were kept last and are still there."""
        if self._store is None:
            return None
        found, values, damaged = self._store.lookup(self._log, _numbers(MOST_KEPT), FIELDS)
        if damaged:
            self._note(f"{counted(damaged, 'damaged file')} about kept neighbours in the cache set aside")
        entries = np.flatnonzero(found)
        self._used = int(entries.max(initial=-1)) + 1
        for entry in entries[::-1]:
            kept = Lists.of(self._store.get(_key(values["entry"][entry])), k)
            if kept is not None:
                return kept
        return None

    def keep(self, found: Lists, before: Lists | None) -> None:
        """Keep lists, unless they are about those before."""
        if self._store is None or len(found.rows) < FEW_ROWS or self._used >= MOST_KEPT:
            return
        if before is not None and before.changed(found.candidates, found.rows) < LEAST_CHANGE:
            return
        key = fingerprint("lists", self._what, VERSION, found.near.shape[1], found.candidates, found.rows)
        entry = np.array([[int(key[:16], 16), int(key[16:], 16)]], dtype=np.uint64)
        try:
            self._store.put(key, found.arrays())
            self._store.append(self._log, _numbers(self._used + 1)[self._used :], {"entry": entry})
        except StorageError as error:  # the lists are there; only the next run has to search again
            self._note(f"nearest {self._what} are not kept for the next run: {error}")


def _numbers(count: int) -> np.ndarray:
    """(count, 2) uint64 keys of the entries of a log."""
    return np.stack([np.arange(count), np.full(count, VERSION)], axis=1).astype(np.uint64)


def _key(entry: np.ndarray) -> str:
    return f"{int(entry[0]):016x}{int(entry[1]):016x}"
