"""The audit: the pipeline stopped at its findings; nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from curate import registry
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings
from curate.findings import Findings
from curate.pipeline.cache_folder import resolve
from curate.report import Report
from curate.sources import load
from curate.step import Check, Step
from curate.table import Table
from curate.task import Task


def audit(
    data: Any,
    checks: Sequence[str | Check] | None = None,
    *,
    task: Task | None = None,
    evidence: EvidenceSettings | None = None,
    seed: int = 0,
    cache: str | Path | bool | None = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Find out what is wrong with a dataset.

    Args:
        data: a `Table`, or anything that `curate.load` takes.
        checks: names or instances; every check that applies if None.
        task: roles of the columns, for data that is not a `Table`.
        evidence: encoder, folds, limits.
        seed: of folds and heads.
        cache: folder of the cache; True for the default one, None for none.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: an unknown check, or one that can't be used for this task.
        DataError: the data can't be read.
    """
    started = time.perf_counter()
    table = data if isinstance(data, Table) else load(data, task)
    chosen = choose(table.task, checks)
    found = Evidence(table, evidence, cache=resolve(cache), seed=seed, progress=progress)
    found.prepare(needs(chosen, table.task), embedding=any(check.embeds for check in chosen))
    parts, notes = [], []
    for i, check in enumerate(chosen):
        if progress is not None:
            progress(check.name, i, len(chosen))
        parts.append(check.find(found))
        notes += idle(check, parts[-1], table)
    return Report(
        table,
        Findings.join(parts),
        notes=(*table.notes, *found.notes, *notes),
        facts={"evidence": found.facts()},
        seconds=time.perf_counter() - started,
    )


def needs(steps: Sequence[Step], task: Task) -> list[str]:
    """The per-row measures that the checks among the steps will ask for."""
    return list(dict.fromkeys(name for s in steps if isinstance(s, Check) for name in s.needs(task)))


def idle(check: Check, findings: Findings, table: Table) -> list[str]:
    """A sentence if a check judged no row of a table that has rows; it would not appear in the summary otherwise."""
    return [f"{check.name} judged no row: it found nothing to judge by"] if len(table) and not len(findings) else []


def choose(task: Task, checks: Sequence[str | Check] | None) -> list[Check]:
    """The checks to run: those that were asked for, or every default check that applies to the task.

    Raises:
        ConfigError: a name is not that of a check, or a check that was asked for does not apply.
    """
    if checks is None:
        known = [registry.step(name) for name in registry.step_names()]
        defaults = [cls() for cls in known if issubclass(cls, Check) and cls.default]
        return [check for check in defaults if check.refuses(task) is None]
    chosen, problems = [], []
    for given in checks:
        check = given if isinstance(given, Check) else _check(given)
        if why := check.refuses(task):
            problems.append(why if why.startswith(check.name) else f"{check.name}: {why}")
        chosen.append(check)
    if problems:
        raise ConfigError("\n".join(problems))
    return chosen


def _check(name: str) -> Check:
    cls = registry.step(name)
    if not issubclass(cls, Check):
        raise ConfigError(f"{name!r} is a {cls.kind} step, not a check")
    return cls()
