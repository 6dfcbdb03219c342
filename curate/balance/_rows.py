"""The rows that balance steps may touch, how often each is drawn so far, and an order of them that is theirs alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash

from curate.table import Labels
from curate.task import Task
from curate.wording import with_article

MOST_DRAWS = 1_000_000_000
"""Of a class: a number beyond is a slip."""
INSTEAD = {
    ("oversample", "multilabel"): "resample: {method: ml_ros}, which repeats rows of rare labels",
    ("oversample", "regression"): "resample: {method: bins}, which repeats rows of rare values",
    ("synthesize", "multilabel"): "resample: {method: mlsmote}, which makes rows of features",
    ("synthesize", "regression"): "resample: {method: smogn}, which makes rows of features",
}
"""(step, kind of task) -> the step that does the like for such tasks."""


def eligible(labels: Labels, evidence: Any) -> np.ndarray:
    """(m,) int64 positions of the active training rows with a label."""
    return np.flatnonzero(evidence.active & evidence.table.training & labels.known)


def note(evidence: Any, sentence: str) -> None:
    """Say something of the set as a whole in the notes of the run, once."""
    if sentence not in evidence.notes:
        evidence.notes.append(sentence)


def nothing_to_balance(step: str, counts: np.ndarray, names: tuple[str, ...], evidence: Any) -> bool:
    """Whether there are no two classes to balance, which the notes then tell.

    Args:
        step: its name.
        counts: (K,) training rows or draws of each class.
        names: the K classes.
        evidence: keeps the notes.
    """
    some = np.flatnonzero(counts)
    if len(some) > 1:
        return False
    what = f"all training rows are of the class {names[some[0]]!r}" if len(some) else "no training row has a label"
    note(evidence, f"{step}: {what}; there is nothing to balance")
    return True


def idle_target(step: str, asked: str | float, compared: str, counts: np.ndarray, evidence: Any) -> None:
    """Tell in the notes that no class has fewer, or more, draws than a target asks for, so that nothing is done.

    Args:
        step: its name.
        asked: its setting `to`.
        compared: fewer or more.
        counts: (K,) draws of each class.
        evidence: keeps the notes.
    """
    some = counts[counts > 0]
    had = f"{some.min():,}" if some.min() == some.max() else f"{some.min():,} to {some.max():,}"
    note(evidence, f"{step}: `to: {asked}` changes nothing: no class has {compared} draws than that ({had} each)")


def repeats(evidence: Any) -> np.ndarray:
    """(n,) int64 extra draws of each row that earlier steps decided."""
    earlier = getattr(evidence, "repeats", None)
    return np.zeros(len(evidence.table), dtype=np.int64) if earlier is None else np.asarray(earlier, dtype=np.int64)


def draws_per_class(labels: Labels, evidence: Any) -> np.ndarray:
    """(K,) int64: draws of each class in the plan as it stands, over eligible rows."""
    rows = eligible(labels, evidence)
    times = 1 + repeats(evidence)[rows]
    return np.bincount(labels.codes[rows], weights=times, minlength=len(labels.names)).astype(np.int64)


def shuffled(rows: np.ndarray, row_ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The rows in a random order that depends on their ids and the generator, and not on where they stand."""
    salt = int(rng.integers(0, 2**63))
    hashed = xxhash.xxh3_128_digest
    keys = b"".join([hashed(str(row_id).encode(), seed=salt) for row_id in row_ids[rows]])
    high, low = np.frombuffer(keys, dtype=np.uint64).reshape(-1, 2).T
    return rows[np.lexsort((low, high))]


def needs_classes(name: str, task: Task) -> str | None:
    """Why a step that is about classes can't be used for a task, None if it can; where there is one, what to take."""
    if task.kind == "classification":
        return None
    of = f"{with_article(task.kind)} task" if task.kind else "a task without labels"
    instead = INSTEAD.get((name, str(task.kind)))
    return f"{name} is for one class per row, and this is {of}" + (f": take {instead}" if instead else "")


def wanted(to: str | float, counts: np.ndarray) -> int:
    """How many draws a class should have.

    Args:
        to: majority, minority, median or mean of the classes that have any; an int is a number of draws, a float a
            share of the majority.
        counts: (K,) int draws of each class.
    """
    some = counts[counts > 0]
    if not len(some):
        return 0
    if isinstance(to, int):
        return to
    if isinstance(to, float):
        return int(np.ceil(to * some.max() - 1e-9))
    named = {"majority": some.max(), "minority": some.min(), "median": np.median(some), "mean": some.mean()}
    return int(np.ceil(named[to] - 1e-9))
