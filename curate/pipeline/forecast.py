"""What a run would do, told from a part of the rows: counts by step and the time; nothing is written."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from curate.engines.local import cores
from curate.engines.watched import MOST_PROCESSES
from curate.errors import CurateError, GateFailed
from curate.evidence.encoders.choice import part_of
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.run import carried_out, undoable
from curate.pipeline.sourcing import load_source
from curate.pipeline.state import State
from curate.table import Table
from curate.task import MEDIA

SAMPLE = 1_000
"""Rows that are tried; sets of no more are told exactly."""
DECODER_BYTES = 150_000_000
"""Memory of a process that decodes, beside what it shares with this one."""
FEW = 50
"""Rows that are tried before, so that loading models and libraries is not counted once for every thousand rows."""


@dataclass(frozen=True)
class Foreseen:
    """What a step would do.

    Attributes:
        step: its name in the pipeline.
        kind: check, transform, balance or augment.
        flagged: rows that it would flag; None for steps that flag none.
        entries: that it would write into the ledger.
        rows: that would be left after it and can be read, as later steps see them.
        seconds: that it would take, decoding and measuring for it left out.
    """

    step: str
    kind: str
    flagged: int | None
    entries: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """What a run would do.

    Attributes:
        rows: that the source gives.
        tried: of them.
        steps: in the order in which they would run, up to the one at which the run would stop.
        draws: lines that the plan would have, None where the run would stop.
        seconds: that the run would take without what the cache knows.
        memory: bytes that it would take at most (`docs/memory.md`), None where the system doesn't tell.
        stops: why the run would stop (a fix would touch more rows than its limit allows), or None.
    """

    rows: int
    tried: int
    steps: tuple[Foreseen, ...]
    draws: int | None
    seconds: float
    memory: int | None
    stops: str | None = None

    def __str__(self) -> str:
        """A table for people."""
        about = "" if self.tried == self.rows else f" (told from {self.tried:,} of them, evenly spaced)"
        width = max([len(step.step) for step in self.steps], default=4)
        lines = [f"{self.rows:,} rows{about}; nothing is written"]
        lines.append(f"{'step':{width}}  {'flagged':>9}  {'entries':>9}  {'rows left':>10}  {'seconds':>8}")
        for step in self.steps:
            flagged = "" if step.flagged is None else f"{step.flagged:,}"
            lines.append(
                f"{step.step:{width}}  {flagged:>9}  {step.entries:>9,}  {step.rows:>10,}  {step.seconds:>8.1f}"
            )
        if self.stops is not None:
            lines.append(f"the run would stop here: {self.stops}")
        else:
            lines.append(f"the plan would have {self.draws:,} draws")
        lines.append(f"about {self.seconds:,.0f} s in all, less what the cache knows")
        if self.memory is not None:
            lines.append(f"at most {self.memory / 1e9:,.1f} GB of memory")
        if self.tried < self.rows:
            lines.append("of copies and leaks fewer are found in a part than in the whole")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def forecast(
    pipeline: Pipeline,
    data: Any = None,
    *,
    sample: int = SAMPLE,
    undo: Sequence[str] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Forecast:
    """Try a pipeline on a part of the rows, in memory, and tell what it would do to all.

    Counts and times are those of the part, times the rows that there are for each row of it. What takes two rows to
    see (duplicates, leaks between splits) is rarer in a part than in the whole. Memory is the peak of this process so
    far, and what all rows take beyond those tried.

    Args:
        pipeline: the pipeline.
        data: a `Table`, or anything that `curate.load` takes; the pipeline's source if None.
        sample: rows that are tried at most.
        undo: names of steps whose entries would be left out of the ledger before the plan is made.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: a step can't be used for this task, there is no data, or `undo` names no step that decides.
        DataError: the data can't be read.
    """
    undone = undoable(pipeline, undo)
    table = load_source(pipeline, data)
    part = _part(table, sample)
    times = len(table) / max(len(part), 1)
    stops: str | None = None
    seen: list[State] = []
    with part_of(len(table)):
        loading = _loading(pipeline, table) if len(part) < len(table) else 0.0
        began = time.perf_counter()
        try:
            carried_out(pipeline, part, None, progress, begun=seen.append)
        except GateFailed as failed:
            stops = str(failed)
    [state] = seen
    seconds = loading + (time.perf_counter() - began) * times
    entries = state.ledger.without(undone).table
    of_classes = Counter(entries.filter(pc.is_null(entries["row_id"]))["step"].to_pylist())
    log = [line | {"entries": 0} if line["step"] in undone else line for line in state.log]
    steps = tuple(_foreseen(line, state, times, of_classes[line["step"]]) for line in log)
    state.decisions = [state.ledger.without(undone)]
    draws = None if stops is not None else round(_draws(state) * times)
    memory = _peak_bytes()
    if memory is not None:
        workers = min(pipeline.evidence.workers or cores(), MOST_PROCESSES)
        memory += state.evidence.footprint().growth(len(part), len(table))
        memory += DECODER_BYTES * workers * any(role in MEDIA for role in table.task.modalities)
    return Forecast(len(table), len(part), steps, draws, round(seconds, 1), memory, stops)


def _peak_bytes() -> int | None:
    """Largest resident memory of this process so far."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if platform.system() == "Darwin" else 1024)


def _loading(pipeline: Pipeline, table: Table) -> float:
    """Seconds that a run over a few rows takes: mostly what is loaded once."""
    began = time.perf_counter()
    with suppress(CurateError):  # few rows may be too few for a step: what is wrong is said of the larger part
        carried_out(pipeline, _part(table, FEW), None, None)
    return time.perf_counter() - began


def _part(table: Table, sample: int) -> Table:
    if len(table) <= sample:
        return table
    return table.select(np.unique(np.linspace(0, len(table) - 1, sample).round().astype(np.int64)))


def _foreseen(line: dict[str, Any], state: State, times: float, of_classes: int) -> Foreseen:
    """What a step would do; entries about classes are as many in the whole."""
    name, flagged = line["step"], None
    if line["kind"] == "check":
        lines = [found.only(name).flagged for found in state.findings if name in found.summary]
        flagged = round(sum(len(pc.unique(one["row"])) for one in lines) * times)
    return Foreseen(
        name,
        line["kind"],
        flagged,
        of_classes + round((line["entries"] - of_classes) * times),
        round(line["rows"] * times),
        round(line["seconds"] * times, 1),
    )


def _draws(state: State) -> int:
    verdict, broken = state.verdict(), np.zeros(len(state.table), dtype=bool)
    broken[list(state.evidence.broken)] = True
    return int((1 + verdict.repeats)[~verdict.dropped & ~broken].sum())
