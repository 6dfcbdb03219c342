"""Following reports: the draws of an epoch of the sampler `adaptive`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from curate.errors import ConfigError
from curate.feed import order as orders
from curate.feed import planned
from curate.feed.adaptive import Adaptive, Reports


@dataclass
class Following:
    """What reports are of, and how lines are drawn by them.

    Attributes:
        reports: so far.
        classes: the positions of each of K classes; none where rows are followed.
        codes: (n,) int64 which of the K row ids each line is of; None where classes are followed.
    """

    reports: Reports
    classes: Sequence[np.ndarray]
    codes: np.ndarray | None = None

    @classmethod
    def of(cls, plan: Any, asked: Adaptive | Mapping[str, Any] | None) -> Following:
        """For a plan. Raises ConfigError where the settings are wrong, or the plan lacks what they follow."""
        settings = _settings(asked)
        if settings.by == "classes":
            found = planned.classes(plan, "adaptive")
            return cls(Reports(settings, list(found)), list(found.values()))
        if plan is None or "row_id" not in plan.column_names:
            raise ConfigError("the sampler 'adaptive' by rows needs a plan with row ids, not the number of its lines")
        ids = pa.concat_arrays([pa.array([], pa.string()), *plan["row_id"].cast(pa.string()).chunks])
        encoded = ids.dictionary_encode()
        return cls(Reports(settings, encoded.dictionary.to_pylist()), [], encoded.indices.to_numpy().astype(np.int64))

    def keys(self) -> list[bytes]:
        """Bytes that differ where states can't be exchanged."""
        return [self.reports.settings.model_dump_json().encode(), *(positions.tobytes() for positions in self.classes)]

    def add(self, epoch: int, given: Mapping[str, Mapping[str, float] | None]) -> None:
        """Take a report of `classes` or `rows`, whichever is followed. Raises ConfigError."""
        by = self.reports.settings.by
        named = [name for name, values in given.items() if values is not None]
        if named != [by]:
            raise ConfigError(f"this sampler follows reports of {by}; given: {' and '.join(named) or 'nothing'}")
        self.reports.add(epoch, given[by] or {})

    def shares(self, epoch: int) -> np.ndarray:
        """(K,) shares of the draws of an epoch by the reports before it; they sum to 1."""
        if not len(self.reports.names):
            return np.zeros(0)
        if self.codes is not None:
            sizes = np.bincount(self.codes, minlength=len(self.reports.names))
        else:
            sizes = np.array([len(positions) for positions in self.classes])
        even = self.codes is None and self.reports.settings.start_from == "classes"
        return self.reports.shares(epoch, np.full(len(sizes), 1 / len(sizes)) if even else sizes / sizes.sum())

    def order(self, epoch: int, draws: int, rng: np.random.Generator) -> np.ndarray:
        """(draws,) int64 positions of an epoch."""
        shares = self.shares(epoch)
        if self.codes is None:
            return orders.by_shares(self.classes, shares, draws, rng)
        lines = np.bincount(self.codes, minlength=len(shares))
        return orders.in_proportion((shares / lines)[self.codes], draws, rng)


def _settings(asked: Adaptive | Mapping[str, Any] | None) -> Adaptive:
    try:
        return asked if isinstance(asked, Adaptive) else Adaptive(**(asked or {}))
    except ValidationError as error:
        said = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r:.40}" for e in error.errors()]
        known = ", ".join(Adaptive.model_fields)
        raise ConfigError(f"adaptive: {'; '.join(said)} (settings: {known})") from None
    except TypeError:
        raise ConfigError(f"adaptive must be a mapping of settings, not {asked!r:.60}") from None
