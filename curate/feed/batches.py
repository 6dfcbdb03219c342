"""From draws to a batch: gather the rows, decode, augment, mix, collate; what a DataLoader's workers do."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from curate.arrow import places, values_of
from curate.errors import ConfigError, CurateError, DataError
from curate.feed.alike import FIRST_REPLACEMENT, REPLACEMENTS, Alike
from curate.feed.collating import Unfit, numbers, renamed, tensors
from curate.feed.draws import LEFT, NONE_BROKEN, SKIPPED, UNCHANGED, Draw, Part, Skipped, Watch, refuse_positions, said
from curate.feed.inputs.input import Fillable, Filling, Input
from curate.feed.memory import Memory, Recycled, within
from curate.feed.partners import partners
from curate.feed.recipes import Line, Recipes
from curate.feed.spilled import CONTENT, Rows, Spilled
from curate.feed.targets import Targets

if TYPE_CHECKING:
    from curate.feed.device.left import Left


_tokenizing = threading.Lock()
"""Tokenizers of transformers refuse to be used by two threads."""


def begin_process() -> None:
    """After a fork: a lock that another thread of the parent held then would stay held here."""
    global _tokenizing
    _tokenizing = threading.Lock()


@dataclass
class Batches:
    """A map-style dataset for torch whose item is a whole batch.

    Attributes:
        rows: the input columns of the table.
        plan: the lines that are drawn, in memory or in a file.
        inputs: what is read of a row.
        targets: labels, soft labels and weights.
        recipes: augmentation and mixing.
        names: entry of a batch -> the name that the user wants for it.
        on_error: what to do with a row that can't be read or augmented.
        transform: called with each finished batch.
        memory: where large arrays of a batch come from.
        left: which image operations are left to a device, None for none.
        content: column `CONTENT` of the rows whose only input is a file, which must still have that hash.
        at_once: whether a batch's memory is taken with its first row; else when it is ready, or at the end.
    """

    rows: Rows
    plan: Spilled
    inputs: tuple[Input, ...]
    targets: Targets
    recipes: Recipes
    names: Mapping[str, str] = field(default_factory=dict)
    on_error: Literal["skip", "replace", "raise"] = "skip"
    transform: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    memory: Memory = field(default_factory=Recycled)
    left: Left | None = None
    content: Spilled | None = None
    at_once: bool = True

    def __len__(self) -> int:
        """Number of planned draws."""
        return self.plan.table.num_rows

    @cached_property
    def _alike(self) -> Alike:
        return Alike.of(self.plan.table)

    @cached_property
    def _partners(self) -> np.ndarray:
        return partners(self.plan.table)

    def __getitem__(self, draw: Draw | int) -> dict[str, Any]:
        """The batch of a single draw; of a bare position, as in epoch 0."""
        return said(self.batch([draw if isinstance(draw, tuple) else Draw(0, int(draw))]))

    def __getitems__(self, draws: Sequence[Draw]) -> dict[str, Any]:
        """The batch of draws of one epoch, for a DataLoader that is no `Loader`. Raises ConfigError for positions."""
        refuse_positions(draws)
        return said(self.batch(draws))

    def batch(
        self, draws: Sequence[Draw], broken: Mapping[Draw, str] = NONE_BROKEN, watch: Watch | None = None
    ) -> dict[str, Any]:
        """The batch of some draws of one epoch.

        Args:
            draws: what is read.
            broken: draws that are not to be read again, with the reason; they count as rows that can't be read.
            watch: is told which draw is being read.

        Raises:
            DataError: a row can't be read or augmented, and `on_error` is ``raise``.
        """
        filled = self._fillings(len(draws))
        part = self._read(draws, broken, watch, filled)
        skipped = [Skipped(part.lines[place].row_id, reason) for place, reason in part.skipped.items()]
        if part.skipped and self.on_error == "replace":
            part, skipped = self._replaced(part, broken, watch)
        kept = [place for place, items in enumerate(part.items) if items is not None]
        if not kept:
            return {"row_id": [], SKIPPED: skipped}
        lines = [part.lines[place] for place in kept]
        items = [part.items[place] or [] for place in kept]
        planned = part.planned if len(kept) == len(draws) else part.planned.take(places(kept))
        targets = self.targets.arrays(planned)
        if self.recipes.mixes:
            skipped += self._mix(lines, items, targets, [part.draws[place] for place in kept], broken, watch)
        if watch is not None:
            watch.off()
        try:
            batch = self._collate(lines, items, targets, skipped, filled)
        except Unfit as unfit:
            batch = self._without(unfit.reasons, lines, items, targets, skipped, filled)
        if self.left is not None:
            batch[LEFT] = self.left.asked(lines, draws[0].epoch, self.recipes.seed)
        return batch | {UNCHANGED: part.unchanged} if part.unchanged else batch

    def _fillings(self, rows: int) -> list[Filling | None]:
        """What takes the rows of each input as they come, where nothing more is done to them."""
        if self.recipes.mixes:
            return [None] * len(self.inputs)
        return [m.begun(rows, self.memory, self.at_once) if isinstance(m, Fillable) else None for m in self.inputs]

    def _read(
        self,
        draws: Sequence[Draw],
        broken: Mapping[Draw, str],
        watch: Watch | None,
        filled: Sequence[Filling | None] = (),
    ) -> Part:
        """Gather, decode and augment; the finished arrays of each draw, one per input, or what stands for them."""
        planned, lines = self._planned(draws)
        found, place = np.unique(values_of(planned["row"]), return_inverse=True)
        rows = self.rows.take(found)
        if self.content is not None:
            rows = rows.append_column(CONTENT, self.content.take(found)[CONTENT])
        values = [modality.values(rows) for modality in self.inputs]
        items: list[list[Any] | None] = []
        skipped: dict[int, str] = {}
        unchanged: Counter[str] = Counter()
        for number, (line, draw) in enumerate(zip(lines, draws)):
            try:
                if draw in broken:
                    raise DataError(f"row {line.row_id} can't be read: {broken[draw]}")
                if watch is not None:
                    watch.on(draw)
                item = self._item(line, [column[place[number]] for column in values], draw.epoch, unchanged)
                if filled:
                    item = [one if into is None else into.put(number, one) for one, into in zip(item, filled)]
                items.append(item)
            except DataError as error:
                if self.on_error == "raise":
                    raise
                skipped[number] = str(error).removeprefix(f"row {line.row_id} can't be read: ")
                items.append(None)
        return Part(list(draws), planned, lines, items, skipped, unchanged)

    def _replaced(self, part: Part, broken: Mapping[Draw, str], watch: Watch | None) -> tuple[Part, list[Skipped]]:
        """The part with other rows of the same classes in the place of those that could not be read.

        Which they are follows from seed, epoch, row and copy alone, like everything else about a draw.
        """
        draws, items, skipped = list(part.draws), list(part.items), []
        unchanged = Counter(part.unchanged)
        for place, reason in part.skipped.items():
            line, draw, replacement = part.lines[place], part.draws[place], None
            for attempt in range(REPLACEMENTS):
                other = self._alike.instead(
                    draw.position, attempt, self.recipes.seed, draw.epoch, line.row_id, line.copy
                )
                tried = self._read([Draw(draw.epoch, other, FIRST_REPLACEMENT + attempt)], broken, watch)
                if tried.items[0] is not None:
                    draws[place], items[place] = tried.draws[0], tried.items[0]
                    unchanged.update(tried.unchanged)
                    replacement = tried.lines[0].row_id
                    break
            skipped.append(Skipped(line.row_id, reason, replacement))
        return Part(draws, *self._planned(draws), items, {}, unchanged), skipped

    def _planned(self, draws: Sequence[Draw]) -> tuple[pa.Table, list[Line]]:
        """The lines of the plan, and what a recipe must know of them."""
        planned = self.plan.take(np.array([draw.position for draw in draws], np.int64))
        return planned, self.recipes.lines(planned, np.array([draw.occurrence for draw in draws], np.int64))

    def _item(self, line: Line, values: list[Any], epoch: int, unchanged: Counter[str]) -> list[Any]:
        """The finished arrays of one draw, one per input."""
        try:
            read = [modality.read(value) for modality, value in zip(self.inputs, values)]
        except DataError as error:
            raise DataError(f"row {line.row_id} can't be read: {error}") from error
        except MemoryError as error:
            detail = f" ({error})" if str(error) else ""
            raise DataError(f"row {line.row_id} can't be read: there is not enough memory for it{detail}") from error
        if self.left is not None:
            line = self.left.here(line)
        changed = [self.recipes.changed(line, m, item, epoch, unchanged) for m, item in zip(self.inputs, read)]
        return [m.finish(item) for m, item in zip(self.inputs, changed)]

    def _mix(
        self,
        lines: list[Line],
        items: list[list[Any]],
        targets: dict[str, np.ndarray],
        draws: Sequence[Draw],
        broken: Mapping[Draw, str],
        watch: Watch | None,
    ) -> list[Skipped]:
        """Mix partners into items and targets, in place; the partners that could not be read."""
        may, epoch = self._partners, draws[0].epoch
        shapes = [next((i.shape for i in own if isinstance(i, np.ndarray)), None) for own in items]
        chosen = [self.recipes.mixing(line, epoch, len(may), shape) for line, shape in zip(lines, shapes)]
        partners = np.where(
            [choice is not None for choice in chosen],
            may[[0 if choice is None else choice[1].partner for choice in chosen]],
            [draw.position for draw in draws],
        )
        theirs = self.targets.arrays(self.plan.take(partners))
        both = self.targets.mixable(targets) & self.targets.mixable(theirs)
        wanted = [place for place, choice in enumerate(chosen) if choice is not None and both[place]]
        share = np.ones(len(lines))
        skipped: list[Skipped] = []
        if wanted:
            needed, number = np.unique(partners[wanted], return_inverse=True)
            part = self._read([Draw(epoch, position) for position in needed.tolist()], broken, watch)
            skipped = [Skipped(part.lines[n].row_id, reason) for n, reason in part.skipped.items()]
            for place, n in zip(wanted, number):
                choice, partner = chosen[place], part.items[n]
                # A partner that can't be read leaves the row as it is.
                if choice is None or partner is None:
                    continue
                mix, drawn = choice
                share[place] = drawn.share
                items[place] = [
                    mix.apply(numbers(own), numbers(other), drawn) if isinstance(own, np.ndarray) else own
                    for own, other in zip(items[place], partner)
                ]
        self.targets.mixed(targets, theirs, share)
        return skipped

    def _without(
        self, unfit: Mapping[int, str], lines: list[Line], items: list[list[Any]], targets: dict[str, np.ndarray],
        skipped: list[Skipped], filled: Sequence[Filling | None],
    ) -> dict[str, Any]:  # fmt: skip
        """The batch without rows that can't be put into one."""
        kept = [place for place in range(len(lines)) if place not in unfit]
        if self.on_error == "raise" or any(one is not None for one in filled):
            place, reason = next(iter(unfit.items()))
            raise DataError(f"row {lines[place].row_id} can't be put into a batch: {reason}")
        skipped = skipped + [Skipped(lines[place].row_id, reason) for place, reason in unfit.items()]
        if not kept:
            return {"row_id": [], SKIPPED: skipped}
        left = {name: values[kept] for name, values in targets.items()}
        return self._collate([lines[p] for p in kept], [items[p] for p in kept], left, skipped, filled)

    def _collate(
        self,
        lines: list[Line],
        items: list[list[Any]],
        targets: dict[str, np.ndarray],
        skipped: list[Skipped],
        filled: Sequence[Filling | None],
    ) -> dict[str, Any]:
        """The batch as torch tensors under the names that the user wants."""
        row_ids = [line.row_id for line in lines]
        batch: dict[str, Any] = {}
        for number, (modality, filling) in enumerate(zip(self.inputs, filled)):
            column = [item[number] for item in items]
            with within(self.memory), _tokenizing if modality.modality == "text" else nullcontext():
                try:
                    batch |= modality.collate(column, row_ids) if filling is None else filling.entries(column, row_ids)
                except CurateError:
                    raise
                except Exception as error:
                    Unfit.blame(modality, column, row_ids, error)
                    raise
        batch = self.targets.joined(targets, batch)
        batch["row_id"] = row_ids
        made = renamed({name: tensors(value) for name, value in batch.items()}, self.names)
        if self.transform is not None:
            made = self.transform(made)
            if not isinstance(made, dict):
                raise ConfigError(f"the transform must return the batch as a dict, not {type(made).__name__}")
        if skipped:
            made[SKIPPED] = skipped
        return made
