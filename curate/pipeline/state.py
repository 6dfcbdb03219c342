"""What becomes of the rows while a pipeline runs, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import among
from curate.errors import ConfigError
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.fixes import _guard
from curate.ledger import Decisions, Verdict
from curate.made import Made
from curate.pipeline.accounts import refuse_lost_rows
from curate.pipeline.adding import with_made
from curate.pipeline.auditing import idle
from curate.pipeline.cautions import idle_fix
from curate.pipeline.curated import CHANGES
from curate.pipeline.kept_steps import KeptSteps, Took
from curate.pipeline.verdicts import verdict_of
from curate.randomness import generator
from curate.step import Augment, Balance, Check, Step, Transform
from curate.table import Table


@dataclass
class State:
    """What has become of the rows so far; the only thing that changes while a pipeline runs."""

    table: Table
    measure: Callable[[Table], Evidence]
    evidence: Evidence
    read: dict[str, int]
    kept: KeptSteps
    seed: int = 0
    decisions: list[Decisions] = field(default_factory=list)
    findings: list[Findings] = field(default_factory=list)
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)
    fitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    transforms: list[tuple[Transform, dict[str, Any]]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[pa.Table] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def ledger(self) -> Decisions:
        """All entries so far."""
        return Decisions.join(self.decisions)

    def verdict(self) -> Verdict:
        """What they amount to."""
        return verdict_of(self.ledger, self.table)

    def take(self, step: Step, name: str) -> bool:
        """Carry a step out, or take from the cache what it gave before; says which."""
        known = self.kept.find(name, self.table)
        took = self._made_now(step, name) if known is None else known
        if known is not None:
            self.notes += known.seen
        self.notes += took.notes
        if took.findings is not None:
            self.findings.append(took.findings)
        if took.recipe is not None:
            self.recipes[name] = took.recipe
        if isinstance(step, Transform):
            self._transform(step, name, took.fitted)
        elif took.made is not None:
            self._add(took.made, name)
        else:
            self._decide(took.decisions, name)
        return known is not None

    def _made_now(self, step: Step, name: str) -> Took:
        """What a step gives, made now and kept for the next run where it can be."""
        took = self._given_by(step, name)
        if took.made is None and not self.evidence.passing:
            self.kept.keep(name, took, self.table, self.evidence.notes)
        return took

    def _given_by(self, step: Step, name: str) -> Took:
        if isinstance(step, Check):
            findings = step.find(self.evidence)
            decisions = Decisions() if step.fix is None else _guard.apply(step, findings, self.evidence)
            notes = [*idle(step, findings, self.table), *idle_fix(step, findings)]
            return Took(decisions, findings.renamed(step.name, name), notes=notes)
        if isinstance(step, Balance):
            decided = step.decide(self.evidence.labels, self.evidence, generator(self.seed, step=name))
            return Took(made=decided) if isinstance(decided, Made) else Took(decided)
        if isinstance(step, Transform):
            return Took(fitted=step.fit(self.table.select(np.flatnonzero(self.evidence.active))))
        if isinstance(step, Augment):
            labels = self.evidence.labels
            recipe = step.settled(labels, self.evidence).recipe(self.table.task)
            decided = step.decide(labels, self.evidence, generator(self.seed, step=name))
            return Took(decided, recipe=recipe, notes=_uncovered(self.table, recipe))
        raise ConfigError(f"{name}: a {type(step).__name__} is no check, transform, balance or augment step")

    def _transform(self, step: Transform, name: str, fitted: dict[str, Any]) -> None:
        if fitted:
            self.fitted[name] = fitted
        self.transforms.append((step, fitted))
        before, self.table = self.table, step.apply(self.table, fitted)
        refuse_lost_rows(before, self.table, name)
        changes = _changed(before, self.table, name)
        self.changes.append(changes)
        made = changes.filter(pc.is_valid(changes["parent"]))
        parents = dict(zip(made["row_id"].to_pylist(), made["parent"].to_pylist()))
        if parents:
            self.decisions.append(self.ledger.handed_down(parents))
            places = _first_places(before, self.table)
            self.findings = [found.moved(places) for found in self.findings]
        self.notes += self.evidence.notes
        self.evidence = self.measure(self.table)
        self._follow()
        self._decide(step.weigh(self.table), name)

    def _add(self, made: Made, name: str) -> None:
        """New rows behind the others, and the entries that say how they were made."""
        if made.rows.num_rows:
            self.table = with_made(self.table, made, name)
            for transform, fitted in self.transforms:
                self.table = transform.completed(self.table, fitted)
            self.notes += self.evidence.notes
            self.evidence = self.measure(self.table)
        if len(made.decisions):
            self.decisions.append(made.decisions.by(name))
        self._follow()

    def _decide(self, decisions: Decisions, name: str) -> None:
        if len(decisions):
            self.decisions.append(decisions.by(name))
            self._follow()

    def _follow(self) -> None:
        verdict = self.verdict()
        labels = self.table.labels.with_codes(verdict.codes)
        self.evidence = self.evidence.following(~verdict.dropped, labels, verdict.repeats)


def _uncovered(table: Table, recipe: dict[str, Any]) -> list[str]:
    """Sentences about operations that leave many texts as they are."""
    if not recipe.get("text"):
        return []
    from curate.augment._coverage import coverage, notes

    slow = any(isinstance(one, dict) and set(one) & {"contextual_words", "back_translate"} for one in recipe["text"])
    return notes(coverage(table, [recipe], rows=20 if slow else 200))


def _first_places(before: Table, after: Table) -> np.ndarray:
    """(n,) int64: for each row of `before` the place of the first row of `after` that it is, or is made from it."""
    old, new = (pa.array(ids, pa.string()) for ids in (before.row_ids, after.row_ids))
    origin = pc.index_in(new, value_set=old)
    if after.parents is not None:
        origin = pc.coalesce(origin, pc.index_in(pa.array(after.parents, pa.string()), value_set=old))
    known = np.flatnonzero(pc.is_valid(origin).to_numpy(zero_copy_only=False))[::-1]
    places = np.zeros(len(before), dtype=np.int64)
    places[origin.take(pa.array(known)).to_numpy()] = known
    return places


def _changed(before: Table, after: Table, step: str) -> pa.Table:
    """Ids of the rows whose content a transform changed, and of new rows with the row that each was made from."""
    changed = np.ones(len(after), dtype=bool)
    if len(before) == len(after) and (before.row_ids == after.row_ids).all():
        changed = (before.content != after.content).any(axis=1)
    ids = after.row_ids[changed]
    parents = pa.nulls(len(ids), pa.string())
    if after.parents is not None:
        above = after.parents[changed]
        new = ~among(ids, before.row_ids) & (above != ids)
        parents = pa.array(above, pa.string(), mask=~new)
    steps = pa.repeat(pa.scalar(step), len(ids))
    return pa.table({"row_id": pa.array(ids, pa.string()), "step": steps, "parent": parents}, CHANGES)
