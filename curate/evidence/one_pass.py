"""One decoding pass over one modality of a table, for all measures that want it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from curate.engines.engine import current
from curate.engines.local import cores
from curate.engines.threads import one_thread_models
from curate.engines.watched import can_watch, watched_map
from curate.errors import DataError
from curate.evidence.decoding import Chunk, batches, chunks, fingerprint
from curate.evidence.keeper import Keeper, Pace
from curate.evidence.measure import TEXT, Measure
from curate.evidence.memory import ceiling, chunk_rows, models_at_once, room_of, row_bytes
from curate.evidence.narrowing import measure_all
from curate.evidence.outcome import Outcome
from curate.evidence.parcels import MOST_MEDIA, SentPass, parcels
from curate.evidence.parts.rows import PartedRows
from curate.evidence.parts.writing import PartWriter, part_writer, wide
from curate.evidence.settings import EvidenceSettings
from curate.table import Table
from curate.task import DECODED

REASON = {"reason": ("str", ())}
Held = dict[str, np.ndarray | PartedRows]
Tick = Callable[[str, int, int], None]


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
        self._keeper, self._pace, self._root = keeper, pace, table.root
        # Text, series and features come as arrays: threads would only wait for the interpreter's lock, but in a model.
        threads = modality in DECODED or any(measure.at_once > 1 for measure in measures)
        self._workers = (settings.workers or cores()) if threads else 1
        decoding = fingerprint(modality, settings)
        self._keys = [keeper.key(measure.fingerprint, decoding) for measure in measures]
        self._failures_key = keeper.key("failures", decoding)
        self._unread, self._in_parts = 0, False
        self._limit = ceiling(settings.memory)
        self._room = room_of(self._limit)
        self._locks = [None if m.parallel else threading.Semaphore(models_at_once(m, self._limit)) for m in measures]

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to decode and measure chunks; tables and cache stay."""
        stay = ("_table", "_keeper", "_keys", "_failures_key", "_locks", "_room")
        return {name: value for name, value in vars(self).items() if name not in stay}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """In a worker process of its own, which does one thing at a time."""
        vars(self).update(state, _locks=[None] * len(state["_measures"]), _room=room_of(state["_limit"]))

    def prints(self) -> dict[str, str]:
        """Fingerprints of the decoder and of each measure, over the versions of their libraries on this machine."""
        decoding = {f"decoding {self._modality}": fingerprint(self._modality, self._settings)}
        return decoding | {measure.name: measure.fingerprint for measure in self._measures}

    def run(self, values: Held, progress: Tick | None) -> tuple[dict[int, str], dict[str, int]]:
        """Fill in the values of all rows.

        Args:
            values: field -> (n, *shape), blank; written to. Where wide ones are `PartedRows`, workers of other machines
                leave these in the cache.
            progress: called with (stage, done, total).

        Returns:
            row -> why it has no values, and the counts of rows, hits, measured and broken.
        """
        self._in_parts = any(isinstance(values[name], PartedRows) for m in self._measures for name in m.fields)
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
        if self._unread:  # this time; another look may succeed
            facts["unread"] = self._unread
        return self._copy(values, broken, first_of), facts

    def _from_cache(self, rows: np.ndarray, values: Held) -> np.ndarray:
        """Fill in what the cache knows; (m,) int64 bit masks: bit j is set where measure j is missing."""
        missing = np.zeros(len(rows), dtype=np.int64)
        for place, (measure, key) in enumerate(zip(self._measures, self._keys)):
            lying = {name: own for name in measure.fields if isinstance(own := values[name], PartedRows)}
            found, known = self._keeper.lookup(key, rows, measure.fields, lying)
            for name, array in known.items():
                values[name][rows[found]] = array[found]
            missing |= np.where(found, 0, 1 << place)
        return missing

    def _outcomes(self, rows: np.ndarray, missing: np.ndarray) -> Iterator[Outcome]:
        """The outcome of every chunk; rows that lack the same measures go together."""
        for pattern in np.unique(missing[missing > 0]).tolist():
            wanted = [place for place in range(len(self._measures)) if pattern >> place & 1]
            some = rows[missing == pattern]
            if current().remote:
                yield from self._elsewhere(some, wanted)
                continue
            if self._modality in DECODED and self._settings.isolate and can_watch():
                yield from self._watched(some, wanted)
                continue
            yield from self._here(some, wanted)

    def _chunks(self, rows: np.ndarray, falling: bool = False) -> Iterator[Chunk]:
        size = self._pace.rows(self._modality, len(rows), self._workers)
        size = chunk_rows(size, self._limit, sum(row_bytes(m.fields) for m in self._measures), self._workers)
        falling = falling and self._workers > 1 and self._pace.chunk_rows is None
        return chunks(self._table, self._modality, rows, size, self._workers if falling else 0)

    def _here(self, rows: np.ndarray, wanted: Sequence[int]) -> Iterator[Outcome]:
        """The outcome of every chunk, by threads of this process."""
        alone = any(self._measures[place].at_once > 1 for place in wanted)
        with one_thread_models() if alone else nullcontext():
            yield from current().ordered_map(partial(self.work, wanted=wanted), self._chunks(rows), self._workers)

    def _watched(self, rows: np.ndarray, wanted: Sequence[int]) -> Iterator[Outcome]:
        """The outcome of every chunk, by processes that a row may end.

        What runs a model stays here, and is shown only what could be decoded there. A ceiling of memory is kept by
        the threads of one process.
        """
        models = [place for place in wanted if not self._measures[place].parallel]
        work = partial(self.work, wanted=[place for place in wanted if place not in models])
        gone: list[int] = []
        limits = (self._workers, self._settings.row_seconds, 0 if self._limit is None else 1)
        for outcome in watched_map(work, self._chunks(rows, falling=True), _lost, *limits):
            if models:
                without = [*outcome.broken.unread, *outcome.broken.undecodable]
                outcome.rows = len(without)
                gone += without
            yield outcome
        if models:
            yield from self._here(rows[~np.isin(rows, gone)], models)

    def _elsewhere(self, rows: np.ndarray, wanted: Sequence[int]) -> Iterator[Outcome]:
        """The outcome of every chunk, or of the parts that it was cut into, by workers of other processes."""
        engine = current()
        size = self._pace.rows(self._modality, len(rows), engine.slots())
        # Also of what is quick all workers get some.
        size = min(size, MOST_MEDIA if self._modality in DECODED else max(-(-len(rows) // (4 * engine.slots())), 16))
        broad = [place for place in wanted if wide(self._measures[place].fields)]
        cache = self._keeper.cache if self._in_parts and broad else None
        unseen = []
        with part_writer(cache, self._measures, self._keys) as writer:
            for outcome in self._by_workers(rows, wanted, size, writer):
                if all(one.part.is_there() for one in outcome.parted):
                    yield outcome
                else:
                    unseen.append(outcome.all_rows())
        if unseen:
            self._keeper.note(
                "parts of the cache that a node wrote are not to be seen here; their rows came back whole"
            )
            yield from self._by_workers(np.unique(np.concatenate(unseen)), wanted, size, None)

    def _by_workers(
        self, rows: np.ndarray, wanted: Sequence[int], size: int, writer: PartWriter | None
    ) -> Iterator[Outcome]:
        """The outcome of every chunk of `size` rows, or of the parts that it was cut into."""
        given = chunks(self._table, self._modality, rows, size)
        sent = parcels(given, self._table, self._modality, wanted, self._settings)
        return current().ordered_map(SentPass(self, writer), sent)

    def work(self, chunk: Chunk, wanted: Sequence[int]) -> Outcome:
        """Decode a chunk and measure it; runs in a worker."""
        outcome = Outcome(len(chunk.rows))
        for alike in self._alike(wanted):
            first = self._measures[alike[0]] if alike else None
            models = first is not None and not first.parallel
            side = None if first is None else first.least_side
            given = (chunk, self._modality, self._settings, self._root, outcome.broken, models, side, self._room)
            for rows, items in batches(*given):
                for place in alike:
                    self._measure(place, rows, items, outcome)
        return outcome

    def _measure(self, place: int, rows: np.ndarray, items: Any, outcome: Outcome) -> None:
        """Add what a measure says of some items."""
        values, failed = measure_all(self._measures[place], items, self._locks[place])
        good = np.ones(len(rows), dtype=bool)
        good[list(failed)] = False
        outcome.measured.append((place, rows[good], {name: array[good] for name, array in values.items()}))
        outcome.failed.append((place, {int(rows[at]): reason for at, reason in failed.items()}))

    def _alike(self, wanted: Sequence[int]) -> list[list[int]]:
        """The measures in groups that are shown the same items; one empty group where there are none."""
        groups: dict[tuple[int, bool], list[int]] = {}
        for place in wanted:
            measure = self._measures[place]
            groups.setdefault((measure.least_side or 0, measure.parallel), []).append(place)
        return list(groups.values()) or [[]]

    def _collect(self, outcome: Outcome, values: Held, broken: dict[int, str], failed: list[dict[int, str]]) -> None:
        for place, rows, measured in outcome.measured:
            for name, array in measured.items():
                if array.dtype.kind not in "ub" or array.any():  # zeros are there: written, they would take memory
                    values[name][rows] = array
            self._keeper.add(self._keys[place], rows, measured)
        for one in outcome.parted:
            for name in self._measures[one.place].fields:
                own = values[name]
                if isinstance(own, PartedRows):
                    own.lie_in(one.rows, one.part)
                else:
                    own[one.rows] = one.values[name]
        if outcome.whole:
            self._keeper.note(f"{outcome.whole}; what it measured came back by way of this process")
        for place, reasons in outcome.failed:
            failed[place] |= reasons
        broken |= outcome.broken.unread | outcome.broken.undecodable
        self._unread += len(outcome.broken.unread)
        bad = np.array(list(outcome.broken.undecodable), dtype=np.int64)
        reasons = np.array(list(outcome.broken.undecodable.values()), dtype=TEXT)
        self._keeper.add(self._failures_key, bad, {"reason": reasons})

    def _refuse_total_failure(self, failed: list[dict[int, str]], rows: np.ndarray, broken: dict[int, str]) -> None:
        """Raise where a measure failed on all rows there are: then it is the measure, and not the rows."""
        for reasons in failed:
            if len(reasons) > 1 and len(reasons) == len(rows) - len(broken):
                raise DataError(f"{next(iter(reasons.values()))} (and so on all {len(reasons):,} rows)")

    def _copy(self, values: Held, broken: dict[int, str], first_of: np.ndarray) -> dict[int, str]:
        """Give rows of equal content what was found for the first of them; returns row -> reason for all."""
        copies = np.flatnonzero((first_of >= 0) & (first_of != np.arange(len(first_of))))
        sources = first_of[copies]
        for measure in self._measures:
            for name in measure.fields:
                own = values[name]
                if isinstance(own, PartedRows):
                    own.repeat(copies, sources)
                else:
                    own[copies] = own[sources]
        more = {row: broken[source] for row, source in zip(copies.tolist(), sources.tolist()) if source in broken}
        return broken | more


def _lost(row: Chunk, why: str, for_good: bool) -> Outcome:
    """A row that ended the process which decoded it, or was ended with it; `for_good` if its content is to blame."""
    outcome = Outcome(1)
    (outcome.broken.undecodable if for_good else outcome.broken.unread)[int(row.rows[0])] = why
    return outcome


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
