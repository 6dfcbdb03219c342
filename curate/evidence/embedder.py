"""The embedding of a table: by the task's own column, or by the encoders that were chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from curate.evidence.encoders import columns
from curate.evidence.encoders.features import part_vectors
from curate.evidence.encoders.vectors import in_place, joined
from curate.evidence.estimates import Arrays, Estimates
from curate.evidence.measure import Measure
from curate.evidence.measurements import Measurements
from curate.evidence.order import fingerprint
from curate.evidence.parts.like_arrays import LyingRows
from curate.evidence.parts.lying import by_rows
from curate.evidence.parts.rows import UnitRows
from curate.evidence.settings import EvidenceSettings
from curate.evidence.values import Embedding
from curate.evidence.vector_rows import Rows, finite_rows
from curate.table import Table

if TYPE_CHECKING:
    from curate.evidence.encoders.encoder import Encoder

VERSION = 1
BLOCK_ROWS = 8_192


def _seen(vectors: Rows, rows: np.ndarray) -> tuple[str, np.ndarray]:
    """Fingerprint of some rows, and which of them are finite."""
    block = vectors[rows]
    return fingerprint(block), finite_rows(block)


class Embedder:
    """Makes the embedding once; evidence that follows decisions shares it.

    Peak memory of the vectors that the table brings or that measures gave: the embedding, 4 bytes per number, and some
    blocks. What learns from the set (n-grams, standardised columns) holds two to three times as much while it does.

    Args:
        table: the rows.
        settings: which encoder.
        measurements: takes the measures of encoders that look at single rows.
        estimates: keeps the result.
        order: canonical order of the rows.
        rows: fingerprint of the rows.
        kept: (n,) bool rows to learn from, unless they are broken or held out.
        seed: of the reduction.
        note: takes sentences for the run's summary.
    """

    def __init__(
        self,
        table: Table,
        settings: EvidenceSettings,
        measurements: Measurements,
        estimates: Estimates,
        order: np.ndarray,
        rows: str,
        kept: np.ndarray,
        seed: int,
        note: Callable[[str], None],
    ) -> None:
        self._table, self._settings, self._measurements = table, settings, measurements
        self._estimates, self._order, self._rows = estimates, order, rows
        self._kept, self._seed, self._note = kept, seed, note
        self._encoders: list[Encoder] | None = None
        self._embedding: Embedding | None = None
        self._key: str | None = None

    @property
    def encoders(self) -> list[Encoder]:
        """The encoders of the task's roles, chosen on first use; none where the task brings its own embedding."""
        if self._encoders is None:
            encoders = []
            if self._table.task.embedding is None:
                from curate.evidence.encoders.choice import Choice

                choice = Choice(self._table, self._settings, self._measurements, self._order)
                encoders = choice.encoders()
                for reason in choice.reasons:
                    self._note(reason)
            self._encoders = encoders
        return self._encoders

    def follow(self, other: Embedder) -> None:
        """Take the encoders that were chosen for another table with the same inputs."""
        self._encoders = other.encoders

    def measures(self) -> list[Measure]:
        """The measures that the encoders need."""
        return [encoder.measure for encoder in self.encoders if encoder.measure is not None]

    def embedding(self) -> Embedding:
        """One vector per row."""
        if self._embedding is None:
            self._measurements.take(self.measures())
            broken = np.zeros(len(self._table), dtype=bool)
            broken[list(self._measurements.broken)] = True
            learn = (self._kept & self._table.training & ~broken)[self._order]
            names = [(e.role, e.title, e.version, e.measure.fingerprint if e.measure else "") for e in self.encoders]
            own = self._table.task.embedding
            made_from = (VERSION, self._rows, own or "", names, learn, broken[self._order], self._seed)
            if own is not None:
                placed = columns.unit_vectors(self._table, own)
            elif len(self.encoders) == 1 and self.encoders[0].whole is not None:
                placed = self.encoders[0].whole(self._table, self._order[learn])
            elif self.encoders and all(e.measure is not None and not e.parts for e in self.encoders):
                # The cache of measures has them: nothing is learned from other rows, nor kept again.
                measured = [self._measurements.rows(e.field) for e in self.encoders]
                arrays = [part for part in measured if isinstance(part, np.ndarray)]
                if len(arrays) < len(measured):
                    return self._lying(measured, broken)
                placed = in_place(arrays[0]) if len(arrays) == 1 else joined(arrays)
            else:
                placed = self._estimates.get("embedding", made_from, lambda: self._compute(learn))["rows_vectors"]
            if np.isfinite(placed[broken]).any():
                placed = placed if placed.flags.writeable else placed.copy()
                placed[broken] = np.nan
            valid = finite_rows(placed)
            placed.setflags(write=False)
            self._embedding = Embedding(placed, self.title, valid)
        return self._embedding

    def _lying(self, measured: Sequence[np.ndarray | LyingRows], broken: np.ndarray) -> Embedding:
        """The embedding where other machines have measured it: they say which rows have a vector, and hash them."""
        vectors, order = UnitRows(measured, broken), self._order
        blocks = [order[begin : begin + BLOCK_ROWS] for begin in range(0, len(order), BLOCK_ROWS)]
        prints, finite = zip(*by_rows(_seen, vectors, blocks)) if blocks else ((), ())
        self._key = fingerprint(vectors.shape, *prints)
        valid = np.zeros(len(order), dtype=bool)
        valid[order] = np.concatenate([np.zeros(0, dtype=bool), *finite])
        vectors.finite = valid
        self._embedding = Embedding(cast(np.ndarray, vectors), self.title, valid)
        return self._embedding

    @property
    def width(self) -> int:
        """Numbers of a vector; 0 where no step has asked for any."""
        return 0 if self._embedding is None else self._embedding.vectors.shape[1]

    @property
    def learns(self) -> bool:
        """Whether vectors were learned from the n-grams of the set."""
        return self._embedding is not None and any(e.fit is not None and e.role == "text" for e in self.encoders)

    @property
    def title(self) -> str:
        """What makes the vectors, for people."""
        own = self._table.task.embedding
        return " + ".join(e.title for e in self.encoders) or "none" if own is None else f"the column {own!r}"

    def key(self) -> str:
        """Fingerprint of the vectors."""
        if self._key is None:
            vectors, order = self.embedding().vectors, self._order
            begins = range(0, len(order), BLOCK_ROWS)
            blocks = (fingerprint(vectors[order[begin : begin + BLOCK_ROWS]]) for begin in begins)
            self._key = fingerprint(vectors.shape, *blocks)
        return self._key

    def _compute(self, learn: np.ndarray) -> Arrays:
        order, table = self._order, self._table
        parts = []
        for encoder in self.encoders:
            if encoder.measure is not None:
                values = self._measurements.value(encoder.field)[order]
                parts.append(part_vectors(values, learn, encoder.parts) if encoder.parts else values)
            elif encoder.fit is not None:
                parts.append(encoder.fit(table, order, learn, self._seed))
        if not parts:
            return {"rows_vectors": np.full((len(order), 1), np.nan, dtype=np.float32)}
        return {"rows_vectors": joined(parts)}
