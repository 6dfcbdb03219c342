"""One decoding pass over one modality of a table, for all measures that want it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from curate.engines.local import cores, ordered_map
from curate.errors import DataError
from curate.evidence.decoding import Broken, Chunk, batches, chunks, fingerprint
from curate.evidence.keeper import Keeper, Pace
from curate.evidence.measure import TEXT, Measure
from curate.evidence.narrowing import Values, measure_all
from curate.evidence.settings import EvidenceSettings
from curate.table import Table
from curate.task import DECODED

REASON = {"reason": ("str", ())}
Tick = Callable[[str, int, int], None]


@dataclass
class Outcome:
    """What a worker made of a chunk.

    Attributes:
        rows: how many the chunk had.
        measured: (place of the measure, rows, values) of each batch, without the rows on which the measure failed.
        failed: per measure row -> why it failed.
        broken: rows without an item.
    """

    rows: int
    measured: list[tuple[int, np.ndarray, Values]] = field(default_factory=list)
    failed: list[tuple[int, dict[int, str]]] = field(default_factory=list)
    broken: Broken = field(default_factory=Broken)


class OnePass:
    """The pass of one modality.

    Args:
        table: the rows.
        modality: what is decoded.
        measures: all of that modality.
        settings: limits and threads.
        keeper: the cache.
        pace: sizes of chunks.
    """

    def __init__(
        self,
        table: Table,
        modality: str,
        measures: Sequence[Measure],
        settings: EvidenceSettings,
        keeper: Keeper,
        pace: Pace,
    ) -> None:
        self._table, self._modality, self._measures, self._settings = table, modality, measures, settings
        self._keeper, self._pace = keeper, pace
        # Text, series and features come as arrays: threads would only wait for the interpreter's lock.
        self._workers = (settings.workers or cores()) if modality in DECODED else 1
        decoding = fingerprint(modality, settings)
        self._keys = [keeper.key(measure.fingerprint, decoding) for measure in measures]
        self._failures_key = keeper.key("failures", decoding)
        self._locks = [None if measure.parallel else threading.Lock() for measure in measures]

    def run(self, values: Values, progress: Tick | None) -> tuple[dict[int, str], dict[str, int]]:
        """Fill in the values of all rows.

        Args:
            values: field -> (n, *shape), blank; written to.
            progress: called with (stage, done, total).

        Returns:
            row -> why it has no values, and the counts of rows, hits, measured and broken.
        """
        rows, first_of = distinct(self._table)
        known, reasons = self._keeper.lookup(self._failures_key, rows, REASON)
        broken = dict(zip(rows[known].tolist(), reasons["reason"][known].tolist())) if known.any() else {}
        left = rows[~known]
        missing = self._from_cache(left, values)
        todo = int((missing > 0).sum())
        hits = done = len(rows) - todo
        failed: list[dict[int, str]] = [{} for _ in self._measures]
        try:
            for outcome in self._outcomes(left, missing):
                self._collect(outcome, values, broken, failed)
                done += outcome.rows
                self._keeper.chunk_done(outcome.rows)
                if progress is not None:
                    progress(f"measure {self._modality}", done, len(rows))
        finally:
            self._keeper.flush()
        self._refuse_total_failure(failed, rows, broken)
        for reasons_by_row in failed:
            broken = reasons_by_row | broken
        facts = {"rows": len(rows), "hits": hits, "measured": todo, "broken": len(broken)}
        return self._copy(values, broken, first_of), facts

    def _from_cache(self, rows: np.ndarray, values: Values) -> np.ndarray:
        """Fill in what the cache knows; (m,) int64 bit masks: bit j is set where measure j is missing."""
        missing = np.zeros(len(rows), dtype=np.int64)
        for place, (measure, key) in enumerate(zip(self._measures, self._keys)):
            found, known = self._keeper.lookup(key, rows, measure.fields)
            for name, array in known.items():
                values[name][rows[found]] = array[found]
            missing |= np.where(found, 0, 1 << place)
        return missing

    def _outcomes(self, rows: np.ndarray, missing: np.ndarray) -> Iterator[Outcome]:
        """The outcome of every chunk; rows that lack the same measures go together."""
        for pattern in np.unique(missing[missing > 0]).tolist():
            wanted = [place for place in range(len(self._measures)) if pattern >> place & 1]
            some = rows[missing == pattern]
            size = self._pace.rows(self._modality, len(some), self._workers)
            given = chunks(self._table, self._modality, some, size)
            yield from ordered_map(lambda chunk, wanted=wanted: self._work(chunk, wanted), given, self._workers)

    def _work(self, chunk: Chunk, wanted: list[int]) -> Outcome:
        """Decode a chunk and measure it; runs in a worker."""
        outcome = Outcome(len(chunk.rows))
        for rows, items in batches(chunk, self._modality, self._settings, self._table.root, outcome.broken):
            for place in wanted:
                values, failed = measure_all(self._measures[place], items, self._locks[place])
                good = np.ones(len(rows), dtype=bool)
                good[list(failed)] = False
                outcome.measured.append((place, rows[good], {name: array[good] for name, array in values.items()}))
                outcome.failed.append((place, {int(rows[at]): reason for at, reason in failed.items()}))
        return outcome

    def _collect(self, outcome: Outcome, values: Values, broken: dict[int, str], failed: list[dict[int, str]]) -> None:
        for place, rows, measured in outcome.measured:
            for name, array in measured.items():
                values[name][rows] = array
            self._keeper.add(self._keys[place], rows, measured)
        for place, reasons in outcome.failed:
            failed[place] |= reasons
        broken |= outcome.broken.unread | outcome.broken.undecodable
        bad = np.array(list(outcome.broken.undecodable), dtype=np.int64)
        reasons = np.array(list(outcome.broken.undecodable.values()), dtype=TEXT)
        self._keeper.add(self._failures_key, bad, {"reason": reasons})

    def _refuse_total_failure(self, failed: list[dict[int, str]], rows: np.ndarray, broken: dict[int, str]) -> None:
        """Raise where a measure failed on all rows there are: then it is the measure, and not the rows."""
        for reasons in failed:
            if len(reasons) > 1 and len(reasons) == len(rows) - len(broken):
                raise DataError(f"{next(iter(reasons.values()))} (and so on all {len(reasons):,} rows)")

    def _copy(self, values: Values, broken: dict[int, str], first_of: np.ndarray) -> dict[int, str]:
        """Give rows of equal content what was found for the first of them; returns row -> reason for all."""
        copies = np.flatnonzero((first_of >= 0) & (first_of != np.arange(len(first_of))))
        sources = first_of[copies]
        for measure in self._measures:
            for name in measure.fields:
                values[name][copies] = values[name][sources]
        more = {row: broken[source] for row, source in zip(copies.tolist(), sources.tolist()) if source in broken}
        return broken | more


def distinct(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Rows that the source could read, one of each content.

    Returns:
        (m,) ascending positions of the first row of each content, and (n,) the position of that first row for every
        row, -1 for rows that the source could not read.
    """
    readable = np.flatnonzero(~table.unreadable)
    first_of = np.full(len(table), -1, dtype=np.int64)
    if not len(readable):
        return readable, first_of
    content = table.content[readable]
    order = np.lexsort((content[:, 1], content[:, 0]))  # stable: equal ones stay in the order of the table
    new = np.ones(len(order), dtype=bool)
    new[1:] = (content[order[1:]] != content[order[:-1]]).any(1)
    firsts = readable[order[new]]
    first_of[readable[order]] = firsts[np.cumsum(new) - 1]
    return np.sort(firsts), first_of
