"""Optimiser, schedule and moving average of a fit."""

from __future__ import annotations

import inspect
import math
from typing import Any

import torch

from curate.errors import ConfigError
from curate.feed.fitting.settings import Settings


def make_optimizer(model: torch.nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser; vectors (biases, norms) are not decayed.

    Raises:
        ConfigError: nothing of the model can be trained, or a factory gives no optimiser.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ConfigError(
            f"{type(model).__name__} has no parameter that requires a gradient: there is nothing to train"
        )
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if callable(settings.optimizer):
        own_rate = isinstance(settings.optimizer, type) and "lr" in inspect.signature(settings.optimizer).parameters
        made = settings.optimizer(groups, **({"lr": settings.learning_rate} if own_rate else {}))
        if not isinstance(made, torch.optim.Optimizer):
            raise ConfigError(f"optimizer must give a torch optimiser of parameter groups, not {type(made).__name__}")
        return made
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def make_schedule(optimizer: torch.optim.Optimizer, settings: Settings, total: int) -> Any:
    """Linear warm-up, then cosine (Loshchilov, Hutter 2017, "SGDR") or linear decay to 0 at `total` steps, or none.

    `warmup` of 1 and more counts steps, below 1 it is a share of all steps.
    """
    warmup = round(settings.warmup * total) if settings.warmup < 1 else int(settings.warmup)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if settings.schedule == "constant":
            return 1.0
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        return 1.0 - done if settings.schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def make_average(model: torch.nn.Module, decay: float | None) -> torch.optim.swa_utils.AveragedModel | None:
    """The exponential moving average of the parameters, which starts fast: decay is at most (1 + n) / (10 + n)."""
    if decay is None:
        return None

    def average(mean: Any, new: Any, count: Any) -> Any:
        at = min(decay, (1 + int(count)) / (10 + int(count)))
        return mean * at + new * (1 - at)

    return torch.optim.swa_utils.AveragedModel(model, avg_fn=average)


def make_autocast(device: torch.device, precision: str) -> tuple[Any, torch.amp.GradScaler | None]:
    """A function that gives the autocast context, and the scaler of gradients that float16 needs.

    ``auto`` is bfloat16 on a CUDA device that has it, float16 on another one, and float32 elsewhere.

    Raises:
        ConfigError: float16 on a device without CUDA.
    """
    if precision == "auto":
        precision = "float32"
        if device.type == "cuda":
            precision = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if precision == "float16" and device.type != "cuda":
        raise ConfigError(f"precision float16 needs a CUDA device; on {device.type} take bfloat16 or float32")
    kind = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
    scaler = torch.amp.GradScaler(device.type) if precision == "float16" else None

    def autocast() -> Any:
        return torch.autocast(device.type, dtype=kind, enabled=kind is not None)

    return autocast, scaler
