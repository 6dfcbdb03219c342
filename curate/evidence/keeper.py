"""Between the measuring pass and the cache: what is known of the rows, and what was found, written every so often."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.chunks import Fields
from curate.evidence.narrowing import Values
from curate.evidence.parts.rows import PartedRows
from curate.evidence.parts.writing import located
from curate.randomness import digest
from curate.table import Table
from curate.task import DECODED
from curate.wording import counted


@dataclass(frozen=True)
class Pace:
    """How much is done at a time. None of it changes a result.

    Attributes:
        chunk_rows: rows that a worker takes at once; None for what suits the medium.
        flush_rows: rows after which what was measured is written to the cache, at the latest.
        flush_seconds: seconds after which it is written.
    """

    chunk_rows: int | None = None
    flush_rows: int = 4_096
    flush_seconds: float = 5.0

    def rows(self, modality: str, rows: int, workers: int) -> int:
        """Rows of a chunk."""
        if self.chunk_rows is not None:
            return self.chunk_rows
        most = {"image": 256, "mask": 256, "audio": 128, "video": 8, "series": 4_096, "text": 16_384}.get(
            modality, 65_536
        )
        # Few rows are still spread over the workers, in chunks that a model can batch.
        return min(most, max(-(-rows // (4 * workers)), 16)) if modality in DECODED else most


class Keeper:
    """The cache as a pass sees it: what is known of the rows, and what was found, written every so often."""

    def __init__(self, cache: Cache | None, table: Table, notes: list[str], pace: Pace) -> None:
        self._cache, self._content, self._notes, self._pace = cache, table.content, notes, pace
        self._roles = "+".join((*table.task.modalities, *table.task.feature_columns))
        self._pending: dict[str, list[tuple[np.ndarray, Values]]] = {}
        self._rows, self._since = 0, time.monotonic()

    def key(self, *parts: str) -> str:
        """Name of the folder of values: `parts`, and the roles whose content the rows' hashes are of."""
        return f"{digest(*parts, self._roles):032x}"

    @property
    def cache(self) -> Cache | None:
        """Where it is kept; None where nothing is, or nothing more."""
        return self._cache

    def note(self, sentence: str) -> None:
        """Add a sentence to the run's summary, once."""
        if sentence not in self._notes:
            self._notes.append(sentence)

    def lookup(
        self, key: str, rows: np.ndarray, fields: Fields, lying: dict[str, PartedRows] | None = None
    ) -> tuple[np.ndarray, Values]:
        """(m,) bool mask of the rows that the cache knows, and the (m, ...) values by field; none without a cache.

        Of the fields in `lying` it is noted there where the values lie, in place of handing them out.
        """
        if self._cache is None:
            return np.zeros(len(rows), dtype=bool), {}
        if lying:
            found, values, damaged = located(self._cache, key, self._content[rows], rows, fields, lying)
        else:
            found, values, damaged = self._cache.lookup(key, self._content[rows], fields)
        if damaged:
            self._notes.append(
                f"{counted(damaged, 'damaged file')} in the cache {str(self._cache.folder)!r} set aside;"
                " the rows in them were measured again"
            )
        return found, values

    def add(self, key: str, rows: np.ndarray, values: Values) -> None:
        """Remember values for the next `flush`."""
        if self._cache is not None and len(rows):
            self._pending.setdefault(key, []).append((rows, values))

    def chunk_done(self, rows: int) -> None:
        """Count the rows of a chunk, and flush when it is time."""
        self._rows += rows
        if self._rows >= self._pace.flush_rows or time.monotonic() - self._since >= self._pace.flush_seconds:
            self.flush()

    def flush(self) -> None:
        """Write what was added; where that is impossible, say so once and go on without the cache."""
        pending, self._pending = self._pending, {}
        self._rows, self._since = 0, time.monotonic()
        for key, parts in pending.items():
            if self._cache is None:
                return
            rows = np.concatenate([rows for rows, _ in parts])
            joined = {name: np.concatenate([values[name] for _, values in parts]) for name in parts[0][1]}
            try:
                self._cache.append(key, self._content[rows], joined)
            except StorageError as error:
                self._notes.append(f"measured values are not kept for the next run: {error}")
                self._cache = None
