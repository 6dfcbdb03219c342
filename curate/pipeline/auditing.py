"""The audit: the pipeline stopped at its findings; nothing is changed."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curate import registry
from curate.declared import settings_of
from curate.engines.choosing import EngineName
from curate.engines.choosing import chosen as at_work
from curate.errors import ConfigError, CurateError, GateFailed, MissingPackage, StorageError
from curate.evidence.freed import give_back
from curate.evidence.settings import EvidenceSettings
from curate.findings import Findings
from curate.pipeline.cache_folder import resolve
from curate.pipeline.cache_use import known_files, within_limit
from curate.pipeline.cautions import nested_features
from curate.pipeline.kept_audit import Found, KeptAudit
from curate.report import Report
from curate.report.views import Views
from curate.sources import load
from curate.step import Check, Step
from curate.table import Table
from curate.task import Task

if TYPE_CHECKING:  # loaded when an audit is not found in the cache
    from curate.evidence.evidence import Evidence
    from curate.pipeline.augment_audit import AugmentAudit
    from curate.pipeline.pipeline import Pipeline


def audit(
    data: Any,
    checks: Sequence[str | Check] | None = None,
    *,
    task: Task | None = None,
    evidence: EvidenceSettings | Mapping[str, Any] | None = None,
    seed: int = 0,
    cache: str | Path | bool | None = True,
    progress: Callable[[str, int, int], None] | None = None,
    on_fault: Literal["skip", "raise"] = "skip",
    augment: AugmentAudit | Pipeline | str | Path | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    rehash: bool = False,
) -> Report:
    """Find out what is wrong with a dataset.

    A check that breaks down (a missing package, a fault of its own) is left out, and the others go on: `report.skipped`
    says which and why. Checks that were asked for by name are never left out.

    Peak memory of n texts of b bytes with a label, in d numbers each (WordLlama: 256): about 0.6 GB for libraries,
    models and blocks, 0.4 GB while heads learn from at most 100,000 rows, and n (4 d + 2 b + 500) bytes: the embedding
    once, the texts, and measures, neighbours and findings. The encoder by n-grams, which learns from the set, holds
    more.

    Args:
        data: a `Table`, or anything that `curate.load` takes.
        checks: names or instances; every check that applies if None.
        task: roles of the columns, for data that is not a `Table`.
        evidence: encoder, folds, limits, as `EvidenceSettings` or a mapping.
        seed: of folds and heads.
        cache: folder of the cache; True for the default one, None for none. Over `CURATE_CACHE_LIMIT` (20GB) what
            was not used for longest is removed.
        progress: called with (stage, done, total).
        on_fault: what to do when a check that was not asked for by name breaks down: leave it out, or raise.
        augment: a pipeline or its file; the report shows what its augment steps make of training rows.
        engine: where rows are measured and estimates made: local (threads of this process), or ray (a cluster). The
            result is the same.
        address: of the Ray cluster: auto (the default), local, ``host:port`` or ``ray://host:port``.
        rehash: read every file, also where path, size and times are those of an earlier audit.

    Raises:
        ConfigError: an unknown check, or one that can't be used for this task; a wrong pipeline in `augment`.
        DataError: the data can't be read.
        StorageError: the cluster can't be reached.
    """
    with at_work(engine, address):
        settings = settings_of(EvidenceSettings, evidence, "evidence")
        return _audited(data, checks, task, settings, seed, cache, progress, on_fault, augment, rehash)


def _audited(
    data: Any,
    checks: Sequence[str | Check] | None,
    task: Task | None,
    evidence: EvidenceSettings,
    seed: int,
    cache: str | Path | bool | None,
    progress: Callable[[str, int, int], None] | None,
    on_fault: Literal["skip", "raise"],
    augment: AugmentAudit | Pipeline | str | Path | None,
    rehash: bool,
) -> Report:
    started, folder = time.perf_counter(), resolve(cache)
    if isinstance(checks, str):
        raise ConfigError(f"checks must be a list of names and checks, not {checks!r}")
    with known_files(folder, rehash) as read:
        table = data if isinstance(data, Table) else load(data, task)
    if why := nested_features(table):
        raise ConfigError(why)
    if table.task.target is not None:
        from curate.evidence.target import refuse_missing

        refuse_missing(table)
    tried = None if augment is None else _tried(augment, table)
    skip = checks is None and on_fault == "skip"
    place = KeptAudit.of(folder, table, checks, evidence, seed, skip) if tried is None else None
    found = None if place is None else place.find()
    if found is None or rehash:
        from curate.evidence.evidence import Evidence

        chosen = choose(table.task, checks)
        seen = Evidence(table, evidence, cache=folder, seed=seed, progress=progress)
        seen.prepare(needs(chosen, table.task), embedding=any(check.wants_embedding(table.task) for check in chosen))
        found, lasting = _looked(chosen, seen, progress, skip)
        augmented = None if tried is None else tried.look(seen, progress)
        unkept = place.keep(found) if place is not None and lasting else None
        said = [*read.notes, *([unkept] if unkept else []), *within_limit(folder)]
    else:
        augmented, said = None, list(read.notes)
    return Report(
        table,
        found.findings,
        notes=(*table.notes, *found.notes, *said),
        facts=found.facts,
        seconds=time.perf_counter() - started,
        skipped=found.skipped,
        views=found.views,
        augmented=augmented,
        every_check=checks is None,
    )


def _tried(augment: AugmentAudit | Pipeline | str | Path, table: Table) -> AugmentAudit:
    from curate.pipeline.augment_audit import AugmentAudit

    tried = AugmentAudit.of(augment)
    tried.check(table)
    return tried


def _looked(
    chosen: Sequence[Check], seen: Evidence, progress: Callable[[str, int, int], None] | None, skip: bool
) -> tuple[Found, bool]:
    """What the checks find, and whether they would find the same again: nothing failed that may work the next time."""
    judged = _judged(chosen, seen, seen.table, progress, skip)
    findings = Findings.join(judged.parts)
    found = Found(
        findings,
        (*seen.notes, *judged.notes),
        {"evidence": seen.facts(), "seconds_of_checks": judged.seconds},
        judged.skipped,
        Views.of(seen, judged.ran, findings),
    )
    return found, not judged.passing and not seen.passing


@dataclass
class _Judged:
    """What the checks found, one by one."""

    parts: list[Findings] = field(default_factory=list)
    ran: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    passing: bool = False


def _judged(
    chosen: Sequence[Check],
    found: Evidence,
    table: Table,
    progress: Callable[[str, int, int], None] | None,
    skip: bool,
) -> _Judged:
    """Every check's findings; with `skip` one that breaks down is left out, and the others go on.

    Those that use up large measures go first: the others' estimates need not be held beside these.
    """
    judged, found_by = _Judged(), {}
    in_turn = sorted(range(len(chosen)), key=lambda place: not chosen[place].spends)
    for i, place in enumerate(in_turn):
        check = chosen[place]
        if progress is not None:
            progress(check.name, i, len(chosen))
        begun = time.perf_counter()
        try:
            part = check.find(found)
        except Exception as fault:
            if not skip or not _is_of_check(fault):
                raise
            judged.skipped[check.name] = _in_a_sentence(fault)
            judged.passing |= not isinstance(fault, MissingPackage)
            continue
        found_by[place] = part, round(time.perf_counter() - begun, 3)
        give_back(len(table))
    for place, (part, seconds) in sorted(found_by.items()):
        check = chosen[place]
        judged.seconds[check.name] = seconds
        judged.parts.append(part)
        judged.ran.append(check)
        judged.notes += idle(check, part, table)
    return judged


def _is_of_check(fault: Exception) -> bool:
    """Whether the check alone is to blame: a full disk or too little memory would stop the next check as well."""
    if isinstance(fault, OSError):
        return fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
    return not isinstance(fault, StorageError | GateFailed | MemoryError)


def _in_a_sentence(fault: Exception) -> str:
    return str(fault) if isinstance(fault, CurateError) else f"a fault of the check: {type(fault).__name__}: {fault}"


def needs(steps: Sequence[Step], task: Task) -> list[str]:
    """The per-row measures that the checks among the steps will ask for."""
    return list(dict.fromkeys(name for s in steps if isinstance(s, Check) for name in s.needs(task)))


def idle(check: Check, findings: Findings, table: Table) -> list[str]:
    """A sentence if a check judged no row of a table that has rows; it would not appear in the summary otherwise."""
    if len(findings) or not len(table):
        return []
    facts = findings.facts.get(check.name, {})
    why = facts.get("sentence") or facts.get("answer") or "it found nothing to judge by"
    first, rest = str(why)[:1], str(why)[1:].rstrip(".")
    return [f"{check.name} judged no row: {first.lower()}{rest}"]


def choose(task: Task, checks: Sequence[str | Check] | None) -> list[Check]:
    """The checks to run: those that were asked for, or every default check that applies to the task.

    Raises:
        ConfigError: a name is not that of a check, or a check that was asked for does not apply.
    """
    if checks is None:
        # Steps of this library that stand elsewhere are no checks, and take a while to import.
        names = (name for name, where in registry.step_names().items() if _may_be_check(where))
        known = [registry.step(name) for name in names]
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


def _may_be_check(where: str) -> bool:
    return where.startswith("curate.checks.") or not where.startswith("curate.")


def _check(name: str) -> Check:
    if not isinstance(name, str):
        own = f"{name.name} is a {name.kind} step, not a check" if isinstance(name, Step) else f"not {name!r:.80}"
        raise ConfigError(f"checks are named, or instances such as curate.steps.Outliers(): {own}")
    cls = registry.step(name)
    if not issubclass(cls, Check):
        raise ConfigError(f"{name!r} is a {cls.kind} step, not a check")
    return cls()
