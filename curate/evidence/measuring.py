"""The measuring pass: a row is read once, decoded once and shown to all measures, or comes from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.engines.engine import current
from curate.errors import ConfigError
from curate.evidence.cache import Cache
from curate.evidence.keeper import Keeper, Pace
from curate.evidence.measure import Measure
from curate.evidence.memory import blanks, ceiling
from curate.evidence.one_pass import Held, OnePass
from curate.evidence.parts.merging import join_parts
from curate.evidence.parts.rows import PartedRows
from curate.evidence.parts.writing import parted_fields, wide
from curate.evidence.settings import EvidenceSettings
from curate.table import Table

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Measured:
    """What a pass found.

    Attributes:
        values: field -> (n, *shape) array in the order of the table; NaN, -1, 0 (unsigned, bool) or "" in rows
            that have no value. Where parts were allowed, fields of several numbers may be `PartedRows`.
        broken: row -> why it could not be read, decoded or measured; for the modalities of the measures asked for.
        facts: modality -> ``rows`` (of distinct content that the source could read), ``hits`` (of them, wholly from
            the cache), ``measured`` (read and decoded now), ``broken``; and ``seconds``.
        notes: sentences for the run's summary: a cache that could not be written, damaged chunks.
    """

    values: dict[str, Any]
    broken: dict[int, str]
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def take(
    table: Table,
    measures: Sequence[Measure],
    settings: EvidenceSettings,
    cache: Path | None = None,
    progress: Progress | None = None,
    pace: Pace = Pace(),  # noqa: B008 (frozen)
    parts: bool = False,
) -> Measured:
    """Measure every row that can be read: one decoding pass per modality, from the cache where it has the row.

    Rows of equal content are measured once. The values depend on the content of a row, the measures and the settings
    alone: not on workers, chunks, the order of rows or what the cache held.

    Args:
        table: the rows.
        measures: of any modalities that the task has, each at most once.
        settings: limits of what is read and decoded, and the number of threads.
        cache: folder of the cache, None for none.
        progress: called with (stage, done, total) in rows of distinct content.
        pace: sizes of chunks.
        parts: leave fields of several numbers in the cache where other machines measure; see `PartedRows`.

    Raises:
        ConfigError: a measure of a modality that the task does not have, or two measures with a field of one name.
        DataError: a measure failed on every row.
        StorageError: `cache` is a file.
        MissingPackage: a decoder or a measure needs an extra that is not installed.
    """
    _check(table, measures)
    started = time.perf_counter()
    broken, facts, notes = _unreadable(table), {}, []
    store = None if cache is None else Cache(cache)
    lying = parted_fields(measures, len(table)) if parts and store is not None and current().remote else {}
    if parts and store is None and current().remote and any(wide(m.fields) for m in measures):
        notes.append("without a cache that all nodes share, measured vectors go through this process")
    fields = {n: f for m in measures for n, f in m.fields.items() if n not in lying}
    values: Held = {**blanks(fields, len(table), ceiling(settings.memory)), **lying}
    for modality in dict.fromkeys(m.modality for m in measures):
        keeper = Keeper(store, table, notes, pace)
        work = OnePass(table, modality, [m for m in measures if m.modality == modality], settings, keeper, pace)
        gone, facts[modality] = work.run(values, progress)
        broken = gone | broken
    for measure in measures:
        if several := [own for name in measure.fields if isinstance(own := values[name], PartedRows) and own.parts]:
            join_parts(measure.fields, several)
        for name in wide(measure.fields):
            if isinstance(own := values[name], PartedRows):
                own.again = partial(_again, table, measure, name, settings)
                values[name] = own if own.parts else np.asarray(own)
    facts["seconds"] = round(time.perf_counter() - started, 3)
    return Measured(values, dict(sorted(broken.items())), facts, notes)


def _again(table: Table, measure: Measure, field: str, settings: EvidenceSettings, rows: np.ndarray) -> np.ndarray:
    """(m, ...) values of some rows, measured anew."""
    return take(table.select(rows), [measure], settings).values[field]


def _check(table: Table, measures: Sequence[Measure]) -> None:
    seen: set[str] = set()
    for measure in measures:
        if getattr(table.task, measure.modality, None) in (None, ()):
            raise ConfigError(
                f"the measure {measure.name} needs {measure.modality}, and the task has"
                f" {' and '.join(table.task.modalities) or 'no input'}"
            )
        if twice := seen & set(measure.fields):
            raise ConfigError(f"two measures give {', '.join(sorted(twice))}")
        seen |= set(measure.fields)


def _unreadable(table: Table) -> dict[int, str]:
    problems = table.problems.select(["row", "issue", "reason"]).to_pylist()
    return {p["row"]: p["reason"] for p in reversed(problems) if p["issue"] == "unreadable"}
