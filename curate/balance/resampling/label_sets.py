"""Resampling of rows that bear several labels: ML-ROS, LP-ROS and MLSMOTE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curate.balance._rows import repeats
from curate.balance.oversample import shared_out
from curate.balance.resampling import entries, mixing
from curate.balance.resampling.classes import ordered
from curate.balance.resampling.drafted import Drafted, block_rows
from curate.balance.resampling.seen import look, refuse, tell
from curate.ledger import Decisions
from curate.made import Made
from curate.wording import counted

if TYPE_CHECKING:
    from curate.balance.resample import Resample
    from curate.evidence.parts.left import ArrayWriter
    from curate.table import Labels

USUAL_SHARE = 0.25


def imbalance(counts: np.ndarray) -> tuple[np.ndarray, float]:
    """(L,) how many times rarer than the most frequent label each is, and the mean of that over labels that occur.

    Labels that no row has are NaN. Source: Charte et al. 2015 (IRLbl, MeanIR).
    """
    ratio = np.where(counts > 0, counts.max(initial=0) / np.maximum(counts, 1), np.nan)
    return ratio, float(np.nanmean(ratio)) if (counts > 0).any() else 0.0


def resampled(
    step: Resample, labels: Labels, evidence: Any, seed: int, salt: int, writer: ArrayWriter | None = None
) -> Decisions | Made:
    """Repeats of rows with rare labels, or new rows of them."""
    rows = ordered(labels, evidence)
    sets = labels.sets
    if sets is None or not len(rows) or not sets[rows].any():
        tell(evidence, "resample: no training row has a label; there is nothing to balance")
        return Decisions()
    counts = labels.counts(rows)
    ratio, mean = imbalance(counts)
    rare = np.flatnonzero(ratio > mean + 1e-12)
    if step.method == "mlsmote":
        return _mlsmote(step, labels, evidence, rows, rare, seed, salt, writer)
    total, rng = int(len(rows) * (step.share or USUAL_SHARE)), np.random.default_rng(seed)
    room = np.full(len(rows), total)
    if step.max_copies is not None:
        room = np.clip(step.max_copies - repeats(evidence)[rows], 0, total)
    if step.method == "ml_ros":
        more = rare_label_copies(sets[rows], rare, total, room, rng)
    else:
        more = rare_set_copies(sets[rows], total, room, rng)
    if int(more.sum()) < total:
        made = counted(int(more.sum()), "row")
        tell(evidence, f"resample: {step.method} repeats {made}, not {total}: no rare label is left to grow")
    taken = np.flatnonzero(more)
    ids = evidence.table.row_ids[rows[taken]]
    why = _reasons(step.method, labels, rows[taken], ratio, mean, rare)
    return entries.decided(step.name, "repeat", ids, why, after=[str(n) for n in more[taken].tolist()])


def rare_label_copies(
    sets: np.ndarray, rare: np.ndarray, total: int, room: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(m,) int64 copies by ML-ROS: turn by turn a row of every rare label, until the label is rare no more.

    Args:
        sets: (m, L) bool.
        rare: labels whose imbalance is above the mean.
        total: copies in all.
        room: (m,) most copies of each row.
        rng: draws the rows.
    """
    counts = sets.sum(0).astype(np.int64)
    mean = imbalance(counts)[1]
    bags = {int(label): np.flatnonzero(sets[:, label] & (room > 0)) for label in rare}
    more, left = np.zeros(len(sets), dtype=np.int64), total
    while left > 0 and bags:
        for label in list(bags):
            bag = bags[label]
            if not len(bag) or counts.max() / counts[label] <= mean:
                del bags[label]
                continue
            row = bag[rng.integers(len(bag))]
            more[row] += 1
            counts += sets[row]
            left -= 1
            if more[row] >= room[row]:
                bags = {name: own[own != row] for name, own in bags.items()}
            if not left:
                break
    return more


def rare_set_copies(sets: np.ndarray, total: int, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(m,) int64 copies by LP-ROS: sets of labels that are rarer than the mean set grow toward it, by equal numbers.

    Args:
        sets: (m, L) bool.
        total: copies in all.
        room: (m,) most copies of each row.
        rng: draws the rows.
    """
    packed = np.packbits(sets, axis=1)
    _, group, sizes = np.unique(packed, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    wanted = np.maximum(0, np.ceil(sizes.mean() - 1e-9).astype(np.int64) - sizes)
    given = shared_out(total, wanted)
    more = np.zeros(len(sets), dtype=np.int64)
    for number in np.flatnonzero(given):
        own = np.flatnonzero(group == number)
        drawn = np.bincount(rng.integers(len(own), size=given[number]), minlength=len(own))
        kept = np.minimum(drawn, room[own])
        spare = room[own] - kept
        more[own] = kept + shared_out(min(int(drawn.sum() - kept.sum()), int(spare.sum())), spare)
    return more


def _reasons(
    method: str, labels: Labels, rows: np.ndarray, ratio: np.ndarray, mean: float, rare: np.ndarray
) -> list[str]:
    if method == "lp_ros":
        return [f"lp_ros: few rows have the labels {labels.name(int(row)) or 'none'}" for row in rows]
    sets = labels.sets
    worst = rare[np.nan_to_num(np.where(sets[rows][:, rare], ratio[rare], -1.0)).argmax(1)]  # pyright: ignore[reportOptionalSubscript]
    texts = {
        int(code): f"{method}: label {labels.names[code]!r} is {ratio[code]:.1f} times rarer than the most frequent one"
        f" (mean of labels {mean:.1f})"
        for code in rare
    }
    return [texts[int(code)] for code in worst]


def _mlsmote(
    step: Resample, labels: Labels, evidence: Any, rows: np.ndarray, rare: np.ndarray, seed: int, salt: int,
    writer: ArrayWriter | None,
) -> Decisions | Made:  # fmt: skip
    """One new row for every row of a rare label, between it and one of its neighbours among the rows of that label."""
    table, sets = evidence.table, labels.sets
    if sets is None:
        return Decisions()
    seen, rng = look(step, evidence, rows, making=True, writer=writer), np.random.default_rng(seed)
    own_sets, k = sets[rows], step.k or 5
    parts, new_sets, reasons, grown = [], [], [], []
    counts = labels.counts(rows)
    for label in rare.tolist():
        bag = np.flatnonzero(own_sets[:, label])
        name, fits, size = labels.names[label], min(k, len(bag) - 1), counted(len(bag), "row")
        if fits < 1 or (fits < k and step.few == "leave"):
            tell(evidence, f"resample: label {name!r} has {size}, too few for k: {k}; it is left as it is")
            continue
        if fits < k:
            if step.few == "refuse":
                raise refuse(f"label {name!r} has {size}, and mlsmote needs {k + 1}; ask for a smaller k")
            tell(evidence, f"resample: label {name!r} has {size}, so mlsmote looks at {fits} neighbours")
        drafted, found = mlsmote_rows(seen.values, seen.own.categorical, own_sets, bag, fits, rng)
        parts.append(drafted)
        new_sets.append(found)
        ratio = counts.max() / counts[label]
        grown.append(np.full(len(drafted), len(reasons), dtype=np.int32))
        reasons.append(f"mlsmote: label {name!r} is {ratio:.1f} times rarer than the most frequent one")
    if not parts:
        return Decisions()
    drafted, chosen = Drafted.join(parts), np.concatenate(new_sets)
    values = set_labels(chosen, labels.names, table.column(str(table.task.label)).type)
    return entries.made_rows(
        step.name, salt, table, seen.rows, seen.own.columns, drafted.changed(seen.restored),
        entries.Said(values, np.arange(len(drafted), dtype=np.int32)),
        entries.Said(pa.array(reasons, pa.string()), np.concatenate(grown)),
    )  # fmt: skip


def mlsmote_rows(
    values: Any, categorical: np.ndarray, sets: np.ndarray, bag: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[Drafted, np.ndarray]:
    """New rows of one rare label: (b, d) values, and (b, L) labels that most of a row and its neighbours have.

    Args:
        values: (n, d) matrix.
        categorical: (d,) bool.
        sets: (n, L) bool.
        bag: (b,) rows that have the label.
        k: neighbours, less than b.
        rng: chooses neighbour and place.
    """
    near = bag[mixing.nearest_of(values, bag, categorical, k)]
    second = near[np.arange(len(bag)), rng.integers(k, size=len(bag))]
    seed, size = int(rng.integers(2**63)), block_rows(values.shape[1])

    def blocks() -> Iterator[np.ndarray]:
        drawn = np.random.default_rng(seed)
        for start in range(0, len(bag), size):
            here = slice(start, start + size)
            share = drawn.random((len(bag[here]), values.shape[1]))
            yield mixing.mixed(values, categorical, bag[here], second[here], share, near[here])

    having = np.concatenate(
        [
            (sets[bag[start : start + size]].astype(np.int32) + sets[near[start : start + size]].sum(axis=1))
            > (k + 1) / 2
            for start in range(0, len(bag), size)
        ]
    )
    return Drafted.of(blocks, 0, bag, second), having


def set_labels(sets: np.ndarray, names: tuple[str, ...], kind: pa.DataType) -> pa.Array:
    """(m, L) bool as a column of lists of names."""
    rows, codes = np.nonzero(sets)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(sets)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(list(names), pa.string()).take(pa.array(codes))).cast(
        kind
    )
