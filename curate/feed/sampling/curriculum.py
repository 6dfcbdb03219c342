"""Curriculum: easy lines first, and more of them from epoch to epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from curate.declared import Declared
from curate.errors import ConfigError
from curate.feed.sampling.classes import classes_of
from curate.feed.sampling.counters import key_of, mixed
from curate.feed.sampling.drawn import Drawn
from curate.feed.sampling.permutation import permuted


class Curriculum(Declared):
    """How the sampler `curriculum` goes from easy to hard.

    An epoch draws from the easiest lines alone, as many as the pacing says, each about equally often, so that every
    epoch has as many draws as the plan has lines; from epoch `epochs` on every line is drawn once. Source: Bengio,
    Louradour, Collobert, Weston 2009, "Curriculum Learning"; pacing and equal shares of the classes as in Hacohen and
    Weinshall 2019, "On the Power of Curriculum Learning in Training Deep Networks".
    """

    by: str | None = Field(
        default=None,
        description="column of the table with a number per row, or a check of the pipeline, whose score is taken; rows"
        " that a step cuts or makes after that check have the score of the row they came from",
    )
    easy: Literal["low", "high"] | None = Field(
        default=None,
        description="which values are easy; if left out: high ones of a check's score (1 is fine), low ones else",
    )
    start: float = Field(default=0.3, gt=0, le=1, description="share of the lines that the first epoch draws from")
    epochs: int = Field(default=5, ge=1, le=100_000, description="after so many epochs all lines are drawn")
    pacing: Literal["linear", "root", "exponential"] = Field(
        default="linear",
        description="how the share grows from epoch to epoch: by the same amount, fast at first (square root; Platanios"
        " et al. 2019), or by the same factor",
    )
    per_class: bool = Field(
        default=True, description="take the easiest of every class, and not of all, where lines have a class each"
    )
    within_epoch: Literal["shuffled", "easy_first"] = Field(
        default="shuffled", description="order within an epoch; easy_first is for trainings of one epoch"
    )

    def share(self, epoch: int) -> float:
        """The share of the lines that an epoch draws from, in (0, 1]."""
        t = min(1.0, epoch / self.epochs)
        if self.pacing == "linear":
            return self.start + (1 - self.start) * t
        return math.sqrt(self.start**2 + (1 - self.start**2) * t) if self.pacing == "root" else self.start ** (1 - t)


@dataclass(frozen=True)
class Paced:
    """Draws by a curriculum.

    Attributes:
        settings: pace and order.
        ranked: (n,) lines from easy to hard.
        seed: of the order.
    """

    settings: Curriculum
    ranked: np.ndarray
    seed: int

    @property
    def most(self) -> int:
        """See `Order`."""
        return len(self.ranked)

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """See `Order`."""
        n = len(self.ranked)
        among = min(n, max(1, round(n * self.settings.share(epoch))))
        if self.settings.within_epoch == "easy_first":
            place = numbers * among // n
            return Drawn(self.ranked[place].astype(np.int64), numbers - (place * n + among - 1) // among)
        key = key_of(self.seed, epoch, "curriculum")
        turn, number = np.divmod(permuted(numbers, n, key), among)
        keys = mixed(turn.astype(np.uint64) ^ np.uint64(key))
        return Drawn(self.ranked[permuted(number, among, keys)].astype(np.int64), turn)


def ranked(plan: Any, difficulty: Any, n: int, settings: Curriculum) -> np.ndarray:
    """(n,) lines from easy to hard; lines without a number come last.

    Args:
        plan: for the classes.
        difficulty: (n,) numbers, NaN where not known.
        n: lines of the plan.
        settings: which end is easy.

    Raises:
        ConfigError: there are no numbers, or not one for each line.
    """
    if difficulty is None:
        raise ConfigError(
            "the sampler 'curriculum' needs to know how hard each line is: name a column of numbers or a check"
            " (curriculum: {by: ...}), or pass difficulty="
        )
    hard = np.asarray(difficulty)
    if hard.shape != (n,) or hard.dtype.kind not in "fiub":
        raise ConfigError(f"difficulty must be {n} numbers, one per line; found {hard.dtype} of the shape {hard.shape}")
    if hard.dtype.kind == "f" and n and np.isnan(hard).all():
        raise ConfigError("no line has a difficulty: all are missing")
    hard = -hard.astype(np.float64) if settings.easy == "high" else hard
    small = np.uint32 if n < 2**32 else np.int64
    order = np.argsort(hard, kind="stable").astype(small)
    if not settings.per_class or plan is None or not _one_class_each(plan):
        return order
    codes = classes_of(plan, "curriculum").codes[order].astype(np.int64)
    # The rank of each line within its class, as a share of the class.
    by_class = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[by_class], codes[by_class])
    sizes = np.searchsorted(codes[by_class], codes[by_class], side="right") - first
    share = np.empty(n)
    share[by_class] = (np.arange(n) - first + 0.5) / sizes
    return order[np.argsort(share, kind="stable")]


def _one_class_each(plan: Any) -> bool:
    import pyarrow as pa

    if "label" not in plan.column_names or plan["label"].null_count == len(plan):
        return False
    kind = plan["label"].type
    return pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
