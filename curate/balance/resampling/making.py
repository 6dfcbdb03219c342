"""New rows of classes, by the method that the step names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curate.balance.resampling import categories, cleaning, entries, interpolating, recorded, selecting, targets
from curate.balance.resampling.drafted import Blocks, Drafted, gathered
from curate.balance.resampling.methods import METHODS
from curate.balance.resampling.nearest import nearest_of_parts
from curate.balance.resampling.seen import Seen, look, refuse, space, tell
from curate.evidence.parts.lying import elsewhere
from curate.ledger import Decisions
from curate.made import Made
from curate.wording import counted, some_of

if TYPE_CHECKING:
    from curate.balance.resample import Resample
    from curate.balance.resampling.classes import Rows
    from curate.evidence.parts.left import ArrayWriter

USUAL_K = {"kmeans_smote": 2}
CORPUS_ROWS = 32_768
"""New rows that neighbours are searched among at once."""
CLASS_ALONE = ("smote", "smotenc")
"""Methods to whom the rows of other classes are nothing: they are not even read."""


def made(
    step: Resample, these: Rows, evidence: Any, seed: int, salt: int, writer: ArrayWriter | None
) -> Decisions | Made:
    """New rows of the classes that have too few, and what cleaning drops afterwards (`smote_enn`, `smote_tomek`)."""
    extra = targets.extra_rows(step.to, these.counts, these.names, step.beta, step.max_ratio)
    extra = {code: n for code, n in extra.items() if n}
    if not extra:
        tell(evidence, f"resample: every class has the rows that `to: {step.to}` asks for; none is made")
    groups = by_neighbours(step, extra, these, evidence)
    both = METHODS[step.method].family == "both"
    if not groups and not both:
        return Decisions()
    wanted = [code for _, part in groups for code in part]
    mine = np.flatnonzero(np.isin(these.codes, wanted)) if step.method in CLASS_ALONE else np.arange(len(these.rows))
    seen = look(step, evidence, these.rows[mine], making=True, writer=writer)
    codes = these.codes[mine]
    drafted = Drafted.join([_draft(step, seen, codes, part, k, seed, these.names, evidence) for k, part in groups])
    gone = np.zeros(0, dtype=np.int64)
    if both:
        drafted, gone = _cleaned(step, seen.values, codes, drafted, these, seed, evidence)
    table, goal = evidence.table, {code: int(these.counts[code]) + n for code, n in extra.items()}
    reasons = [
        f"{step.method}: class {name!r} has {counted(count, 'row')}"
        + (f", {goal[code]} are wanted" if code in goal else "")
        for code, (name, count) in enumerate(zip(these.names, these.counts.tolist()))
    ]
    dropped = entries.decided(step.name, "drop", table.row_ids[these.rows[gone]], _why_cleaned(step.method))
    if not len(drafted):
        return dropped
    rows = entries.made_rows(
        step.name, salt, table, seen.rows, seen.own.columns, drafted.changed(seen.restored),
        entries.class_labels(table, these.names, drafted.codes),
        entries.Said(pa.array(reasons, pa.string()), drafted.codes),
    )  # fmt: skip
    return Made(Decisions.join([rows.decisions, dropped]), rows.rows)


def by_neighbours(
    step: Resample, extra: Mapping[int, int], these: Rows, evidence: Any
) -> list[tuple[int, dict[int, int]]]:
    """The classes with the k that each can have; classes that can't have any are left out, with a note."""
    k = step.k or USUAL_K.get(step.method, 5)
    if step.method == "random_over" or (step.method == "borderline_smote" and step.borderline == 2):
        return [(min(k, len(these.rows) - 1), dict(extra))] if extra else []
    sizes = np.bincount(these.codes, minlength=len(these.names))
    groups: dict[int, dict[int, int]] = {}
    for code, n in extra.items():
        name, size = these.names[code], int(sizes[code])
        if size > k:
            groups.setdefault(k, {})[code] = n
        elif step.few == "refuse":
            raise refuse(
                f"class {name!r} has {counted(int(size), 'row')}, and {step.method} needs {k + 1} to find {k}"
                " neighbours in it; ask for"
                " a smaller k, or say `few: reduce` (fewer neighbours for such classes) or `few: leave`"
            )
        elif step.few == "leave" or size < 2:
            why = "it can't be mixed with another" if size < 2 else f"fewer than the {k + 1} that k: {k} needs"
            tell(
                evidence,
                f"resample: class {name!r} has {counted(int(size), 'row')}, {why}; it is left as it is (`oversample`"
                " repeats rows)",
            )
        else:
            groups.setdefault(size - 1, {})[code] = n
            tell(evidence, f"resample: class {name!r} has {size} rows, so {step.method} looks at {size - 1} neighbours")
    return sorted(groups.items(), reverse=True)


def _draft(
    step: Resample, seen: Seen, codes: np.ndarray, extra: Mapping[int, int], k: int, seed: int,
    names: tuple[str, ...], evidence: Any,
) -> Drafted:  # fmt: skip
    """New rows of some classes with one k, with the codes of the task."""
    present = np.unique(codes)
    y, place = np.searchsorted(present, codes), {int(code): i for i, code in enumerate(present)}
    aim = {place[code]: n for code, n in extra.items()}
    if step.method in ("smote", "smote_enn", "smote_tomek"):
        found = interpolating.smote(seen.values, y, aim, k, seed)
    elif step.method == "adasyn":
        called = {i: names[code] for code, i in place.items()}
        found = interpolating.adasyn(seen.values, y, aim, k, seed, called)
    elif step.method == "smotenc":
        found = categories.smotenc(seen.values, seen.own.categorical, y, aim, k, seed)
    elif step.method == "smoten":
        found = categories.smoten(seen.values, y, aim, k, seed)
    elif step.method == "random_over":
        found = interpolating.smoothed_bootstrap(seen.values, y, aim, step.shrinkage or 0.0, seed)
    else:
        found = _by_library(step, seen, y, aim, k, seed, evidence)
    for code, i in place.items():
        if code in extra and not (found.codes == i).any():
            tell(evidence, f"resample: {step.method} found no row of class {names[code]!r} to start from; it made none")
    return replace(found, codes=present.astype(np.int32)[found.codes])


def _by_library(
    step: Resample, seen: Seen, y: np.ndarray, aim: Mapping[int, int], k: int, seed: int, evidence: Any
) -> Drafted:
    settings = library_settings(step, y, evidence, seed) | {"k_neighbors": k, "random_state": seed}
    return recorded.made_by_library(METHODS[step.method].load(), settings, seen.values, y, aim, step.method)


def library_settings(step: Resample, y: np.ndarray, evidence: Any, seed: int) -> dict[str, Any]:
    """Parameters of the library's class that the step sets, with neighbours that there are enough rows for."""
    takes = METHODS[step.method].takes
    given = {takes[name]: value for name, value in step.own_settings.items() if takes[name]}
    if step.borderline is not None:
        given["kind"] = f"borderline-{step.borderline}"
    smallest, n = int(np.bincount(y).min()), len(y)
    most = {"n_neighbors": n - 1, "m_neighbors": n - 1}
    usual = {"n_neighbors": 3, "m_neighbors": 10}
    if step.method in ("near_miss", "condensed_nearest_neighbour", "one_sided_selection"):
        most = {"n_neighbors": smallest, "n_neighbors_ver3": smallest}
        usual = {"n_neighbors": 3, "n_neighbors_ver3": 3} if step.method == "near_miss" else {"n_neighbors": 1}
    if step.method == "near_miss" and given.get("version", 1) != 3:
        usual.pop("n_neighbors_ver3")
    if step.method == "instance_hardness_threshold":
        if smallest < 2:
            raise refuse(f"{step.method} cross-validates, and a class has {smallest} row; it needs 2 of each class")
        most, usual = {"cv": smallest}, {"cv": 5}
        given["estimator"] = selecting.hardness_estimator(step.estimator or "random_forest", seed)
    for name, bound in most.items():
        if name in (set(takes.values()) & set(usual)) and given.get(name, usual[name]) > bound:
            given[name] = max(1, bound)
            tell(evidence, f"resample: {step.method} goes on with {name} = {max(1, bound)}: there are no rows for more")
    return given


def _cleaned(
    step: Resample, values: Any, codes: np.ndarray, drafted: Drafted, these: Rows, seed: int, evidence: Any
) -> tuple[Drafted, np.ndarray]:
    """The new rows that cleaning leaves, and the given rows that it drops; all classes are cleaned."""
    all_codes = np.concatenate([codes, drafted.codes])
    present = np.unique(all_codes)
    y = np.searchsorted(present, all_codes)
    settings = library_settings(step, y, evidence, seed)
    k = settings.get("n_neighbors", 3) if step.method == "smote_enn" else 1
    near = elsewhere(partial(_near_of_all, drafted.blocks, len(drafted), k), values)
    if step.method == "smote_enn":
        stays = cleaning.agreeing(y[near], y, settings.get("kind_sel", "all"))
    else:
        stays = ~cleaning.linked(near[:, 0], y, range(len(present)))
    times = stays.astype(np.int64)
    emptied = np.flatnonzero(np.bincount(y, weights=times, minlength=len(present)) == 0)
    if len(emptied):
        named = some_of(emptied, said=lambda code: repr(these.names[present[code]]))
        if step.few == "refuse":
            raise refuse(f"{step.method} would leave no row of class {named}; take smote, or kind_sel: mode")
        tell(evidence, f"resample: {step.method} would leave no row of class {named}; its rows are left as they are")
        times = np.where(np.isin(y, emptied), 1, times)
    return drafted.take(np.flatnonzero(times[len(codes) :])), np.flatnonzero(times[: len(codes)] == 0)


def _near_of_all(blocks: Blocks, count: int, k: int, values: Any) -> np.ndarray:
    """(n + m, k) int32 the nearest others of each row of a matrix and of the m new rows behind it."""
    own = values[:]

    def parts() -> Iterator[np.ndarray]:
        yield own
        yield from gathered(blocks(), CORPUS_ROWS)

    return nearest_of_parts(parts, len(own) + count, k + 1)[:, 1:]


def _why_cleaned(method: str) -> str:
    if method == "smote_enn":
        return "smote_enn: its neighbours are of other classes"
    return "smote_tomek: it and its nearest row, of another class, are each other's nearest"


def centroids_wanted(step: Resample, evidence: Any) -> bool:
    """Whether cluster_centroids makes new rows (the centres themselves) and does not choose rows near them."""
    table = evidence.table
    soft = step.voting == "soft"
    return soft or (step.voting in (None, "auto") and space(step, table.task, table) == "features")


def centroids(
    step: Resample, these: Rows, evidence: Any, seed: int, salt: int, writer: ArrayWriter | None
) -> Decisions | Made:
    """Classes replaced by the centres of their clusters."""
    goal = targets.kept_rows(step.to, these.counts, these.names, step.beta)
    if not goal:
        return Decisions()
    seen, table = look(step, evidence, these.rows, making=True, writer=writer), evidence.table
    parts, given = [], [(np.flatnonzero(these.codes == code), wanted) for code, wanted in goal.items()]
    found = selecting.clustered(seen.values, given, seed)
    for code, (own, wanted), (centres, member) in zip(goal, given, found, strict=True):
        # The first member stands for the cluster as its parent; the reason says that it is one of many.
        first = own[[int(np.flatnonzero(member == c)[0]) if (member == c).any() else 0 for c in range(wanted)]]
        parts.append(Drafted.of(centres, code, first))
    drafted = Drafted.join(parts)
    counts = zip(these.names, these.counts.tolist())
    sizes = [f"cluster_centroids: class {name!r} has {counted(n, 'row')}" for name, n in counts]
    rows = entries.made_rows(
        step.name, salt, table, seen.rows, seen.own.columns, drafted.changed(seen.restored),
        entries.class_labels(table, these.names, drafted.codes),
        entries.Said(pa.array([f"{size}, this is the centre of some" for size in sizes]), drafted.codes),
    )  # fmt: skip
    gone = np.flatnonzero(np.isin(these.codes, list(goal)))
    why = entries.by_class([f"{size}, centres of its clusters take their place" for size in sizes], these.codes[gone])
    dropped = entries.decided(step.name, "drop", table.row_ids[these.rows[gone]], why)
    return Made(Decisions.join([rows.decisions, dropped]), rows.rows)
