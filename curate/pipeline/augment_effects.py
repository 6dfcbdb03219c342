"""What the operations of augment steps do to the rows of a table: what they leave as it is, and how often a class."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from curate import augment as augmentation
from curate.augment.augment import Augment
from curate.augment.operations.catalogue import MODALITIES, expand, parse
from curate.augment.recipe import Recipe
from curate.augment.recipe.stage import Listed
from curate.augment.safety import label_safety
from curate.augment.safety.items import READABLE
from curate.errors import CurateError, DataError, StorageError
from curate.evidence import Evidence
from curate.pipeline.augment_draws import alike, by_content, label_of, read_item
from curate.randomness import digest
from curate.report.augmentation import LabelSafety, OperationEffect
from curate.report.plain import one_line, plain
from curate.table import Table

if TYPE_CHECKING:
    from curate.step import Step

SAMPLED = {"video": 8, "text": 200}
"""Rows by which an operation is judged to change something; `SAMPLED_OTHERS` of other modalities."""
SAMPLED_OTHERS = 40
SLOW = ("contextual_words", "back_translate")
"""Text operations that ask a language model: measured on 20 rows."""
MOST_BYTES = 2_000_000_000
"""Decoded and encoded items that label safety may hold."""
PROBED = 5
"""Rows that tell how large items are."""
FEWEST, FEWEST_DRAWN = 100, 20
"""Rows to learn from, and rows drawn, below which nothing is measured for want of memory."""
MOST_DRAWN = 200
WEAKER = 0.5
"""Strength at which label safety is measured beside that which is written."""


def effects(recipe: Recipe, evidence: Evidence, seed: int, steps: Sequence[str]) -> list[OperationEffect]:
    """What each operation leaves unchanged.

    Args:
        recipe: of the steps.
        evidence: of the rows.
        seed: of the draws.
        steps: their names, in the order of the recipe.
    """
    return [OperationEffect(step=_step(one["place"], steps), **one) for one in _effects(recipe, evidence, seed)]


def _step(place: str, steps: Sequence[str]) -> str:
    """The step that ``augment[1].image[0].GaussNoise`` stands in."""
    return steps[int(place[place.index("[") + 1 : place.index("]")])]


def _effects(recipe: Recipe, evidence: Evidence, seed: int) -> Iterator[dict[str, Any]]:
    table = evidence.table
    among = by_content(table, table.training & evidence.active)
    for modality, listed in operations(recipe, table):
        if modality == "text":
            yield from _of_text(recipe, table, listed, seed)
        else:
            yield from _of_items(table, modality, listed, among[: SAMPLED.get(modality, SAMPLED_OTHERS)], seed)


def operations(recipe: Recipe, table: Table) -> Iterator[tuple[str, list[Listed]]]:
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


def drawn(one: Listed, item: Any, seed: int, row_id: str) -> Any:
    """The item after an operation, as if it were sure to be done; drawn as `curate.augment.coverage` draws it."""
    return one.done(item, digest("coverage", seed, one.name, row_id))


def _of_text(recipe: Recipe, table: Table, listed: list[Listed], seed: int) -> Iterator[dict[str, Any]]:
    slow = any(one.operation.name in SLOW for one in listed)
    for one in augmentation.coverage(table, recipe, rows=20 if slow else SAMPLED["text"], seed=seed):
        few = one.share < 1.0 and bool(one.unsuited or one.example)
        yield {
            "place": one.place,
            "operation": one.operation,
            "modality": "text",
            "rows": one.rows,
            "unchanged": one.rows - one.changed,
            "unchanged_share": 1 - one.share if one.rows else None,
            "why": one_line(one.sentence().split("; ", 1)[-1], 300) if few else None,
        }


def _of_items(
    table: Table, modality: str, listed: list[Listed], rows: np.ndarray, seed: int
) -> Iterator[dict[str, Any]]:
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
                same = alike(item, drawn(one, item, seed, row_id))
            except Exception as error:
                let_through(error)
                why.setdefault(one.name, f"row {row_id}: {sentence(error)}")
                continue
            counted[one.name][0] += 1
            counted[one.name][1] += same
    for one in listed:
        judged, same = counted[one.name]
        said = why.get(one.name)
        yield {
            "place": one.name.decode(),
            "operation": one.name.decode().rsplit(".", 1)[-1],
            "modality": modality,
            "rows": judged,
            "unchanged": same,
            "unchanged_share": same / judged if judged else None,
            "why": None if said is None else one_line(said, 300),
        }


def safety(name: str, step: Step, evidence: Evidence, notes: list[str]) -> Iterator[LabelSafety]:
    """Label safety of a step, modality by modality, so that one that can't be judged leaves the others alone."""
    if not isinstance(step, Augment):
        return
    inputs = evidence.table.task.modalities
    for modality in MODALITIES:
        if not getattr(step, modality):
            continue
        seen = "video" if modality == "image" and "image" not in inputs else modality
        if seen not in READABLE or seen not in inputs:
            notes.append(f"{name}: label safety of {modality} operations is not measured on {' and '.join(inputs)}")
            continue
        alone = _alone(step, modality)
        own = {operation: round(value, 2) for operation, value in alone.operation_strength.items()}
        strengths = sorted({WEAKER, *(value for value in own.values() if 0 < value < 1)})
        try:
            learned, rows = _affordable(evidence, seen, len(_names(alone, modality)) * (len(strengths) + 1))
            fitting = evidence.following(learned, evidence.labels)
            measured = label_safety(fitting, alone, rows=rows, strengths=tuple(strengths)).to_pylist()
        except Exception as error:
            let_through(error)
            notes.append(f"{name}: label safety of {modality} operations could not be measured: {sentence(error)}")
            continue
        for one in measured:
            strength = round(one["strength"], 2)
            if strength in (WEAKER, 1.0, own.get(one["operation"])):
                yield LabelSafety(step=name, **(plain(one) | {"strength": strength}))


def _affordable(evidence: Evidence, modality: str, kinds: int) -> tuple[np.ndarray, int]:
    """Mask of the rows that a head learns from, and how many are drawn, so that `MOST_BYTES` hold all of them.

    Args:
        evidence: of the rows.
        modality: of the items.
        kinds: draws of each row.

    Raises:
        DataError: items are too large for a measurement that says anything.
    """
    table = evidence.table
    fit = table.training & evidence.active & evidence.labels.known
    order = evidence.order[fit[evidence.order]]
    size = max((_size(table, modality, row) for row in order[:PROBED].tolist()), default=1)
    # Items are held decoded, and once more encoded, as their draws are.
    learned = MOST_BYTES // (4 * size)
    drawn_rows = MOST_BYTES // (2 * size * kinds)
    if min(learned, len(order)) < min(len(order), FEWEST) or drawn_rows < min(len(order), FEWEST_DRAWN):
        raise DataError(f"items of {size / 1e6:,.0f} MB are too large to hold enough of them; try smaller copies")
    mask = np.zeros(len(table), bool)
    mask[order[:learned]] = True
    return mask, int(min(drawn_rows, MOST_DRAWN))


def _size(table: Table, modality: str, row: int) -> int:
    """Bytes of a decoded item in memory; 1 where there is none."""
    try:
        return max(1, _bytes(read_item(table, modality, row)))
    except DataError:
        return 1


def _bytes(item: Any) -> int:
    if isinstance(item, tuple):
        return sum(_bytes(part) for part in item)
    return item.nbytes if isinstance(item, np.ndarray) else len(str(item))


def _names(step: Augment, modality: str) -> set[str]:
    """The names of the operations that a step does on a modality, presets written out."""
    return {parse(spec)[0] for spec in expand(modality, getattr(step, modality))}


def _alone(step: Augment, modality: str) -> Augment:
    """The step with the operations of one modality."""
    names = _names(step, modality)
    update: dict[str, Any] = {other: () for other in MODALITIES if other != modality}
    for setting in ("only", "never", "operation_strength"):
        update[setting] = {key: value for key, value in getattr(step, setting).items() if key in names}
    return step.model_copy(update=update)


def let_through(fault: Exception) -> None:
    """Raise what is no fault of a row or an operation: a full disk, too little memory."""
    full = isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
    if full or isinstance(fault, StorageError | MemoryError):
        raise fault


def sentence(fault: Exception) -> str:
    """What went wrong, with the kind of fault where it is none that the library raises on purpose."""
    return str(fault) if isinstance(fault, CurateError) else f"{type(fault).__name__}: {fault}"
