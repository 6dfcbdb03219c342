"""Carrying a pipeline out: rows through its steps, decisions into the ledger, the ledger into a plan."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.engines.choosing import EngineName, chosen
from curate.errors import ConfigError, nearest
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.ledger import Decisions
from curate.pipeline.accounts import balance_accounts, rows_per_split
from curate.pipeline.auditing import needs
from curate.pipeline.cache_folder import resolve
from curate.pipeline.cache_use import known_files, within_limit
from curate.pipeline.cautions import hardly_meant, without_text
from curate.pipeline.curated import CHANGES, Curated
from curate.pipeline.drawing import make_plan
from curate.pipeline.files import refuse_folder
from curate.pipeline.kept_steps import KeptSteps
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.refusals import refuse
from curate.pipeline.sourcing import load_source
from curate.pipeline.state import State
from curate.pipeline.transforming import described
from curate.report.views import Views
from curate.step import Check, Step, Transform
from curate.table import Table

Progress = Callable[[str, int, int], None]


def run(
    pipeline: Pipeline,
    data: Any = None,
    out: Path | None = None,
    *,
    cache: str | Path | bool | None = True,
    progress: Progress | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    from_step: str | None = None,
    undo: Sequence[str] | str = (),
    rehash: bool = False,
) -> Curated:
    """Carry a pipeline out.

    What each step gave is kept in the cache: a run that was stopped goes on at the step where it was, and one whose
    settings were changed begins with the first step that differs.

    Args:
        pipeline: the pipeline.
        data: a `Table`, or anything that `curate.load` takes; the pipeline's source if None.
        out: folder for the result (renamed into place when all is done), None to keep it in memory.
        cache: folder of the cache; True for the default one, None for none.
        progress: called with (stage, done, total).
        engine: where rows are measured and estimates made: local (threads of this process), or ray (a cluster). The
            result is the same.
        address: of the Ray cluster: auto (the default), local, ``host:port`` or ``ray://host:port``.
        from_step: carry out this step and all after it, whatever is kept of them.
        undo: names of steps whose entries are left out of the ledger before the plan is made; later steps saw them.
        rehash: read every file, also where path, size and times are those of an earlier run.

    Raises:
        ConfigError: a step can't be used for this task, there is no data, `out` holds something else, or `from_step` or
            `undo` names no step of the pipeline.
        LimitExceeded: a fix would have touched more rows than its limit.
        DataError: the data can't be read, or the accounts don't balance.
        StorageError: `out` can't be written, or the cluster can't be reached.
    """
    undone = undoable(pipeline, [undo] if isinstance(undo, str) else undo)
    anew = None if from_step is None else position(pipeline, from_step, "--from")
    if out is not None:
        refuse_folder(out)
    folder, started = resolve(cache), time.perf_counter()
    with chosen(engine, address):
        with known_files(folder, rehash) as read:
            table = load_source(pipeline, data)
        state = carried_out(pipeline, table, folder, progress, anew)
        state.notes += [*read.notes, *state.kept.notes, *within_limit(folder)]
        return _finish(pipeline, state, out, undone, started)


def carried_out(
    pipeline: Pipeline,
    table: Table,
    folder: Path | None = None,
    progress: Progress | None = None,
    anew: int | None = None,
    begun: Callable[[State], None] | None = None,
) -> State:
    """The state after all steps.

    Args:
        pipeline: the pipeline.
        table: the rows.
        folder: of the cache, None for none.
        progress: called with (stage, done, total).
        anew: place of the first step that is carried out whatever is kept.
        begun: is given the state before the first step.

    Raises:
        ConfigError: a step can't be used for this task.
        LimitExceeded: a fix would have touched more rows than its limit.
    """
    refuse(pipeline, table)
    tell = progress or (lambda stage, done, total: None)
    measure = partial(_evidence, pipeline=pipeline, cache=folder, progress=progress)
    kept = KeptSteps(folder, pipeline, table, anew)
    state = State(table, measure, measure(table), rows_per_split(table), kept, pipeline.seed, given=described(table))
    if begun is not None:
        begun(state)
    for i, (step, name) in enumerate(zip(pipeline.located(), pipeline.step_names)):
        tell(name, i, len(pipeline.steps))
        began, before = time.perf_counter(), len(state.ledger)
        if i == 0 or isinstance(pipeline.steps[i - 1], Transform):
            ahead = _ahead(pipeline.steps[i:])
            task = state.table.task
            state.evidence.prepare(needs(ahead, task), embedding=any(s.wants_embedding(task) for s in ahead))
        from_cache = state.take(step, name)
        state.log.append(
            {"step": name, "kind": step.kind, "seconds": time.perf_counter() - began, "from_cache": from_cache}
            | {"entries": len(state.ledger) - before, "rows": int(state.evidence.active.sum())}
        )
    tell("plan", len(pipeline.steps), len(pipeline.steps))
    return state


def position(pipeline: Pipeline, name: str, asked: str) -> int:
    """The place of a step by its name in the pipeline (``label_errors``, ``label_errors#2``). Raises ConfigError."""
    names = pipeline.step_names
    if name not in names:
        known = ", ".join(names) or "none"
        raise ConfigError(f"{asked}: the pipeline has no step {name!r}{nearest(name, names)}; its steps: {known}")
    return names.index(name)


def undoable(pipeline: Pipeline, names: Sequence[str]) -> list[str]:
    """Steps whose entries can be left out. Raises ConfigError: no such step, or one that changed what rows hold."""
    for name in names:
        step = pipeline.steps[position(pipeline, name, "--undo")]
        if isinstance(step, Transform):
            raise ConfigError(
                f"--undo: {name} is a transform: it changed what rows hold, which no entry of the ledger says. Take it"
                " out of the pipeline and run that; earlier steps are not carried out again"
            )
    return list(dict.fromkeys(names))


def _evidence(table: Table, *, pipeline: Pipeline, cache: Path | None, progress: Progress | None) -> Evidence:
    return Evidence(table, pipeline.evidence, cache=cache, seed=pipeline.seed, progress=progress)


def _ahead(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps up to the next transform, which gives rows other content to measure."""
    return tuple(takewhile(lambda step: not isinstance(step, Transform), steps))


def _finish(pipeline: Pipeline, state: State, out: Path | None, undone: list[str], started: float) -> Curated:
    table, broken = state.table, state.evidence.broken
    if undone:
        left = state.ledger.without(undone)
        state.notes += [_left_out(name, state) for name in undone]
        state.decisions = [left]
    state.decisions.append(_unreadable(table, broken, state.ledger))
    ledger, verdict = state.ledger, state.verdict()
    recipes = [recipe for name, recipe in state.recipes.items() if name not in undone]
    recipe = json.dumps(recipes, sort_keys=True, ensure_ascii=False) if recipes else None
    plan = make_plan(table, verdict, recipe)
    unreadable = np.fromiter(broken, dtype=np.int64, count=len(broken))
    accounts = balance_accounts(table, state.read, unreadable, verdict, plan)
    findings = Findings.join(state.findings)
    curated = Curated(
        table=table,
        findings_=findings,
        views=Views.of(state.evidence, _last_checks(pipeline.steps), findings),
        ledger_=ledger,
        plan=plan,
        class_weights=verdict.class_weights,
        pipeline=pipeline,
        accounts=accounts,
        facts={
            "seconds": round(time.perf_counter() - started, 3),
            "steps": state.log,
            **({"undone": undone} if undone else {}),
            "evidence": state.evidence.facts(),
            "fitted": state.fitted,
            "given": state.given,
        },
        notes=tuple(
            dict.fromkeys(
                (*table.notes, *hardly_meant(pipeline), *without_text(table, plan), *state.notes, *state.evidence.notes)
            )
        ),
        changes=pa.concat_tables([CHANGES.empty_table(), *state.changes]),
    )
    if out is not None:
        curated = curated.save(out)
    return curated


def _left_out(name: str, state: State) -> str:
    entries = int((np.asarray(state.ledger.table["step"]) == name).sum())
    return f"undone: {entries:,} entries of {name} are left out of the ledger"


def _last_checks(steps: tuple[Step, ...]) -> list[Check]:
    """The checks after the last transform: what they measured is measured of the rows as they are now."""
    last = max((i for i, step in enumerate(steps) if isinstance(step, Transform)), default=-1)
    return [step for step in steps[last + 1 :] if isinstance(step, Check)]


def _unreadable(table: Table, broken: Any, ledger: Decisions) -> Decisions:
    """Entries for rows that can't be read: they are left out whatever the steps say, and the ledger tells why."""
    dropped = set(ledger.table.filter(np.asarray(ledger.table["action"]) == "drop")["row_id"].to_pylist())
    rows = [row for row in sorted(broken) if str(table.row_ids[row]) not in dropped]
    reasons = [broken[row] for row in rows]
    return Decisions.of("unreadable", "drop", [str(table.row_ids[r]) for r in rows], reasons, np.zeros(len(rows)))
