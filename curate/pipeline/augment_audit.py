"""What the augment steps of a pipeline make of the rows of an audit: contact sheet, label safety, rows left as they are."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curate import augment as augmentation
from curate.augment.augment import Augment
from curate.augment.operations.catalogue import MODALITIES, expand, parse
from curate.augment.recipe import Recipe
from curate.augment.recipe.stage import Listed
from curate.augment.safety import label_safety
from curate.augment.safety.items import READABLE
from curate.errors import ConfigError, CurateError, StorageError
from curate.evidence import Evidence
from curate.pipeline.augment_draws import Drawing, alike, by_content, label_of, line, numbers, read_item, spread
from curate.pipeline.pipeline import Pipeline
from curate.randomness import digest
from curate.report.model import Augmentation, LabelSafety, OperationEffect, SheetRow
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
SAMPLED = {"video": 8, "text": 200}
"""Rows by which an operation is judged to change something; `SAMPLED_OTHERS` of other modalities."""
SAMPLED_OTHERS = 40
SLOW = ("contextual_words", "back_translate")
"""Text operations that ask a language model: measured on 20 rows."""
WEAKER = 0.5
"""Strength at which label safety is measured beside that which is written."""
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
        for modality, listed in _operations(recipe, table):
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
                    _drawn(one, item, self.seed, str(table.row_ids[row]))
                except ConfigError as error:
                    raise ConfigError(f"{self.source}: {one.name.decode()}: {error}") from error
                except Exception as error:
                    _let_through(error)
            return

    def look(self, evidence: Evidence, progress: Callable[[str, int, int], None] | None = None) -> Augmented:
        """Draw rows for the contact sheet and measure the operations; what can't be done is said in the notes."""
        notes = list(self.notes)
        steps = {name: self._settled(name, step, evidence, notes) for name, step in self.steps.items()}
        recipe = self._recipe(evidence.table, steps)
        sheet, previews = self._sheet(recipe, evidence, notes, progress)
        if progress is not None:
            progress("augment: operations", 0, 1)
        effects = list(self._effects(recipe, evidence))
        safety = [line for name, step in steps.items() for line in _safety(name, step, evidence, notes)]
        facts = Augmentation(
            pipeline=plain(self.source),
            steps=[name for name, step in steps.items() if isinstance(step, Augment)],
            seed=self.seed,
            operations=effects,
            label_safety=safety,
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
            _let_through(error)
            notes.append(f"{name}: strengths could not be taken from the data: {_sentence(error)}")
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
        modalities = [modality for modality, _ in _operations(recipe, table)]
        names = numbers(table) if "features" in modalities and not isinstance(table.task.features, str) else ()
        found: dict[int, list[tuple[SheetRow, tuple[Preview, ...]]]] = {}
        failed: list[str] = []
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
                    said, made = line(drawing, table, row, modality, item, EPOCHS)
                    lines.append((said, tuple(drawn_previews(modality, item, made, budget, names))))
            except Exception as error:
                _let_through(error)
                failed.append(f"row {table.row_ids[row]} is left out of the contact sheet: {_sentence(error)}")
                continue
            left -= before - budget.left
            found[row] = lines
        notes += _few(failed) + _unreadable(evidence) + _shown(drawing, modalities)
        if not found:
            notes.append("no training row could be drawn, so there is no contact sheet")
        order = sorted(found, key=lambda row: (int(table.labels.codes[row]), str(table.row_ids[row])))
        lines = [one for row in order for one in found[row]]
        return [said for said, _ in lines], [shown for _, shown in lines]

    def _effects(self, recipe: Recipe, evidence: Evidence) -> Iterator[OperationEffect]:
        """What each operation leaves unchanged."""
        table = evidence.table
        among = by_content(table, table.training & evidence.active)
        for modality, listed in _operations(recipe, table):
            if modality == "text":
                yield from _of_text(recipe, table, listed, self.seed)
            else:
                rows = among[: SAMPLED.get(modality, SAMPLED_OTHERS)]
                yield from _of_items(table, modality, listed, rows, self.seed)


def _operations(recipe: Recipe, table: Table) -> Iterator[tuple[str, list[Listed]]]:
    """modality of the table -> operations on it; those on images count for the frames of a video where it has any."""
    inputs = table.task.modalities
    for modality in MODALITIES:
        if modality not in inputs:
            continue
        own = [one for stage in recipe.stages for one in stage.operations.get(modality, ())]
        if modality == "video":
            own += [one for stage in recipe.stages for one in stage.operations.get("image", ())]
        if own:
            yield modality, own


def _drawn(one: Listed, item: Any, seed: int, row_id: str) -> Any:
    return one.done(item, digest("coverage", seed, one.name, row_id))


def _of_text(recipe: Recipe, table: Table, listed: list[Listed], seed: int) -> Iterator[OperationEffect]:
    slow = any(one.operation.name in SLOW for one in listed)
    for one in augmentation.coverage(table, recipe, rows=20 if slow else SAMPLED["text"], seed=seed):
        few = one.share < 1.0 and bool(one.unsuited or one.example)
        yield OperationEffect(
            place=one.place,
            operation=one.operation,
            modality="text",
            rows=one.rows,
            unchanged=one.rows - one.changed,
            unchanged_share=1 - one.share if one.rows else None,
            why=one_line(one.sentence().split("; ", 1)[-1], 300) if few else None,
        )


def _of_items(
    table: Table, modality: str, listed: list[Listed], rows: np.ndarray, seed: int
) -> Iterator[OperationEffect]:
    counted = {one.name: [0, 0] for one in listed}
    why: dict[bytes, str] = {}
    for row in rows.tolist():
        row_id, label = str(table.row_ids[row]), label_of(table, row)
        try:
            item = read_item(table, modality, row)
        except CurateError as error:
            why |= {one.name: f"row {row_id}: {error}" for one in listed if one.name not in why}
            continue
        for one in listed:
            if not one.concerns(label):
                continue
            try:
                same = alike(item, _drawn(one, item, seed, row_id))
            except Exception as error:
                _let_through(error)
                why.setdefault(one.name, f"row {row_id}: {_sentence(error)}")
                continue
            counted[one.name][0] += 1
            counted[one.name][1] += same
    for one in listed:
        judged, same = counted[one.name]
        said = why.get(one.name)
        yield OperationEffect(
            place=one.name.decode(),
            operation=one.name.decode().rsplit(".", 1)[-1],
            modality=modality,
            rows=judged,
            unchanged=same,
            unchanged_share=same / judged if judged else None,
            why=None if said is None else one_line(said, 300),
        )


def _safety(name: str, step: Step, evidence: Evidence, notes: list[str]) -> Iterator[LabelSafety]:
    """Label safety of a step, modality by modality, so that one that can't be judged leaves the others alone."""
    if not isinstance(step, Augment):
        return
    inputs = evidence.table.task.modalities
    for modality in MODALITIES:
        if not getattr(step, modality):
            continue
        if modality not in READABLE or modality not in inputs:
            notes.append(f"{name}: label safety of {modality} operations is not measured on {' and '.join(inputs)}")
            continue
        alone = _alone(step, modality)
        own = {operation: round(value, 2) for operation, value in alone.operation_strength.items()}
        strengths = sorted({WEAKER, *(value for value in own.values() if 0 < value < 1)})
        try:
            measured = label_safety(evidence, alone, strengths=tuple(strengths)).to_pylist()
        except Exception as error:
            _let_through(error)
            notes.append(f"{name}: label safety of {modality} operations could not be measured: {_sentence(error)}")
            continue
        for one in measured:
            strength = round(one["strength"], 2)
            if strength in (WEAKER, 1.0, own.get(one["operation"])):
                yield LabelSafety(step=name, **(plain(one) | {"strength": strength}))


def _alone(step: Augment, modality: str) -> Augment:
    """The step with the operations of one modality."""
    names = {parse(spec)[0] for spec in expand(modality, getattr(step, modality))}
    update: dict[str, Any] = {other: () for other in MODALITIES if other != modality}
    for setting in ("only", "never", "operation_strength"):
        update[setting] = {key: value for key, value in getattr(step, setting).items() if key in names}
    return step.model_copy(update=update)


def _shown(drawing: Drawing, modalities: list[str]) -> list[str]:
    notes = ["audio is drawn from its first 10 s here"] if "audio" in modalities else []
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


def _let_through(fault: Exception) -> None:
    """Raise what is no fault of a row or an operation: a full disk, too little memory."""
    full = isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
    if full or isinstance(fault, StorageError | MemoryError):
        raise fault


def _sentence(fault: Exception) -> str:
    return str(fault) if isinstance(fault, CurateError) else f"{type(fault).__name__}: {fault}"
