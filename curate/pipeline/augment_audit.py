"""What the augment steps of a pipeline make of the rows of an audit: contact sheet, label safety, idle operations."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.augment.augment import Augment
from curate.augment.recipe import Recipe
from curate.augment.recipe.stage import Listed
from curate.augment.safety.items import scalars
from curate.errors import ConfigError, CurateError
from curate.evidence import Evidence
from curate.pipeline.augment_draws import (
    MOST_SECONDS,
    Drawing,
    by_content,
    line,
    read_item,
    spread,
)
from curate.pipeline.augment_effects import drawn, effects, let_through, operations, safety, sentence
from curate.pipeline.pipeline import Pipeline
from curate.report.augmentation import Augmentation, SheetRow
from curate.report.plain import one_line, plain
from curate.report.previews.drawn import drawn_previews
from curate.report.previews.item import Budget, Preview
from curate.report.sheet import SHEET_BYTES, Augmented
from curate.table import Table

if TYPE_CHECKING:
    from curate.step import Step

ROWS = 8
"""Rows of the contact sheet."""
EPOCHS = 5
TRIED = 3 * ROWS
"""Rows that are tried where some can't be drawn."""
MOST_NOTES = 5
"""Rows that can't be drawn are named up to here, and counted past it."""


@dataclass(frozen=True, eq=False)
class AugmentAudit:
    """The augment steps of a pipeline, ready to be looked at.

    Attributes:
        source: the pipeline's file, or the names of its steps.
        steps: name in the ledger -> step with absolute paths; `mix` among them, whose place counts for the seeds.
        seed: of the pipeline: the draws are those that its run makes.
        notes: what is left out of the pipeline.
    """

    source: str
    steps: dict[str, Step]
    seed: int
    notes: tuple[str, ...]

    @classmethod
    def of(cls, given: AugmentAudit | Pipeline | str | Path) -> AugmentAudit:
        """The augment steps of a pipeline or of its file. Raises ConfigError if it is wrong or has none."""
        if isinstance(given, AugmentAudit):
            return given
        pipeline = given if isinstance(given, Pipeline) else Pipeline.from_yaml(given)
        source = repr(given) if isinstance(given, Pipeline) else str(given)
        all_steps = dict(zip(pipeline.step_names, pipeline.located()))
        steps = {name: step for name, step in all_steps.items() if step.kind == "augment"}
        if not any(isinstance(step, Augment) for step in steps.values()):
            found = ", ".join(all_steps) or "none"
            raise ConfigError(f"{source}: there is no augment step to look at; its steps: {found}")
        notes = []
        if mixed := [name for name, step in steps.items() if not isinstance(step, Augment)]:
            notes.append(f"{', '.join(mixed)} is left out: it mixes pairs of rows, and here each row stands alone")
        if changed := [name for name, step in all_steps.items() if step.kind == "transform"]:
            notes.append(
                f"rows are drawn as they are in the data: {', '.join(changed)} of the pipeline is not carried out"
            )
        return cls(source, steps, pipeline.seed, tuple(notes))

    def check(self, table: Table) -> None:
        """See that the steps fit a table, and that their operations can be done: their files are there, and so on.

        Raises:
            ConfigError: naming everything that is wrong at once.
        """
        wrong = []
        for name, step in self.steps.items():
            try:
                step.recipe(table.task)  # type: ignore[attr-defined]
            except ConfigError as error:
                wrong.append(f"{self.source}: {name}: {error}")
        if wrong:
            hint = [note for note in self.notes if note.startswith("rows are drawn as they are")]
            raise ConfigError("\n".join([*wrong, *hint]))
        recipe = self._recipe(table, self.steps)
        for modality, listed in operations(recipe, table):
            self._try(table, modality, listed)

    def _try(self, table: Table, modality: str, listed: list[Listed]) -> None:
        """Do each operation once. Faults that only a row has are left to the contact sheet, which names the row."""
        for row in by_content(table, table.training & ~table.unreadable)[:ROWS].tolist():
            try:
                item = read_item(table, modality, row)
            except CurateError:
                continue
            for one in listed:
                try:
                    drawn(one, item, self.seed, str(table.row_ids[row]))
                except ConfigError as error:
                    raise ConfigError(f"{self.source}: {one.name.decode()}: {error}") from error
                except Exception as error:
                    let_through(error)
            return

    def look(self, evidence: Evidence, progress: Callable[[str, int, int], None] | None = None) -> Augmented:
        """Draw rows for the contact sheet and measure the operations; what can't be done is said in the notes."""
        notes = list(self.notes)
        steps = {name: self._settled(name, step, evidence, notes) for name, step in self.steps.items()}
        recipe = self._recipe(evidence.table, steps)
        sheet, previews = self._sheet(recipe, evidence, notes, progress)
        if progress is not None:
            progress("augment: operations", 0, 1)
        found = effects(recipe, evidence, self.seed, list(steps))
        measured = [one for name, step in steps.items() for one in safety(name, step, evidence, notes)]
        facts = Augmentation(
            pipeline=plain(self.source),
            steps=[name for name, step in steps.items() if isinstance(step, Augment)],
            seed=self.seed,
            operations=found,
            label_safety=measured,
            sheet=sheet,
            notes=[one_line(note, 600) for note in dict.fromkeys(notes)],
        )
        return Augmented(facts, tuple(previews))

    def _recipe(self, table: Table, steps: dict[str, Step]) -> Recipe:
        made = [step.recipe(table.task) for step in steps.values()]  # type: ignore[attr-defined]
        return Recipe.from_json(json.dumps(made, sort_keys=True, ensure_ascii=False))

    def _settled(self, name: str, step: Step, evidence: Evidence, notes: list[str]) -> Step:
        """The step with what it takes from the data, as in a run."""
        if not isinstance(step, Augment):
            return step
        try:
            settled = step.settled(evidence.labels, evidence)
        except Exception as error:
            let_through(error)
            notes.append(f"{name}: strengths could not be taken from the data: {sentence(error)}")
            return step.model_copy(update={"strength_by_rarity": False, "max_flips": None})
        weaker = {k: v for k, v in settled.operation_strength.items() if step.operation_strength.get(k) != v}
        if weaker:
            said = ", ".join(f"{operation} {strength:g}" for operation, strength in weaker.items())
            notes.append(f"{name}: by max_flips {step.max_flips:g} these operations are weakened to strength: {said}")
        return settled

    def _sheet(
        self,
        recipe: Recipe,
        evidence: Evidence,
        notes: list[str],
        progress: Callable[[str, int, int], None] | None,
    ) -> tuple[list[SheetRow], list[tuple[Preview, ...]]]:
        table, drawing = evidence.table, Drawing(recipe, self.seed)
        modalities = [modality for modality, _ in operations(recipe, table)]
        names = (scalars(table, "features") if "features" in modalities else None) or ()
        found: dict[int, list[tuple[SheetRow, tuple[Preview, ...]]]] = {}
        failed: list[str] = []
        cut = False
        left = SHEET_BYTES
        for row in spread(table, table.training & evidence.active)[:TRIED].tolist():
            if len(found) == ROWS:
                break
            if progress is not None:
                progress("augment: contact sheet", len(found), ROWS)
            budget = Budget(left // (ROWS - len(found)))
            before = budget.left
            try:
                lines = []
                for modality in modalities:
                    item = read_item(table, modality, row)
                    cut |= modality == "audio" and item[0].shape[1] >= MOST_SECONDS * item[1]
                    said, made = line(drawing, table, row, modality, item, EPOCHS)
                    lines.append((said, tuple(drawn_previews(modality, item, made, budget, names))))
            except Exception as error:
                let_through(error)
                failed.append(f"row {table.row_ids[row]} is left out of the contact sheet: {sentence(error)}")
                continue
            left -= before - budget.left
            found[row] = lines
        notes += _few(failed) + _unreadable(evidence) + _shown(drawing, cut)
        if not found:
            notes.append("no training row could be drawn, so there is no contact sheet")
        order = sorted(found, key=lambda row: (int(table.labels.codes[row]), str(table.row_ids[row])))
        lines = [one for row in order for one in found[row]]
        return [said for said, _ in lines], [shown for _, shown in lines]


def _shown(drawing: Drawing, cut: bool) -> list[str]:
    notes = []
    if cut:
        notes.append(f"sounds are drawn from their first {MOST_SECONDS:g} s here")
    if drawing.copy:
        notes.append("the contact sheet shows extra copies of the rows: a step leaves their first draws as they are")
    return notes


def _unreadable(evidence: Evidence) -> list[str]:
    training = evidence.table.training
    broken = {row: why for row, why in evidence.broken.items() if training[row]}
    if not broken:
        return []
    row, why = next(iter(broken.items()))
    said = "1 training row that can't be read is" if len(broken) == 1 else f"{len(broken):,} training rows are"
    return [f"{said} left out of the draws: row {evidence.table.row_ids[row]}: {why}"]


def _few(failed: list[str]) -> list[str]:
    more = len(failed) - MOST_NOTES
    return failed[:MOST_NOTES] + ([f"{more} more rows could not be drawn"] if more > 0 else [])
