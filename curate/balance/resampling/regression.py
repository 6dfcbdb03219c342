"""Resampling of a number to be predicted: rare values of it, found by bins or by relevance, are grown."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.balance._rows import repeats
from curate.balance.resampling import classes, entries, selecting, targets
from curate.balance.resampling.drafted import Drafted
from curate.balance.resampling.relevance import Grown, grown, relevance, split_regions
from curate.balance.resampling.seen import look, refuse, tell
from curate.ledger import Decisions
from curate.made import Made
from curate.wording import counted

if TYPE_CHECKING:
    from curate.balance.resample import Resample
    from curate.evidence.parts.left import ArrayWriter
    from curate.table import Labels


def resampled(
    step: Resample, labels: Labels, evidence: Any, seed: int, salt: int, writer: ArrayWriter | None = None
) -> Decisions | Made:
    """Repeats, drops or new rows, so that rare values of the target weigh as much as common ones."""
    rows = classes.ordered(labels, evidence)
    if labels.values is None or len(rows) < 2:
        tell(evidence, f"resample: {counted(len(rows), 'training row')} with a target; there is nothing to balance")
        return Decisions()
    target = labels.values[rows]
    if step.method == "bins":
        return _bins(step, evidence, rows, target, seed)
    return _synthesised(step, evidence, rows, target, seed, salt, writer)


def bin_codes(target: np.ndarray, bins: int, edges: str) -> tuple[np.ndarray, list[str]]:
    """(m,) the interval of each target, 0..B-1, and the B intervals as texts.

    Args:
        target: (m,) finite numbers.
        bins: how many intervals; with quantiles that coincide there are fewer.
        edges: ``width`` or ``quantile``.
    """
    if edges == "quantile":
        bounds = np.unique(np.quantile(target, np.linspace(0, 1, bins + 1)))
    else:
        bounds = np.linspace(target.min(), target.max(), bins + 1)
    inner = np.unique(bounds)[1:-1]
    codes = np.searchsorted(inner, target, side="right")
    ends = [target.min(), *inner.tolist(), target.max()]
    last = len(ends) - 2
    names = [f"[{low:.6g}, {high:.6g}{']' if i == last else ')'}" for i, (low, high) in enumerate(pairwise(ends))]
    return codes, names


def _bins(step: Resample, evidence: Any, rows: np.ndarray, target: np.ndarray, seed: int) -> Decisions:
    codes, names = bin_codes(target, step.bins or 10, step.edges or "width")
    under = step.direction == "under"
    times = 1 + repeats(evidence)[rows]
    if under and (times > 1).any():
        raise refuse("bins with direction: under counts rows, and earlier steps repeat some; put this step before them")
    counts = np.bincount(codes, weights=times, minlength=len(names)).astype(np.int64)
    these = classes.Rows(rows, codes, counts, tuple(names), "bin")
    if len(these.present) < 2:
        tell(evidence, "resample: all targets fall into one bin; there is nothing to balance")
        return Decisions()
    if not under:
        return classes.repeated(step, these, evidence, seed)
    goal = targets.kept_rows(step.to, counts, names, step.beta)
    if not goal:
        return Decisions()
    place = {int(code): i for i, code in enumerate(these.present)}
    aim = {place[code]: n for code, n in goal.items()}
    kept, _ = selecting.times_kept("random_under", {}, None, these.compact(), aim, seed)
    why = classes.reasons_of("bins", these, goal)
    return entries.dropped_and_repeated(step.name, evidence.table, rows, kept, why, codes)


def _synthesised(
    step: Resample, evidence: Any, rows: np.ndarray, target: np.ndarray, seed: int, salt: int,
    writer: ArrayWriter | None,
) -> Decisions | Made:  # fmt: skip
    threshold = step.relevance or 0.8
    region, rare = split_regions(target, relevance(target), threshold)
    if not rare.any() or rare.all():
        tell(
            evidence,
            f"resample: {step.method} finds no target of relevance {threshold:g} or more (none lies beyond 1.5 quartile"
            " ranges of the middle half); nothing is rare",
        )
        return Decisions()
    if (repeats(evidence)[rows] > 0).any():
        raise refuse(f"{step.method} counts rows, and earlier steps repeat some; put this step before them")
    thin = step.thin is not False
    sizes = np.bincount(region)
    wanted = int(np.ceil(len(rows) / len(sizes))) if thin else int(sizes[~rare].max())
    seen = look(step, evidence, rows, making=True, writer=writer)
    rng, table = np.random.default_rng(seed), evidence.table
    parts, new_targets, reasons, regions = [], [], [], []
    for number in np.flatnonzero(rare & (sizes < wanted)):
        own = np.flatnonzero(region == number)
        low, high = target[own].min(), target[own].max()
        text = f"{step.method}: {len(own)} targets from {low:.6g} to {high:.6g} are rare, {wanted} are wanted"
        made = _grow_region(step, evidence, seen.values, seen.own.categorical, target, own, wanted, rng, text)
        if made is not None:
            parts.append(made.rows)
            new_targets.append(made.targets)
            regions.append(np.full(len(made.rows), len(reasons), dtype=np.int32))
            reasons.append(text)
    gone = _thinned(region, rare, wanted, rng) if thin else np.zeros(0, dtype=np.int64)
    why = f"{step.method}: its target is common, and {wanted} rows of its kind are left"
    dropped = entries.decided(step.name, "drop", table.row_ids[rows[gone]], why)
    if not parts:
        return dropped
    drafted = Drafted.join(parts)
    kind = table.column(str(table.task.label)).type
    values = np.concatenate(new_targets)
    column = pa.array(np.rint(values) if pa.types.is_integer(kind) else values)
    column = pc.round(column, ndigits=kind.scale) if pa.types.is_decimal(kind) else column
    made_rows = entries.made_rows(
        step.name, salt, table, rows, seen.own.columns, drafted.changed(seen.restored),
        entries.Said(column.cast(kind, safe=False), np.arange(len(drafted), dtype=np.int32)),
        entries.Said(pa.array(reasons, pa.string()), np.concatenate(regions)),
    )  # fmt: skip
    return Made(Decisions.join([made_rows.decisions, dropped]), made_rows.rows)


def _grow_region(
    step: Resample, evidence: Any, values: np.ndarray, categorical: np.ndarray, target: np.ndarray, own: np.ndarray,
    wanted: int, rng: np.random.Generator, text: str,
) -> Grown | None:  # fmt: skip
    k = min(step.k or 5, len(own) - 1)
    if k < (step.k or 5):
        if step.few == "refuse":
            raise refuse(f"{text}; {step.method} needs {(step.k or 5) + 1} for its neighbours; ask for a smaller k")
        if k < 1 or step.few == "leave":
            tell(evidence, f"resample: {text}, but they are too few to mix; they are left as they are")
            return None
        tell(evidence, f"resample: {text}; {k} neighbours are looked at")
    more = wanted - len(own)
    if step.max_ratio is not None:
        more = min(more, int(len(own) * (step.max_ratio - 1)))
    if more < 1:
        return None
    noise = (step.noise or 0.02) if step.method == "smogn" else None
    return grown(values, categorical, target, own, more, k, noise, rng)


def _thinned(region: np.ndarray, rare: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of common regions beyond the wanted number, by lot."""
    gone = []
    for number in np.flatnonzero(~rare):
        own = np.flatnonzero(region == number)
        if len(own) > wanted:
            gone.append(rng.choice(own, size=len(own) - wanted, replace=False))
    return np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *gone]))
