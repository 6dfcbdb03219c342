"""Measures of the mask column: a pass of its own, kept by the content of the masks and not of the images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.evidence.measure import Measure
from curate.evidence.measuring import Progress, take
from curate.evidence.settings import EvidenceSettings
from curate.media.content import content_hashes
from curate.table import PROBLEMS, Table
from curate.task import Task


@dataclass(frozen=True)
class Masks:
    """What is known of the masks of a table.

    Attributes:
        values: field without its prefix -> (n, ...) array, blank in rows without a mask that can be read.
        present: (n,) bool, rows that name a mask.
        broken: row -> why its mask can't be read.
        content: (n, 2) uint64, 128-bit hash of the encoded mask.
    """

    values: dict[str, np.ndarray]
    present: np.ndarray
    broken: dict[int, str]
    content: np.ndarray


def measure_masks(
    table: Table, measure: Measure, settings: EvidenceSettings, cache: Path | None, progress: Progress | None
) -> Masks:
    """Decode and measure every mask once, or take it from the cache: one decoding pass over the masks."""
    name = table.task.mask or ""
    column = table.column(name)
    present = column.is_valid().to_numpy()
    hashed = content_hashes([column], table.root)
    missing = np.flatnonzero(~present)
    problems = pa.table(
        [missing, pa.repeat(pa.scalar("unreadable"), len(missing)), pa.repeat(pa.scalar("no mask"), len(missing))],
        schema=PROBLEMS,
    )
    own = replace(
        table,
        task=Task(kind="unlabeled", image=name, mask=name),
        content=hashed.content,
        problems=problems,
    )
    measured = take(own, [measure], settings, cache, progress)
    broken = {row: why for row, why in measured.broken.items() if present[row]}
    values = {field.partition(".")[2]: array for field, array in measured.values.items()}
    return Masks(values, present, broken | {r: w for r, w in hashed.failures.items() if present[r]}, hashed.content)
