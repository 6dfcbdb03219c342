"""The measures of a table that were taken so far, and the rows that turned out to be broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curate.evidence.cache import Cache
from curate.evidence.freed import give_back
from curate.evidence.measure import Measure
from curate.evidence.measuring import take
from curate.evidence.parts.rows import PartedRows
from curate.evidence.settings import EvidenceSettings
from curate.table import Table
from curate.task import MEDIA


class Measurements:
    """Values of measures by field. What is asked for together is taken in one decoding pass.

    Args:
        table: the rows.
        settings: limits of decoding, workers.
        cache: folder of the cache, None for none.
        progress: called with (stage, done, total).
        note: takes sentences for the run's summary.
    """

    def __init__(
        self,
        table: Table,
        settings: EvidenceSettings,
        cache: Path | None,
        progress: Callable[[str, int, int], None] | None,
        note: Callable[[str], None],
    ) -> None:
        self._table, self._settings, self._cache = table, settings, cache
        self._progress, self._note = progress, note
        self.store = None if cache is None else Cache(cache)
        if "text" in table.task.modalities:
            from curate.evidence.measures.text_languages import keep_languages

            keep_languages(self.store)
        self._values: dict[str, np.ndarray | PartedRows] = {}
        self._decoded: set[str] = set()
        self.most_bytes = 0
        """Of the values of all rows, when they were most; without texts."""
        self.facts: list[dict[str, Any]] = []
        source = table.problems.filter(table.problems["issue"].to_numpy(zero_copy_only=False) == "unreadable")
        self.broken: dict[int, str] = dict(zip(source["row"].to_pylist(), source["reason"].to_pylist()))

    @property
    def cache(self) -> Path | None:
        """Folder of the cache."""
        return self._cache

    def take(self, measures: Sequence[Measure]) -> None:
        """Take what of these measures is not known yet, in one pass."""
        wanted = {m.fingerprint: m for m in measures if not set(m.fields) <= self._values.keys()}
        if not wanted:
            return
        measured = take(self._table, list(wanted.values()), self._settings, self._cache, self._progress, parts=True)
        for field, values in measured.values.items():
            if isinstance(values, np.ndarray):
                values.setflags(write=False)
            self._values[field] = values
        for row, reason in measured.broken.items():
            self.broken.setdefault(int(row), reason)
        held = (values.nbytes for values in self._values.values() if isinstance(values, np.ndarray))
        self.most_bytes = max(self.most_bytes, sum(held))
        self._decoded |= {m.modality for m in wanted.values()}
        self.facts.append({"measures": sorted(m.name for m in wanted.values()), **measured.facts})
        for sentence in measured.notes:
            self._note(sentence)
        give_back(len(self._table))

    def decode(self) -> None:
        """Make sure that every medium and series of the task was decoded once, so that `broken` is complete."""
        due = [role for role in self._table.task.modalities if role in (*MEDIA, "series") and role not in self._decoded]
        self.take([probe(role) for role in due])

    def sampled(self, measure: Measure, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Values of a measure for some rows only; the cache has them for the pass over all rows."""
        part = self._table.select(rows)
        return take(part, [measure], self._settings, self._cache).values

    def value(self, field: str) -> np.ndarray:
        """(n, ...) values of a field, measured now if it is not known yet. Raises ConfigError for an unknown name."""
        found = self.rows(field)
        return found if isinstance(found, np.ndarray) else np.asarray(found)

    def rows(self, field: str) -> np.ndarray | PartedRows:
        """The same, left in parts of the cache where other machines measured it."""
        if field not in self._values:
            self.take(self.named([field]))
        return self._values[field]

    def forget(self, fields: Sequence[str]) -> None:
        """Give back the memory of values that hardly anything will ask for again; `value` takes them anew."""
        for field in fields:
            self._values.pop(field, None)

    def named(self, names: Sequence[str]) -> list[Measure]:
        """The measures behind these fields (or measures), each once. Raises ConfigError for an unknown name."""
        return registered(names)


def registered(names: Sequence[str]) -> list[Measure]:
    """Measures that come with the library by the names of their fields, or their own. Raises ConfigError."""
    from curate.evidence.measures import MEASURES, by_field

    own = {measure.name: measure for measure in MEASURES}
    found = [own[name] if name in own else by_field(name) for name in names]
    return list({measure.name: measure for measure in found}.values())


def probe(role: str) -> Measure:
    """A cheap measure of that role: asking for it shows which rows can't be decoded."""
    return registered([f"{role}.statistics"])[0]
