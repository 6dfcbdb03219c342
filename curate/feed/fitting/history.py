"""What a fit says of itself while it runs: a record per epoch, and the event that callbacks get."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from curate.metrics import lower_is_better


@dataclass(frozen=True)
class Epoch:
    """One epoch, or the part of it that was trained.

    Attributes:
        epoch: counted from 0.
        steps: optimiser steps since the start of the fit.
        loss: mean training loss, over rows by their weights.
        learning_rate: at its end.
        validation: metric -> value on the held-out rows, ``loss`` among them; empty where there are none.
        rows: drawn in training, over all processes.
    """

    epoch: int
    steps: int
    loss: float
    learning_rate: float
    validation: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what is not finite is None."""
        made = asdict(self)
        made["validation"] = {name: value if math.isfinite(value) else None for name, value in self.validation.items()}
        return made | {"loss": self.loss if math.isfinite(self.loss) else None}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Epoch:
        """The record of `to_dict`."""
        values = {name: math.nan if v is None else float(v) for name, v in given["validation"].items()}
        loss = math.nan if given["loss"] is None else given["loss"]
        return cls(**dict(given) | {"validation": values, "loss": loss})


@dataclass
class Event:
    """What a callback gets after every optimiser step and after every epoch.

    Attributes:
        kind: ``step`` or ``epoch``.
        epoch: counted from 0.
        step: optimiser steps so far.
        model: that is trained.
        record: of the epoch that came to its end; None after a step.
        stopped: set by `stop`.
    """

    kind: Literal["step", "epoch"]
    epoch: int
    step: int
    model: Any
    record: Epoch | None = None
    stopped: bool = False

    def stop(self) -> None:
        """End the fit after this step or epoch; under several processes every one must ask for it."""
        self.stopped = True


def best_of(history: Sequence[Epoch], monitor: str, min_delta: float = 0.0) -> int | None:
    """Place of the best epoch: the first that none betters by more than `min_delta`; None where none is known."""
    best: int | None = None
    sign = 1.0 if lower_is_better(monitor) else -1.0
    for place, one in enumerate(history):
        value = sign * one.validation.get(monitor, math.nan)
        if math.isfinite(value) and (best is None or value < sign * history[best].validation[monitor] - min_delta):
            best = place
    return best
