"""Resampling of classes: rows added, left or cleaned by the method that the step names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.balance._rows import eligible, repeats
from curate.balance.oversample import shared_out
from curate.balance.resampling import entries, making, selecting, targets
from curate.balance.resampling.methods import METHODS
from curate.balance.resampling.seen import look, refuse, tell
from curate.ledger import Decisions
from curate.made import Made
from curate.wording import counted, some_of

if TYPE_CHECKING:
    from curate.balance.resample import Resample
    from curate.evidence.parts.left import ArrayWriter
    from curate.table import Labels


@dataclass(frozen=True)
class Rows:
    """The rows that may be resampled, in an order that is their ids' alone.

    Attributes:
        rows: (m,) positions.
        codes: (m,) class codes.
        counts: (K,) int64 rows of each class, or draws where draws are counted.
        names: the K classes.
        noun: what they are called in reasons.
    """

    rows: np.ndarray
    codes: np.ndarray
    counts: np.ndarray
    names: tuple[str, ...]
    noun: str = "class"

    @property
    def present(self) -> np.ndarray:
        """(C,) codes of the classes that occur."""
        return np.flatnonzero(np.bincount(self.codes))

    def compact(self, which: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(m,) codes 0..C-1 of the classes that occur, as imbalanced-learn needs them."""
        return np.searchsorted(self.present, self.codes[which])


def ordered(labels: Labels, evidence: Any) -> np.ndarray:
    """(m,) positions of the active training rows with a label, sorted by the hash of their ids."""
    allowed = np.zeros(len(labels), dtype=bool)
    allowed[eligible(labels, evidence)] = True
    order = evidence.order
    return order[allowed[order]]


def resampled(
    step: Resample, labels: Labels, evidence: Any, seed: int, salt: int, writer: ArrayWriter | None = None
) -> Decisions | Made:
    """Repeats, drops or new rows of classes.

    Args:
        step: the step.
        labels: labels as they are now.
        evidence: the evidence.
        seed: of the library's samplers.
        salt: number in the ids of new rows.
        writer: leaves matrices where machines of the engine map them.
    """
    rows = ordered(labels, evidence)
    codes = labels.codes[rows]
    family = METHODS[step.method].family
    times = 1 + repeats(evidence)[rows]
    counts = np.bincount(codes, weights=None if family == "clean" else times, minlength=len(labels.names))
    these = Rows(rows, codes, counts.astype(np.int64), labels.names)
    if len(these.present) < 2:
        told = "the training rows have 1 class" if len(these.present) else "no training row has a label"
        tell(evidence, f"resample: {told}; there is nothing to balance")
        return Decisions()
    if family in ("under", "both") and (times > 1).any():
        raise refuse(
            f"{step.method} counts rows, and earlier steps draw {(times > 1).sum()} rows more than once; put this step"
            " before the steps that repeat rows"
        )
    absent = [name for name, count in zip(labels.names, counts) if not count]
    if absent:
        tell(evidence, f"resample: no training row has the class {some_of(absent, said=repr)}; none can be added")
    if family == "over" and not step.makes:
        return repeated(step, these, evidence, seed)
    if family in ("over", "both"):
        return making.made(step, these, evidence, seed, salt, writer)
    if step.method == "cluster_centroids" and making.centroids_wanted(step, evidence):
        return making.centroids(step, these, evidence, seed, salt, writer)
    return _thinned(step, these, evidence, seed, writer)


def repeated(step: Resample, these: Rows, evidence: Any, seed: int) -> Decisions:
    """Rows drawn again, with replacement."""
    extra = targets.extra_rows(step.to, these.counts, these.names, step.beta, step.max_ratio)
    extra = {code: n for code, n in extra.items() if n}
    if not extra:
        tell(evidence, f"resample: every {these.noun} has the rows that `to: {step.to}` asks for; none is added")
        return Decisions()
    own = np.bincount(these.compact())
    place = {int(code): i for i, code in enumerate(these.present)}
    goal = {place[code]: int(own[place[code]]) + n for code, n in extra.items()}
    times, _ = selecting.times_kept("random_over", {}, None, these.compact(), goal, seed)
    more = times - 1
    if step.max_copies is not None:
        room = np.maximum(0, step.max_copies - repeats(evidence)[these.rows])
        for code, wanted in extra.items():
            mine = np.flatnonzero(these.codes == code)
            more[mine] = within(more[mine], room[mine])
            if (short := wanted - int(more[mine].sum())) > 0:
                tell(
                    evidence,
                    f"resample: {these.noun} {these.names[code]!r} stays {counted(short, 'draw')} below its target: no"
                    f" row may have more than {step.max_copies} copies (max_copies)",
                )
    taken = np.flatnonzero(more)
    reasons = reasons_of(step.method, these, {code: int(these.counts[code]) + n for code, n in extra.items()})
    why = entries.by_class(reasons, these.codes[taken])
    ids = evidence.table.row_ids[these.rows[taken]]
    return entries.decided(step.name, "repeat", ids, why, after=[str(n) for n in more[taken].tolist()])


def within(wanted: np.ndarray, room: np.ndarray) -> np.ndarray:
    """(m,) int64 copies of each row: as wanted where there is room, the rest shared out among rows with room."""
    given = np.minimum(wanted, room)
    left = int(wanted.sum() - given.sum())
    return given + shared_out(min(left, int((room - given).sum())), room - given) if left else given


def reasons_of(method: str, these: Rows, goal: Mapping[int, int]) -> list[str]:
    """K sentences: what each class has and what it should have."""
    return [
        f"{method}: {these.noun} {name!r} has {counted(count, 'row')}"
        + (f", {goal[code]} are wanted" if code in goal else "")
        for code, (name, count) in enumerate(zip(these.names, these.counts.tolist()))
    ]


def _thinned(step: Resample, these: Rows, evidence: Any, seed: int, writer: ArrayWriter | None) -> Decisions:
    """Rows dropped, by number or because the method finds them wanting."""
    method = METHODS[step.method]
    if method.family == "clean":
        touched = targets.cleaned_classes(step.to, these.counts, these.names, step.method)
        goal = None
    else:
        goal = targets.kept_rows(step.to, these.counts, these.names, step.beta)
        touched = list(goal)
    if not touched:
        tell(evidence, f"resample: no class has more rows than `to: {step.to}` leaves; none is dropped")
        return Decisions()
    rows = these.rows
    values: Any = None
    if method.inputs == "any":
        seen = look(step, evidence, rows, making=False, writer=writer)
        if len(seen.rows) < len(rows):
            these = _among(these, seen.rows)
            touched = [code for code in touched if these.counts[code]]
            goal = None if goal is None else {c: min(n, int(these.counts[c])) for c, n in goal.items() if c in touched}
        rows, values = seen.rows, seen.values
    if len(these.present) < 2 or not touched:
        return Decisions()
    place = {int(code): i for i, code in enumerate(these.present)}
    compact = these.compact()
    if step.method == "cluster_centroids":
        chosen = {place[code]: n for code, n in (goal or {}).items()}
        times = selecting.nearest_to_centroids(values, compact, chosen, seed)
        notes = []
    else:
        aim = step.to if isinstance(step.to, str) else [place[c] for c in touched]  # words are asked anew in every turn
        if goal is not None:
            aim = {place[c]: n for c, n in goal.items()}
        settings = making.library_settings(step, compact, evidence, seed)
        times, notes = selecting.times_kept(step.method, settings, values, compact, aim, seed)
    for note in notes:
        tell(evidence, note)
    times = spared(step, these, times, evidence)
    why = _reasons_to_go(step, these, goal)
    return entries.dropped_and_repeated(step.name, evidence.table, rows, times, why, these.codes)


def _among(these: Rows, rows: np.ndarray) -> Rows:
    codes = these.codes[np.isin(these.rows, rows)]
    return Rows(rows, codes, np.bincount(codes, minlength=len(these.names)).astype(np.int64), these.names)


def _reasons_to_go(step: Resample, these: Rows, goal: Mapping[int, int] | None) -> list[str]:
    if goal is not None:
        return reasons_of(step.method, these, goal)
    why = {
        "tomek_links": "its nearest row is of another class, and it is that row's nearest",
        "condensed_nearest_neighbour": "the rows kept so far tell its class without it",
        "one_sided_selection": "the rows kept tell its class without it, or its nearest row is of another class",
        "neighbourhood_cleaning_rule": "its neighbours are of other classes, or it misleads a row of the rarest class",
    }.get(step.method, "its neighbours are of other classes")
    return [f"{step.method}: class {name!r}: {why}" for name in these.names]


def spared(step: Resample, these: Rows, times: np.ndarray, evidence: Any) -> np.ndarray:
    """(m,) times, with the rows of a class that would lose all of them kept; or an error, where `few` is refuse."""
    left = np.bincount(these.codes, weights=times, minlength=len(these.names))
    emptied = np.flatnonzero((these.counts > 0) & (left == 0))
    if not len(emptied):
        return times
    named = some_of(emptied, said=lambda k: f"{these.names[k]!r} ({counted(int(these.counts[k]), 'row')})")
    said = f"{step.method} would drop every row of {counted(len(emptied), 'class', 'classes')}: {named}"
    if step.few == "refuse":
        raise refuse(f"{said}; name the classes to clean (`to:` takes a list), a smaller k, or kind_sel: mode")
    tell(evidence, f"resample: {said}; these rows are left as they are")
    return np.where(np.isin(these.codes, emptied), 1, times)
