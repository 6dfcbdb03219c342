"""Carrying a pipeline out: rows through its steps, decisions into the ledger, the ledger into a plan."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate import registry
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence
from curate.findings import Findings
from curate.fixes import _guard
from curate.ledger import Decisions, Verdict
from curate.made import Made
from curate.pipeline.accounts import balance_accounts, refuse_lost_rows, rows_per_split
from curate.pipeline.adding import with_made
from curate.pipeline.auditing import idle, needs
from curate.pipeline.cache_folder import resolve
from curate.pipeline.cautions import hardly_meant, without_text
from curate.pipeline.curated import CHANGES, Curated
from curate.pipeline.drawing import make_plan
from curate.pipeline.files import refuse_folder
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.transforming import described
from curate.pipeline.verdicts import verdict_of
from curate.randomness import generator
from curate.report.views import Views
from curate.sources import load
from curate.sources.opening import is_hub_name
from curate.step import Augment, Balance, Check, Step, Transform
from curate.table import Table
from curate.task import Task

Progress = Callable[[str, int, int], None]


@dataclass
class _State:
    """What has become of the rows so far; the only thing that changes while a pipeline runs."""

    table: Table
    measure: Callable[[Table], Evidence]
    evidence: Evidence
    read: dict[str, int]
    decisions: list[Decisions] = field(default_factory=list)
    findings: list[Findings] = field(default_factory=list)
    recipes: list[dict[str, Any]] = field(default_factory=list)
    fitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    transforms: list[tuple[Transform, dict[str, Any]]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[pa.Table] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def ledger(self) -> Decisions:
        return Decisions.join(self.decisions)

    def verdict(self) -> Verdict:
        return verdict_of(self.ledger, self.table)


def run(
    pipeline: Pipeline,
    data: Any = None,
    out: Path | None = None,
    *,
    cache: str | Path | bool | None = True,
    progress: Progress | None = None,
) -> Curated:
    """Carry a pipeline out.

    Args:
        pipeline: the pipeline.
        data: a `Table`, or anything that `curate.load` takes; the pipeline's source if None.
        out: folder for the result (renamed into place when all is done), None to keep it in memory.
        cache: folder of the cache; True for the default one, None for none.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: a step can't be used for this task, there is no data, or `out` holds something else.
        LimitExceeded: a fix would have touched more rows than its limit.
        DataError: the data can't be read, or the accounts don't balance.
    """
    started = time.perf_counter()
    if out is not None:
        refuse_folder(out)
    table = load_source(pipeline, data)
    _refuse(pipeline, table)
    tell = progress or (lambda stage, done, total: None)
    measure = partial(_evidence, pipeline=pipeline, cache=resolve(cache), progress=progress)
    state = _State(table, measure, measure(table), rows_per_split(table), given=described(table))
    for i, (step, name) in enumerate(zip(pipeline.located(), pipeline.step_names)):
        tell(name, i, len(pipeline.steps))
        began, before = time.perf_counter(), len(state.ledger)
        if i == 0 or isinstance(pipeline.steps[i - 1], Transform):
            ahead = _ahead(pipeline.steps[i:])
            task = state.table.task
            state.evidence.prepare(needs(ahead, task), embedding=any(s.wants_embedding(task) for s in ahead))
        _take(step, name, state, pipeline.seed)
        state.log.append(
            {"step": name, "kind": step.kind, "seconds": time.perf_counter() - began}
            | {"entries": len(state.ledger) - before, "rows": len(state.table)}
        )
    tell("plan", len(pipeline.steps), len(pipeline.steps))
    return _finish(pipeline, state, out, time.perf_counter() - started)


def _evidence(table: Table, *, pipeline: Pipeline, cache: Path | None, progress: Progress | None) -> Evidence:
    return Evidence(table, pipeline.evidence, cache=cache, seed=pipeline.seed, progress=progress)


def load_source(pipeline: Pipeline, data: Any = None) -> Table:
    """The rows that a pipeline runs on: the data that are given, or its own source. Raises ConfigError, DataError."""
    if isinstance(data, Table):
        return data
    options: dict[str, Any] = {}
    if data is None:
        if pipeline.source is None:
            raise ConfigError("there is no data: the pipeline names no source, and none was given")
        options = pipeline.source.model_dump(exclude_defaults=True, exclude={"path"})
        if "root" in options:
            options["root"] = pipeline.folder / options["root"]
        path = pipeline.source.path
        data = _beside(pipeline, path) if isinstance(path, str) else [_beside(pipeline, p) for p in path]
    return load(data, _with_target(pipeline), **options)


def _with_target(pipeline: Pipeline) -> Task | None:
    """The pipeline's task, with the path of its target relative to the file resolved; a split's name stays."""
    task = pipeline.task
    if task is None or task.target is None or not (pipeline.folder / task.target).exists():
        return task
    return task.model_copy(update={"target": os.path.normpath(pipeline.folder / task.target)})


def _beside(pipeline: Pipeline, path: str) -> str:
    """A path of the pipeline file, relative to it; hub ids and URLs stay as they are. Raises DataError."""
    local = Path(os.path.normpath(pipeline.folder / path))
    if "://" in path or (is_hub_name(path) and not local.parent.is_dir()):
        return path
    if not local.exists() and not any(c in path for c in "*?["):
        raise DataError(
            f"{local}: there is no such file or folder; it is the source that the pipeline names, relative to its"
            " file. Correct it, or name other data for this run (--source on the command line)"
        )
    return str(local)


def _refuse(pipeline: Pipeline, table: Table) -> None:
    """Say at once, before anything is measured, which steps can't be used for this task."""
    refusals, task = [], table.task
    for step, name in zip(pipeline.located(), pipeline.step_names):
        try:
            why = step.refuses(task)
            if why is None and isinstance(step, Augment):
                step.recipe(task)
            if why is None and isinstance(step, Check) and step.fix is not None:
                refused = [no for fix in registry.fixes(step.fix) if (no := fix.refuses(task))]
                why = "; ".join(refused) or None
            if why is None and isinstance(step, Transform):
                task = step.becomes(task)
        except ConfigError as error:
            why = str(error)
        if why is not None:
            refusals.append(why if why.startswith(step.name) else f"{name}: {why}")
    if refusals:
        raise ConfigError("\n".join(refusals))


def _ahead(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps up to the next transform, which gives rows other content to measure."""
    return tuple(takewhile(lambda step: not isinstance(step, Transform), steps))


def _take(step: Step, name: str, state: _State, seed: int) -> None:
    if isinstance(step, Check):
        findings = step.find(state.evidence)
        state.findings.append(findings.renamed(step.name, name))
        state.notes += idle(step, findings, state.table)
        if step.fix is not None:
            _decide(_guard.apply(step, findings, state.evidence), name, state)
    elif isinstance(step, Balance):
        rng = generator(seed, step=name)
        decided = step.decide(state.evidence.labels, state.evidence, rng)
        if isinstance(decided, Made):
            _add(decided, name, state)
        else:
            _decide(decided, name, state)
    elif isinstance(step, Transform):
        fitted = step.fit(state.table.select(np.flatnonzero(state.evidence.active)))
        if fitted:
            state.fitted[name] = fitted
        state.transforms.append((step, fitted))
        before, state.table = state.table, step.apply(state.table, fitted)
        refuse_lost_rows(before, state.table, name)
        changes = _changed(before, state.table, name)
        state.changes.append(changes)
        made = changes.filter(pc.is_valid(changes["parent"]))
        parents = dict(zip(made["row_id"].to_pylist(), made["parent"].to_pylist()))
        if parents:
            state.decisions.append(state.ledger.handed_down(parents))
        state.notes += state.evidence.notes
        state.evidence = state.measure(state.table)
        _follow(state)
        _decide(step.weigh(state.table), name, state)
    elif isinstance(step, Augment):
        labels = state.evidence.labels
        recipe = step.settled(labels, state.evidence).recipe(state.table.task)
        state.recipes.append(recipe)
        state.notes += _uncovered(state.table, recipe)
        _decide(step.decide(labels, state.evidence, generator(seed, step=name)), name, state)
    else:
        raise ConfigError(f"{name}: a {type(step).__name__} is no check, transform, balance or augment step")


def _uncovered(table: Table, recipe: dict[str, Any]) -> list[str]:
    """Sentences about operations that leave many texts as they are."""
    if not recipe.get("text"):
        return []
    from curate.augment._coverage import coverage, notes

    slow = any(isinstance(one, dict) and set(one) & {"contextual_words", "back_translate"} for one in recipe["text"])
    return notes(coverage(table, [recipe], rows=20 if slow else 200))


def _changed(before: Table, after: Table, step: str) -> pa.Table:
    """Ids of the rows whose content a transform changed, and of new rows with the row that each was made from."""
    changed = np.ones(len(after), dtype=bool)
    if len(before) == len(after) and (before.row_ids == after.row_ids).all():
        changed = (before.content != after.content).any(axis=1)
    ids = after.row_ids[changed]
    parents = pa.nulls(len(ids), pa.string())
    if after.parents is not None:
        above = after.parents[changed]
        new = ~np.isin(ids, before.row_ids) & (above != ids)
        parents = pa.array(above, pa.string(), mask=~new)
    steps = pa.repeat(pa.scalar(step), len(ids))
    return pa.table({"row_id": pa.array(ids, pa.string()), "step": steps, "parent": parents}, CHANGES)


def _add(made: Made, name: str, state: _State) -> None:
    """New rows behind the others, and the entries that say how they were made."""
    if made.rows.num_rows:
        state.table = with_made(state.table, made, name)
        for transform, fitted in state.transforms:
            state.table = transform.completed(state.table, fitted)
        state.notes += state.evidence.notes
        state.evidence = state.measure(state.table)
    if len(made.decisions):
        state.decisions.append(made.decisions.by(name))
    _follow(state)


def _decide(decisions: Decisions, name: str, state: _State) -> None:
    if len(decisions):
        state.decisions.append(decisions.by(name))
        _follow(state)


def _follow(state: _State) -> None:
    verdict = state.verdict()
    labels = state.table.labels
    labels = labels.with_codes(verdict.codes)
    state.evidence = state.evidence.following(~verdict.dropped, labels, verdict.repeats)


def _finish(pipeline: Pipeline, state: _State, out: Path | None, seconds: float) -> Curated:
    table, broken = state.table, state.evidence.broken
    state.decisions.append(_unreadable(table, broken, state.ledger))
    ledger, verdict = state.ledger, state.verdict()
    recipe = json.dumps(state.recipes, sort_keys=True, ensure_ascii=False) if state.recipes else None
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
            "seconds": round(seconds, 3),
            "steps": state.log,
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
