"""Adaptive draws: from what training reports of classes or rows between epochs to how often each is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from curate.arrow import texts, values_of
from curate.declared import Declared
from curate.errors import ConfigError, nearest

By = Literal["classes", "rows"]


class Adaptive(Declared):
    """How the sampler `adaptive` follows reports.

    With s the reports smoothed over epochs (s = momentum s + (1 - momentum) need; need is the loss, or 1 - recall), of
    the draws of an epoch a class, or a row, gets the share::

        floor / K + (1 - floor) b s^(1/temperature) / sum b s^(1/temperature)

    with b its share where nothing is reported (`start_from`). Reports of an epoch count from the next one on. What was
    never reported has the mean of what was. Source: for classes Sinha, Ohashi, Nakamura 2020, "Class-Wise
    Difficulty-Balanced Loss" ((1 - accuracy)^tau); for rows Schaul et al. 2016, "Prioritized Experience Replay"
    (loss^alpha); tau and alpha are 1/temperature.
    """

    by: By = Field(default="classes", description="what is reported of: classes, or single rows by their id")
    follows: Literal["loss", "recall"] = Field(
        default="loss",
        description="what is reported: loss (at least 0) draws more of what is high, recall of what is low",
    )
    temperature: float = Field(
        default=1.0, ge=0.05, le=100, description="1 draws in proportion to the need, higher is more even"
    )
    floor: float = Field(
        default=0.1, ge=0, le=1, description="share of the draws that is dealt out evenly whatever is reported"
    )
    momentum: float = Field(
        default=0.5, ge=0, lt=1, description="weight of the earlier reports beside the newest one; 0 forgets them"
    )
    start_from: Literal["classes", "lines"] = Field(
        default="classes",
        description="of classes: without reports every class is drawn equally often (classes), or every line (lines)",
    )


@dataclass
class Reports:
    """What was reported so far: the newest reports as they came, the older ones smoothed.

    Attributes:
        settings: how reports are followed.
        names: what can be reported of, K class names or row ids.
        smoothed: (K,) float64 reports of epochs before `before`, NaN where there was none.
        before: epochs before this one are in `smoothed`.
        recent: epoch -> (K,) float64 needs, NaN where not reported; at most the last two epochs with reports.
    """

    settings: Adaptive
    names: Sequence[str]
    smoothed: np.ndarray = field(init=False)
    before: int = 0
    recent: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing reported so far."""
        self.smoothed = np.full(len(self.names), np.nan)

    def add(self, epoch: int, values: Mapping[str, float]) -> None:
        """Take a report. The same report again (of another rank) changes nothing.

        Raises:
            ConfigError: it names what there is not, has numbers that can't be, is of an epoch before the last report,
                or contradicts the report of its epoch.
        """
        needs = self._needs(values)
        last = max(self.recent, default=self.before - 1)
        if epoch in self.recent:
            if not np.array_equal(self.recent[epoch], needs, equal_nan=True):
                raise ConfigError(f"epoch {epoch} was reported before with other numbers; report each epoch once")
            return
        if epoch < last:
            raise ConfigError(f"a report of epoch {epoch} comes too late: epoch {last} was reported before")
        self.recent[epoch] = needs
        while len(self.recent) > 2:
            oldest = min(self.recent)
            self.smoothed = _smooth(self.smoothed, self.recent.pop(oldest), self.settings.momentum)
            self.before = oldest + 1

    def _needs(self, values: Mapping[str, float]) -> np.ndarray:
        """(K,) needs of a report, NaN where it says nothing."""
        what = "class" if self.settings.by == "classes" else "row"
        if not isinstance(values, Mapping) or not values:
            raise ConfigError(
                f"a report gives a number for each {what} (a mapping with at least one), not {values!r:.60}"
            )
        places = values_of(pc.index_in(texts([str(name) for name in values]), value_set=texts(self.names)), -1)
        unknown = np.flatnonzero(places < 0)
        if len(unknown):
            name = str(list(values)[unknown[0]])
            hint = nearest(name, self.names) if what == "class" else ""
            more = (
                f" ({len(unknown)} such {'classes' if what == 'class' else 'rows'} in all)" if len(unknown) > 1 else ""
            )
            raise ConfigError(f"the report names the {what} {name!r}, of which the plan has no line{hint}{more}")
        if len(np.unique(places)) < len(values):
            raise ConfigError(f"the report names a {what} twice, once as text and once as something else")
        most = 1.0 if self.settings.follows == "recall" else np.inf
        numbers = np.fromiter(map(_number, values.values()), dtype=np.float64, count=len(values))
        wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0) & (numbers <= most)))
        if len(wrong):
            name, value = list(values.items())[wrong[0]]
            bounds = "between 0 and 1" if most == 1 else "of at least 0"
            raise ConfigError(
                f"the report gives {value!r:.40} as the {self.settings.follows} of the {what} {str(name)!r}; a finite"
                f" number {bounds} is needed"
            )
        needs = np.full(len(self.names), np.nan)
        needs[places] = 1.0 - numbers if most == 1 else numbers
        return needs

    def at(self, epoch: int) -> np.ndarray:
        """(K,) smoothed needs by the reports of earlier epochs; all 1 where there are none.

        Raises:
            ConfigError: the reports by which that epoch was drawn are no longer known one by one.
        """
        if epoch < self.before:
            raise ConfigError(
                f"epoch {epoch} can't be drawn again: reports up to epoch {self.before - 1} were made since; load the"
                " state that was saved then"
            )
        needs = self.smoothed
        for own in sorted(self.recent):
            if own < epoch:
                needs = _smooth(needs, self.recent[own], self.settings.momentum)
        known = np.isfinite(needs)
        return np.where(known, needs, needs[known].mean() if known.any() else 1.0)

    def shares(self, epoch: int, base: np.ndarray) -> np.ndarray:
        """(K,) shares of the draws of an epoch, sum 1, from (K,) shares `base` without reports."""
        needs = self.at(epoch)
        most = needs.max(initial=0.0)
        raised = base * (needs / most) ** (1 / self.settings.temperature) if most > 0 else base
        total = raised.sum()
        raised = raised / total if total > 0 else base / base.sum()
        return self.settings.floor / len(base) + (1 - self.settings.floor) * raised

    def state(self) -> dict[str, Any]:
        """Plain values that `load` takes."""
        return {
            "before": self.before,
            "smoothed": _plain(self.smoothed),
            "recent": [[epoch, _plain(needs)] for epoch, needs in sorted(self.recent.items())],
        }

    def load(self, state: Any) -> None:
        """Go on from a state. Raises ConfigError if it is none of these."""
        try:
            smoothed = _array(state["smoothed"])
            recent = {int(epoch): _array(needs) for epoch, needs in state["recent"]}
            before = int(state["before"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"the reports in the state can't be read ({type(error).__name__}: {error})") from error
        if any(len(array) != len(self.names) for array in (smoothed, *recent.values())) or before < 0:
            raise ConfigError(
                f"the reports in the state are not of the {len(self.names)} {self.settings.by} of the plan"
            )
        self.smoothed, self.recent, self.before = smoothed, recent, before


def _smooth(older: np.ndarray, newer: np.ndarray, momentum: float) -> np.ndarray:
    """Where only one of the two is known, that one."""
    both = momentum * older + (1 - momentum) * newer
    return np.where(np.isnan(newer), older, np.where(np.isnan(older), newer, both))


def _number(value: Any) -> float:
    """The value as a number, NaN where it is none."""
    if isinstance(value, bool | str | bytes):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _plain(values: np.ndarray) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _array(values: Any) -> np.ndarray:
    array = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    if (array < 0).any() or np.isinf(array).any():
        raise ValueError("numbers of at least 0 are needed")
    return array
