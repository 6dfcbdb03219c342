"""New splits: stratified by label, and never tearing apart groups, copies or near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import among, distinct
from curate.declared import settings_of
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.folds import units
from curate.evidence.pairs import above
from curate.pipeline.cache_folder import resolve
from curate.randomness import digest
from curate.sources import load
from curate.sources.splits import split_name
from curate.table import Labels, Table
from curate.task import Task
from curate.wording import of_all, some_of

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
BINS = 10
"""Quantiles of a regression target that are spread evenly."""
CLASSES_SHOWN = 20


def resplit(
    data: Any,
    fractions: Mapping[str, float] | None = None,
    *,
    seed: int = 0,
    near_duplicates: bool = True,
    min_similarity: float | None = None,
    task: Task | None = None,
    evidence: EvidenceSettings | Mapping[str, Any] | None = None,
    cache: str | Path | bool | None = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Table:
    """Give every row a new split.

    Rows that belong together (equal content, one group, near-duplicates of near-duplicates, pieces of one row) make a
    unit, and a unit goes to one split. Units of several rows are placed first, largest first, where they leave the
    classes nearest to their shares; single rows then fill up what each split lacks of their class. Which row goes where
    depends on the rows' ids, contents and labels and on the seed, never on their order.

    Args:
        data: a `Table`, or anything that `curate.load` takes.
        fractions: name of split -> share of the rows; they sum to 1. 80 % train, 10 % validation, 10 % test if None.
        seed: of the draw.
        near_duplicates: keep near-duplicates together, too, as the check `leakage` finds them.
        min_similarity: least similarity of near-duplicates; that of the modality if None.
        task: roles of the columns, for data that is not a `Table`.
        evidence: encoder and limits, for near-duplicates, as `EvidenceSettings` or a mapping.
        cache: folder of the cache; True for the default one, None for none.
        progress: called with (stage, done, total).

    Returns:
        The rows in their order with the new split column (the task's, else ``split``); `notes` says what was done.

    Raises:
        ConfigError: fractions that are no shares of a whole, or rows that a step synthesised from others.
        DataError: the data can't be read.
    """
    shares = _shares(FRACTIONS if fractions is None else fractions)
    table = data if isinstance(data, Table) else load(data, task)
    _refuse_made(table)
    settings = settings_of(EvidenceSettings, evidence, "evidence")
    known = Evidence(table, settings, cache=resolve(cache), seed=seed, progress=progress)
    together = units(
        known.duplicate_groups(), table.groups, _near(known, near_duplicates, min_similarity), _families(table)
    )
    strata, names = _strata(table.labels)
    rank = _drawn(table.row_ids, seed)
    place = _placed(strata, together, np.array(list(shares.values())), rank)
    splits = np.array(list(shares), dtype=object)[place]
    made = _with_splits(table, splits.tolist())
    return replace(made, notes=(*table.notes, *_said(place, strata, names, together, shares)))


def _shares(fractions: Mapping[str, float]) -> dict[str, float]:
    """The fractions as they were given. Raises ConfigError with all that is wrong."""
    if not isinstance(fractions, Mapping):
        raise ConfigError(f"fractions name splits ({{'train': 0.8, 'test': 0.2}}), unlike {fractions!r:.80}")
    for name in fractions:
        if split_name(str(name)) is None and (close := get_close_matches(str(name).lower(), FRACTIONS, 1, 0.75)):
            raise ConfigError(f"the split {name!r}: did you mean {close[0]!r}? Name it less alike if it is another")
    wrong = [f"{name!r}: {share!r}" for name, share in fractions.items() if not 0 < share < 1 and len(fractions) > 1]
    if wrong:
        raise ConfigError(f"fractions of splits lie between 0 and 1, not {', '.join(wrong)}")
    if not fractions or abs(sum(fractions.values()) - 1) > 1e-6:
        raise ConfigError(f"fractions of splits sum to 1, not {sum(fractions.values()):g} ({dict(fractions)!r})")
    named = {split_name(str(name)) or str(name): float(share) for name, share in fractions.items()}
    if len(named) < len(fractions):
        raise ConfigError(f"two of the splits {', '.join(map(repr, fractions))} are one")
    return named


def _refuse_made(table: Table) -> None:
    """Rows that were made of others would carry these into another split. Raises ConfigError."""
    if table.made is None:
        return
    heirs = among(table.row_ids, table.made)
    if table.parents is not None:
        heirs |= among(table.parents, table.made)
    if heirs.any():
        raise ConfigError(
            f"resplit: {of_all(int(heirs.sum()), len(table), 'row', 'rows', ('was', 'were'))} synthesised from others"
            " and for training alone; give the data new splits first, and run the steps that make rows (resample,"
            " synthesize) on these"
        )


def _families(table: Table) -> np.ndarray | None:
    """(n,) int64 code of the row that each was made from, or is; None where no row was made from another."""
    if table.parents is None:
        return None
    return distinct(table.parents)[1]


def _near(evidence: Evidence, wanted: bool, least: float | None) -> np.ndarray | None:
    """(n,) int64 component of near-duplicates, -1 for rows in none; None where they are not wanted."""
    if not wanted or not len(evidence.table):
        return None
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = evidence.near_pairs(least=least)
    pairs = above(found, found.threshold if least is None else least)
    n = len(evidence.table)
    out = np.full(n, -1, dtype=np.int64)
    if len(pairs):
        graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs.left, pairs.right)), shape=(n, n))
        inside = np.unique(np.concatenate([pairs.left, pairs.right]))
        out[inside] = connected_components(graph, directed=False)[1][inside]
    return out


def _strata(labels: Labels) -> tuple[np.ndarray, tuple[str, ...]]:
    """(n,) int64 class that is spread evenly, and the names of the classes; rows without a label are the last one."""
    names = labels.names
    codes = labels.codes.copy()
    if labels.values is not None:
        known = np.isfinite(labels.values)
        edges = np.quantile(labels.values[known], np.linspace(0, 1, BINS + 1)[1:-1]) if known.any() else np.zeros(0)
        codes = np.where(known, np.searchsorted(edges, labels.values, side="right"), -1)
        names = tuple(f"quantile {k + 1} of {BINS}" for k in range(BINS))
    elif labels.sets is not None:  # a row counts for the rarest of its labels
        rarest = np.where(labels.sets, labels.counts()[None], np.iinfo(np.int64).max).argmin(1)
        codes = np.where(labels.sets.any(1), rarest, -1)
    return np.where(codes >= 0, codes, len(names)), (*names, "no label" if names else "all rows")


def _drawn(row_ids: np.ndarray, seed: int) -> np.ndarray:
    """(n,) int64 rank of each row in an order drawn by its id."""
    keys = np.array([digest(seed, "resplit", row_id) >> 65 for row_id in row_ids], dtype=np.int64)
    order = np.lexsort((row_ids, keys)) if len(keys) else np.zeros(0, dtype=np.int64)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _placed(strata: np.ndarray, unit: np.ndarray, shares: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """(n,) int64 split of each row."""
    n, classes = len(strata), int(strata.max(initial=0)) + 1
    wanted = shares[:, None] * np.bincount(strata, minlength=classes)
    filled = np.zeros_like(wanted)
    out = np.full(n, -1, dtype=np.int64)
    order = np.lexsort((rank, unit))
    begins = np.flatnonzero(np.diff(unit[order], prepend=-1))
    parts = [part for part in np.split(order, begins[1:]) if len(part)] if n else []
    several = sorted((part for part in parts if len(part) > 1), key=lambda part: (-len(part), rank[part].min()))
    for part in several:
        own, times = np.unique(strata[part], return_counts=True)
        # By how much the unit would raise the squared distance from what each split should have.
        rise = (times * (2 * (filled[:, own] - wanted[:, own]) + times) / np.maximum(wanted[:, own], 1e-9)).sum(1)
        split = int(np.argmin(rise))
        out[part] = split
        filled[split, own] += times
    single = np.flatnonzero(out < 0)
    for stratum in np.unique(strata[single]):
        own = single[strata[single] == stratum]
        own = own[np.argsort(rank[own])]
        counts = _quotas(wanted[:, stratum] - filled[:, stratum], len(own), wanted.sum(1) - filled.sum(1))
        out[own] = np.repeat(np.arange(len(shares)), counts)
        filled[:, stratum] += counts
    return out


def _quotas(lacking: np.ndarray, rows: int, room: np.ndarray) -> np.ndarray:
    """(k,) int64, sums to `rows`: rows for each split by what it lacks of the class; ties by its room for any."""
    lacking = np.maximum(lacking, 0)
    if lacking.sum() <= 0:
        lacking = np.maximum(room, 1e-9)
    exact = lacking * rows / lacking.sum()
    counts = np.floor(exact + 1e-9).astype(np.int64)
    left = rows - int(counts.sum())
    order = np.lexsort((np.arange(len(exact)), -room, -np.round(exact - counts, 9)))
    counts[order[:left]] += 1
    return counts


def _with_splits(table: Table, splits: list[str]) -> Table:
    """The table with these splits in the task's split column, or in a new one."""
    name = table.task.split
    dataset = table.dataset
    if name is None:
        name = next(n for n in ("split", *(f"split_{i}" for i in range(1, 1_000))) if n not in dataset.column_names)
    else:
        dataset = dataset.remove_columns([name])
    dataset = dataset.add_column(name, pa.array(splits, pa.string()))
    return replace(table, dataset=dataset, task=table.task.model_copy(update={"split": name}))


def _said(
    place: np.ndarray, strata: np.ndarray, names: tuple[str, ...], unit: np.ndarray, shares: Mapping[str, float]
) -> list[str]:
    """Sentences: rows of each split, of each class in each split, and what is kept together."""
    n, splits = len(place), list(shares)
    counts = np.zeros((len(names), len(splits)), dtype=np.int64)
    np.add.at(counts, (strata, place), 1)
    sizes = np.bincount(unit) if n else np.zeros(0, dtype=np.int64)
    rows = ", ".join(
        f"{split} {counts[:, k].sum():,} ({counts[:, k].sum() / max(n, 1):.1%} for {shares[split]:.1%})"
        for k, split in enumerate(splits)
    )
    said = [f"new splits: {rows}"]
    if (sizes > 1).any():
        said.append(
            f"{int((sizes > 1).sum()):,} units of rows that belong together were kept whole; the largest has"
            f" {int(sizes.max()):,} rows"
        )
    if counts.any(1).sum() > 1:
        shown = [k for k in np.argsort(-counts.sum(1), kind="stable") if counts[k].any()]
        classes = some_of(
            shown, CLASSES_SHOWN, lambda k: f"{names[k]!r} " + " / ".join(f"{value:,}" for value in counts[k]), "; "
        )
        said.append(f"rows of each class in {' / '.join(splits)}: {classes}")
    return said
