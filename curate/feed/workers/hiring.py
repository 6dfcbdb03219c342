"""Hiring: how many workers of which kind make the batches, checked, and the crew that they are."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from curate.errors import ConfigError
from curate.feed.workers.beforehand import prepare
from curate.feed.workers.crew import Crew, Here
from curate.feed.workers.process import quieten
from curate.feed.workers.supervised import Supervised

AHEAD = 2
"""Batches that each worker prepares ahead where nothing else is asked for; as torch does it."""


@dataclass(frozen=True)
class Hiring:
    """The workers of a loader; the fields are options of `curate.feed.make_loader`."""

    num_workers: int = 0
    workers: Literal["processes", "threads"] = "processes"
    persistent_workers: bool = False
    prefetch_factor: int | None = None
    multiprocessing_context: str | None = None
    row_seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense. Raises ConfigError."""
        count, context = self.num_workers, self.multiprocessing_context
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ConfigError(f"num_workers must be a whole number of at least 0, not {count!r}")
        if self.workers not in ("processes", "threads"):
            hint = "; how many is num_workers" if isinstance(self.workers, int) else ""
            raise ConfigError(f"workers must be 'processes' or 'threads', not {self.workers!r}{hint}")
        if not count and (self.persistent_workers or self.prefetch_factor is not None):
            raise ConfigError("persistent_workers and prefetch_factor are for num_workers of at least 1")
        if self.prefetch_factor is not None and self.prefetch_factor < 1:
            raise ConfigError(f"prefetch_factor must be at least 1, not {self.prefetch_factor!r}")
        known = multiprocessing.get_all_start_methods()
        if context is not None and context not in known:
            raise ConfigError(f"multiprocessing_context must be one of {', '.join(known)}, not {context!r}")
        if self.row_seconds is not None:
            if not self.row_seconds > 0:
                raise ConfigError(f"row_seconds must be greater than 0, not {self.row_seconds!r}")
            if not count or self.workers == "threads":
                raise ConfigError(
                    "row_seconds is for worker processes, which can be ended: pass num_workers of at least 1"
                    " and workers='processes'"
                )

    @property
    def for_torch(self) -> dict[str, Any]:
        """What a torch DataLoader is told of worker processes, for whoever asks it."""
        if not self.num_workers or self.workers == "threads":
            return {}
        return {
            "num_workers": self.num_workers,
            "persistent_workers": self.persistent_workers,
            "prefetch_factor": self.prefetch_factor,
            "multiprocessing_context": self.multiprocessing_context,
        }

    @property
    def pickles(self) -> bool:
        """Whether the dataset is sent to workers in a pickle."""
        return bool(self.num_workers) and self.workers == "processes" and self._way != "fork"

    @property
    def _way(self) -> str:
        """How processes start, asked without settling it for the rest of the program."""
        if self.multiprocessing_context is not None:
            return self.multiprocessing_context
        return multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]

    def crew(self, dataset: Any, finish: Callable[[Any], Any]) -> Crew:
        """The workers, started.

        Args:
            dataset: `curate.feed.batches.Batches`.
            finish: done to each batch in this process.
        """
        ahead = self.prefetch_factor or AHEAD
        if self.workers == "threads":
            quieten()
            return Crew([Here(dataset.batch) for _ in range(self.num_workers)], ahead, finish)
        context = multiprocessing.get_context(self._way)
        if self._way == "fork":
            prepare(dataset)
        hands = [Supervised(dataset, context, self.row_seconds) for _ in range(self.num_workers)]
        return Crew(hands, ahead, finish)
