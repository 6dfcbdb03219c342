"""Following reports: the draws of an epoch of the sampler `adaptive`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import values_of
from curate.errors import ConfigError
from curate.feed import order as orders
from curate.feed.adaptive import Adaptive, Reports
from curate.feed.sampling.classes import classes_of
from curate.feed.sampling.dealt import Dealt
from curate.feed.sampling.drawn import Drawn, Order
from curate.feed.sampling.members import Members, members_of
from curate.randomness import generator


@dataclass
class Following:
    """What reports are of, and how lines are drawn by them.

    Attributes:
        reports: so far.
        draws: of an epoch, as many as the plan has lines.
        seed: of the order.
        order: of the draws.
        members: the entries of each of K classes; None where rows are followed.
        codes: (n,) int64 which of the K row ids each line is of; None where classes are followed.
        version: counts the changes of the reports.
    """

    reports: Reports
    draws: int
    seed: int
    order: Order = field(init=False)
    members: Members | None = None
    codes: np.ndarray | None = None
    version: int = 0
    _quotas: tuple[tuple[int, int], np.ndarray] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, plan: Any, settings: Adaptive, seed: int) -> Following:
        """For a plan. Raises ConfigError where it lacks what the settings follow."""
        if settings.by == "classes":
            found = classes_of(plan, "adaptive")
            members = members_of(found.codes, len(found.names))
            following = cls(Reports(settings, found.names), len(plan), seed, members)
            following.order = Dealt(members, found.lines, len(plan), following.quotas, seed, "adaptive")
            return following
        if plan is None or "row_id" not in plan.column_names:
            raise ConfigError("the sampler 'adaptive' by rows needs a plan with row ids, not the number of its lines")
        ids = pa.concat_arrays([pa.nulls(0, pa.string()), *plan["row_id"].cast(pa.string()).chunks])
        encoded = ids.dictionary_encode()
        codes = values_of(encoded.indices).astype(np.int64)
        following = cls(Reports(settings, encoded.dictionary.to_pylist()), len(plan), seed, None, codes)
        following.order = _RowOrder(following)
        return following

    def keys(self) -> list[str]:
        """Texts that differ where states can't be exchanged."""
        return [self.reports.settings.model_dump_json(), *([] if self.members is None else [self.members.key()])]

    def add(self, epoch: int, given: Mapping[str, Mapping[str, float] | None]) -> None:
        """Take a report of `classes` or `rows`, whichever is followed. Raises ConfigError."""
        by = self.reports.settings.by
        named = [name for name, values in given.items() if values is not None]
        if named != [by]:
            raise ConfigError(f"this sampler follows reports of {by}; given: {' and '.join(named) or 'nothing'}")
        self.reports.add(epoch, given[by] or {})
        self.version += 1

    def load(self, state: Any) -> None:
        """Go on from the reports of a state. Raises ConfigError if it is none of these."""
        self.reports.load(state)
        self.version += 1

    def shares(self, epoch: int) -> np.ndarray:
        """(K,) shares of the draws of an epoch by the reports before it; they sum to 1."""
        if not len(self.reports.names):
            return np.zeros(0)
        codes, k = self.codes, len(self.reports.names)
        sizes = self.members.sizes if self.members is not None else np.bincount(_known(codes), minlength=k)
        alike = codes is None and self.reports.settings.start_from == "classes"
        return self.reports.shares(epoch, np.full(k, 1 / k) if alike else sizes / sizes.sum())

    def quotas(self, epoch: int) -> np.ndarray:
        """(K,) int64 draws of each class in an epoch."""
        if self._quotas is None or self._quotas[0] != (epoch, self.version):
            rng = generator(self.seed, epoch, step="sampler.adaptive")
            self._quotas = ((epoch, self.version), orders.quotas(self.shares(epoch), self.draws, rng))
        return self._quotas[1]

    def lines(self, epoch: int) -> np.ndarray:
        """(draws,) int64 lines of an epoch, where rows are followed."""
        shares, codes = self.shares(epoch), _known(self.codes)
        lines = np.bincount(codes, minlength=len(shares))
        rng = generator(self.seed, epoch, step="sampler.adaptive")
        return orders.in_proportion((shares / lines)[codes], self.draws, rng)


@dataclass
class _RowOrder:
    """The draws of an epoch as they were computed once, since reports say something else of every row."""

    following: Following
    _last: tuple[tuple[int, int], Drawn] | None = None

    @property
    def most(self) -> int:
        """See `Order`."""
        return self.following.draws

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """See `Order`."""
        asked = (epoch, self.following.version)
        if self._last is None or self._last[0] != asked:
            lines = self.following.lines(epoch)
            self._last = (asked, Drawn(lines, orders.occurrences(lines)))
        drawn = self._last[1]
        return Drawn(drawn.positions[numbers], drawn.occurrences[numbers])


def _known(codes: np.ndarray | None) -> np.ndarray:
    return np.zeros(0, np.int64) if codes is None else codes


def refuse_untimely(epoch: int, current: int, begun: int | None) -> None:
    """Raise ConfigError for a report of an epoch that has not ended, or of one before that which is being drawn.

    Args:
        epoch: that is reported.
        current: that is drawn, or that is drawn next.
        begun: that is being drawn, None between epochs.
    """
    if epoch > current:
        raise ConfigError(f"epoch {epoch} can't be reported: epoch {current} has not come to its end")
    if begun is not None and epoch < begun:
        raise ConfigError(
            f"a report of epoch {epoch} comes too late: epoch {begun} is being drawn; report between epochs"
        )
