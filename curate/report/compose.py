"""From findings and ledger to the document of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import curate
from curate import registry
from curate.arrow import distinct
from curate.errors import ConfigError
from curate.ledger import sentences
from curate.report.advice import advise, own_name, rows_with_issues
from curate.report.classes import class_counts, confusion
from curate.report.contents import in_words, origins
from curate.report.material import Material
from curate.report.model import Account, Check, Document, Draws, Issue, Row, TaskFacts
from curate.report.outcome import outcome
from curate.report.plain import plain
from curate.report.worst import group_sizes, histogram, worst_groups
from curate.table import Table
from curate.task import MODALITIES

NOISE_FACT = "estimated_noise_rate"
"""Name under which `label_errors` says what share of the labels it takes to be wrong."""
DUPLICATE_CHECKS = ("exact_duplicates", "near_duplicates", "leakage")
SHARED_GROUP = "shared_group"
"""The issue of `leakage` that says nothing of content."""


def compose(material: Material, rows_per_issue: int) -> Document:
    """The document of a report.

    Args:
        material: findings and whatever else there is.
        rows_per_issue: how many of the worst rows each issue lists.
    """
    table, findings = material.table, material.findings
    flagged = findings.flagged
    checks = _checks(material, rows_per_issue)
    touched = rows_with_issues(flagged)
    noise = _label_noise(findings.facts)
    return Document(
        curate_version=curate.__version__,
        source=plain(str(table.source)),
        rows=len(table),
        unreadable=_unreadable(material, flagged),
        rows_with_issues=touched,
        label_noise=noise,
        duplicates=_duplicates(findings.table, flagged),
        outcome=outcome(material, flagged, touched, noise),
        task=_task(table),
        splits=_counts(table.splits),
        classes=class_counts(material),
        unlabeled=_unlabeled(table),
        first=advise(material),
        checks=checks,
        measures={plain(name): measured for name, measured in material.views.measures.items()},
        confusion=confusion(table, flagged),
        decisions=None if material.decisions is None else _decisions(material.decisions.table),
        accounts=None if material.accounts is None else [Account(**plain(line)) for line in material.accounts],
        draws=None if material.plan is None else _draws(material.plan),
        encoder=_encoder(material.facts),
        facts=plain(material.facts),
        notes=[plain(str(note)) for note in material.notes],
        skipped=plain(dict(material.skipped)),
        gates=list(material.gates),
        baseline=material.baseline,
        augmentation=None if material.augmented is None else material.augmented.facts,
        seconds=plain(material.seconds),
        pipeline=plain(material.pipeline),
    )


def _checks(material: Material, rows_per_issue: int) -> dict[str, Check]:
    findings = material.findings
    summary = findings.summary
    chosen: dict[tuple[str, str], pa.Table] = {}
    judged: dict[tuple[str, str], dict[str, Any]] = {}
    sizes: dict[tuple[str, str], dict[int, int]] = {}
    for check, issues in summary.items():
        for issue, counts in issues.items():
            lines = findings.only(check, issue).table
            flagged = lines.filter(lines["is_issue"])["row_id"].to_pylist()
            judged[check, issue] = counts | {"histogram": histogram(lines), "flagged": flagged}
            chosen[check, issue], sizes[check, issue] = worst_groups(lines, rows_per_issue), group_sizes(lines)
    row = _rows(material, list(chosen.values()))
    found: dict[str, Check] = {}
    for check in dict.fromkeys([*summary, *findings.facts]):
        issues = {
            key[1]: Issue(**judged[key], worst=[row(line, sizes[key]) for line in worst.to_pylist()])
            for key, worst in chosen.items()
            if key[0] == check
        }
        found[check] = Check(description=describe(check), facts=plain(findings.facts.get(check, {})), issues=issues)
    return found


def describe(check: str) -> str:
    """What a check looks for: the first paragraph of its class's docstring, empty for a check that is not installed."""
    try:
        said = registry.docstring(own_name(check))
    except ConfigError:
        return ""
    return " ".join(said.split("\n\n")[0].split()).replace("`", "")


def _rows(material: Material, worst: list[pa.Table]) -> Any:
    """A function from a line of findings and the sizes of groups to a `Row`; what rows hold is fetched once for all."""
    table = material.table
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *(lines["row"].to_numpy() for lines in worst)]))
    previews, places = in_words(table, rows), origins(table, rows)
    said = _said(material, sorted({row_id for lines in worst for row_id in lines["row_id"].to_pylist()}))

    def one(line: Mapping[str, Any], sizes: Mapping[int, int]) -> Row:
        row = line["row"]
        file, number = places[row]
        return Row(
            row=row,
            row_id=line["row_id"],
            split=plain(str(table.splits[row])),
            file=plain(file),
            line=number,
            given=plain(table.labels.name(row)),
            suggested=line["suggested_label"],
            score=round(float(line["score"]), 6),
            flagged=line["is_issue"],
            reason=line["reason"] or "",
            group=line["group"],
            group_rows=sizes.get(line["group"]),
            preview=plain(previews[row]),
            decisions=said.get(line["row_id"], []),
        )

    return one


def _said(material: Material, row_ids: list[str]) -> dict[str, list[str]]:
    if material.decisions is None:
        return {}
    entries = material.decisions.table
    entries = entries.filter(pc.is_in(entries["row_id"], value_set=pa.array(row_ids, pa.string())))
    said: dict[str, list[str]] = {}
    for row_id, sentence in zip(entries["row_id"].to_pylist(), sentences(entries)):
        said.setdefault(row_id, []).append(plain(sentence))
    return said


def _task(table: Table) -> TaskFacts:
    task = table.task
    named = {role: getattr(task, role) for role in (*MODALITIES, "mask", "boxes", "transcript", "label")}
    named |= {role: getattr(task, role) for role in ("group", "split", "id", "embedding", "probabilities")}
    roles = {
        role: plain(value) if isinstance(value, str) else [plain(name) for name in value]  # all: they are counted
        for role, value in named.items()
        if value is not None
    }
    return TaskFacts(kind=task.kind, roles=roles, classes=len(task.label_names))


def _unlabeled(table: Table) -> int:
    if table.task.label is None:
        return 0
    if table.task.kind == "token_classification":
        return int(table.column(table.task.label).null_count)
    return int((~table.labels.known).sum())


def _label_noise(facts: Mapping[str, Mapping[str, Any]]) -> float | None:
    value = plain(facts.get("label_errors", {}).get(NOISE_FACT))
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _unreadable(material: Material, flagged: pa.Table) -> int:
    broken = material.table.unreadable.copy()
    broken[flagged.filter(pc.equal(flagged["check"], "unreadable"))["row"].to_numpy()] = True
    return int(broken.sum())


def _duplicates(lines: pa.Table, flagged: pa.Table) -> int | None:
    def of_content(part: pa.Table) -> pa.ChunkedArray:
        named = pc.is_in(part["check"], value_set=pa.array(DUPLICATE_CHECKS))
        return pc.and_(named, pc.not_equal(part["issue"], SHARED_GROUP))

    if not pc.any(of_content(lines)).as_py():
        return None
    return len(np.unique(flagged["row"].filter(of_content(flagged)).to_numpy()))


def _decisions(entries: pa.Table) -> dict[str, dict[str, int]]:
    counted = entries.group_by(["step", "action"], use_threads=False).aggregate([([], "count_all")])
    found: dict[str, dict[str, int]] = {}
    for line in counted.to_pylist():
        found.setdefault(plain(line["step"]), {})[line["action"]] = line["count_all"]
    return found


def _draws(plan: pa.Table) -> Draws:
    return Draws(
        total=plan.num_rows, by_origin=_counts(plan["origin"].cast(pa.string()).to_numpy(zero_copy_only=False))
    )


def _counts(values: np.ndarray) -> dict[str, int]:
    names, codes = distinct(values.astype(np.dtypes.StringDType()))
    return {plain(str(name)): int(count) for name, count in zip(names, np.bincount(codes))}


def _encoder(facts: Mapping[str, Any]) -> str | None:
    within = facts.get("evidence")
    named = facts.get("encoder") or (within.get("encoder") if isinstance(within, Mapping) else None)
    return None if named is None else plain(str(named))
