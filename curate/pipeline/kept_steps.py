"""What the steps of a run gave, kept one by one: a run that was stopped, or whose later steps changed, goes on there.

The key of a step is a hash of the rows, the surroundings, and all settings up to it, so that what comes before it is
what it was. Rows that a step makes are not kept (the step makes the same again), nor is what follows a step whose
settings name files, or that does not come with the library: what these depend on can't be told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.findings import Findings
from curate.ledger import Decisions
from curate.made import Made
from curate.pipeline.kept_audit import PLAIN_SETTINGS, rows_key
from curate.pipeline.packed_findings import arrow_file, packed, unpacked
from curate.pipeline.pipeline import Pipeline
from curate.pipeline.surroundings import surroundings
from curate.step import Check, Step
from curate.table import Table

FORMAT = 1


@dataclass(frozen=True)
class Took:
    """What a step gives.

    Attributes:
        decisions: about the rows.
        findings: of a check, under the step's name in the pipeline.
        recipe: of an augment step.
        fitted: what a transform learned.
        made: rows that a step synthesises.
        notes: sentences.
        seen: of what was kept, sentences about the evidence.
    """

    decisions: Decisions = field(default_factory=Decisions)
    findings: Findings | None = None
    recipe: dict[str, Any] | None = None
    fitted: dict[str, Any] = field(default_factory=dict)
    made: Made | None = None
    notes: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


class KeptSteps:
    """The steps of one run in the cache.

    Args:
        folder: of the cache, None for none.
        pipeline: that runs.
        table: the rows as they were read.
        anew: place of the first step that is carried out whatever is kept.
    """

    def __init__(self, folder: Path | None, pipeline: Pipeline, table: Table, anew: int | None = None) -> None:
        self._cache = None if folder is None else Cache(folder)
        self._keys = {} if folder is None else _keys(pipeline, table)
        self._anew = set() if anew is None else set(pipeline.step_names[anew:])
        self.notes: list[str] = []

    def find(self, name: str, table: Table) -> Took | None:
        """What the step gave before; None where that is not known."""
        if self._cache is None or name not in self._keys or name in self._anew:
            return None
        data = self._cache.kept(self._keys[name])
        return None if data is None else _unpacked(data, table)

    def keep(self, name: str, took: Took, table: Table, seen: Sequence[str]) -> None:
        """Keep what a step gave; where that is impossible, say so once and go on."""
        if self._cache is None or name not in self._keys:
            return
        try:
            data = _packed(took, table, [sentence for sentence in seen if "the cache" not in sentence])
            if data is not None:
                self._cache.keep(self._keys[name], data)
        except StorageError as error:
            self._cache = None
            self.notes.append(f"what steps give is not kept for the next run: {error}")


def _keys(pipeline: Pipeline, table: Table) -> dict[str, str]:
    """Step -> its key, up to the first step of which none can be told."""
    task, evidence = table.task, pipeline.evidence
    if task.target is not None or ":" in evidence.encoder or (rows := rows_key(table)) is None:
        return {}
    settings = evidence.model_dump(mode="json", exclude=PLAIN_SETTINGS)
    above, keys = json.dumps([FORMAT, surroundings(), settings, pipeline.seed, rows], sort_keys=True), {}
    for step, name in zip(pipeline.steps, pipeline.step_names):
        if not _can_be_told(step):
            break
        own = json.dumps([name, step.model_dump(mode="json")], sort_keys=True)
        above = xxhash.xxh3_128_hexdigest(f"{above}\0{own}".encode("utf-8", "surrogatepass"))
        keys[name] = above
    return keys


def _can_be_told(step: Step) -> bool:
    cls = type(step)
    ours = cls.__module__.startswith("curate.") and cls.relocated is Step.relocated
    fix = getattr(step, "fix", None) if isinstance(step, Check) else None
    return ours and _fixes_are_ours(fix)


def _fixes_are_ours(spec: Any) -> bool:
    from curate import registry

    return spec is None or all(type(fix).__module__.startswith("curate.") for fix in registry.fixes(spec))


def _packed(took: Took, table: Table, seen: list[str]) -> pa.Buffer | None:
    """What a step gave as an Arrow file of its parts; None where it can't be kept."""
    lines = None if took.findings is None else packed(took.findings, table)
    if took.findings is not None and lines is None:
        return None
    head = {
        "recipe": took.recipe,
        "fitted": took.fitted,
        "notes": took.notes,
        "seen": seen,
        "learned": None if took.findings is None else took.findings.facts,
    }
    try:
        text = json.dumps(head)
        if json.loads(text)["fitted"] != took.fitted or json.loads(text)["recipe"] != took.recipe:
            return None
    except (TypeError, ValueError):  # a fact or something learned that is no JSON value
        return None
    parts = [text.encode(), arrow_file(took.decisions.table), None if lines is None else arrow_file(lines)]
    found = pa.array([None if part is None else bytes(part) for part in parts], pa.large_binary())
    return arrow_file(pa.table({"part": found}))


def _unpacked(data: pa.Buffer, table: Table) -> Took:
    text, decisions, lines = pa.ipc.open_file(pa.BufferReader(data)).read_all()["part"].to_pylist()
    head = json.loads(text)
    findings = None if lines is None else unpacked(_opened(lines), head["learned"], table)
    return Took(
        Decisions(_opened(decisions)),
        findings,
        head["recipe"],
        head["fitted"],
        None,
        head["notes"],
        head["seen"],
    )


def _opened(data: bytes) -> pa.Table:
    return pa.ipc.open_file(pa.BufferReader(data)).read_all()
