"""The settings of a fit, checked once."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from curate.errors import ConfigError, nearest
from curate.metrics import evaluate
from curate.wording import with_article

Precision = Literal["auto", "float32", "bfloat16", "float16"]
SCHEDULES = ("cosine", "linear", "constant")
OPTIMIZERS = ("adamw", "sgd")
DEFAULT_EPOCHS = 10
FREE = ("folder", "save_every", "keep", "patience", "min_delta", "device", "compile", "evaluation", "restore_best")
"""Settings that may differ when a fit is gone on with: they don't change what a step does."""


@dataclass(frozen=True)
class Settings:
    """See `curate.feed.fitting.fit` for what each one does."""

    epochs: int | None = None
    max_steps: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    optimizer: str | Callable[..., Any] = "adamw"
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: float = 0.05
    accumulate: int = 1
    clip_norm: float | None = 1.0
    precision: str = "auto"
    ema_decay: float | None = None
    monitor: str = "loss"
    patience: int | None = None
    min_delta: float = 0.0
    restore_best: bool = True
    folder: Path | None = None
    save_every: int | None = None
    keep: int = 2
    seed: int = 0
    device: Any = None
    compile: bool | Mapping[str, Any] = False
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ConfigError for all that is wrong at once."""
        wrong = [*self._numbers(), *self._choices()]
        if wrong:
            raise ConfigError("fit: " + "; ".join(wrong))

    def _numbers(self) -> list[str]:
        wrong = []
        for name, least in {"epochs": 1, "max_steps": 1, "batch_size": 1, "accumulate": 1, "patience": 1,
                            "save_every": 1, "keep": 1}.items():  # fmt: skip
            value = getattr(self, name)
            optional = name in ("epochs", "max_steps", "patience", "save_every")
            if value is None and optional:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                wrong.append(f"{name} must be a whole number of at least {least}, not {value!r}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            wrong.append(f"seed must be a whole number, not {self.seed!r}")
        for name in ("learning_rate", "weight_decay", "min_delta", "warmup", "clip_norm", "ema_decay"):
            value = getattr(self, name)
            if value is None and name in ("clip_norm", "ema_decay"):
                continue
            most = 1.0 if name == "ema_decay" else float("inf")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < most:
                bounds = "at least 0" + (" and less than 1" if most == 1 else "")
                wrong.append(f"{name} must be a number of {bounds}, not {value!r}")
        if self.clip_norm == 0:
            wrong.append("clip_norm 0 would make every gradient 0; None clips nothing")
        return wrong

    def _choices(self) -> list[str]:
        wrong = []
        choices = {"schedule": SCHEDULES, "precision": ("auto", "float32", "bfloat16", "float16")}
        if not callable(self.optimizer):
            choices["optimizer"] = OPTIMIZERS
        for name, known in choices.items():
            value = getattr(self, name)
            if name == "optimizer" and not isinstance(value, str):
                wrong.append(
                    f"optimizer must be {', '.join(known)}, a class, or a function from parameter groups to an"
                    f" optimiser (functools.partial(torch.optim.SGD, lr=0.1)), not {with_article(type(value).__name__)}"
                    " that is made already"
                )
            elif value not in known:
                wrong.append(f"unknown {name} {value!r}{nearest(str(value), known)}; known: {', '.join(known)}")
        if self.save_every is not None and self.folder is None:
            wrong.append("save_every needs a folder to save to")
        if not isinstance(self.compile, bool | Mapping):
            wrong.append(f"compile must be True, False or a mapping of options, not {self.compile!r:.80}")
        known = [name for name, one in inspect.signature(evaluate).parameters.items() if one.kind is one.KEYWORD_ONLY]
        for name in self.evaluation:
            if name not in known:
                hint = nearest(str(name), known)
                wrong.append(f"unknown setting {name!r} of evaluation{hint}; known: {', '.join(known)}")
        return wrong

    @property
    def last_epoch(self) -> int | None:
        """Epochs to train at most; None where only `max_steps` ends it."""
        return DEFAULT_EPOCHS if self.epochs is None and self.max_steps is None else self.epochs

    def fingerprint(self) -> dict[str, Any]:
        """What must be equal for a fit to be gone on with, as plain values."""
        found = {}
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if one.name not in FREE:
                found[one.name] = _named(value) if callable(value) else value
        return found


def _named(function: Callable[..., Any]) -> str:
    """The name of a function; of a `functools.partial` with its arguments."""
    if isinstance(function, partial):
        return f"{_named(function.func)}{(function.args, function.keywords)}"
    return getattr(function, "__qualname__", type(function).__qualname__)
