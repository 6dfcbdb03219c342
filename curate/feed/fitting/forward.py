"""Calling a model on a batch, and what its output says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from curate.errors import ConfigError
from curate.feed.trainers.logits import TARGETS, logits_of, model_inputs
from curate.wording import some_of

Forward = Callable[[torch.nn.Module, dict[str, Any]], Any]


def call(model: torch.nn.Module, core: torch.nn.Module, batch: Mapping[str, Any], forward: Forward | None) -> Any:
    """The logits of a model on a batch, which sees none of the targets.

    Args:
        model: what is called: the module, or what compiles or distributes it.
        core: the module itself, whose `forward` says which entries of the batch it takes.
        batch: on the model's device.
        forward: ``forward(model, inputs)`` in place of a call by name.

    Raises:
        ConfigError: the module takes none of the entries, or gives no logits.
    """
    if forward is not None:
        return logits_of(forward(model, {name: value for name, value in batch.items() if name not in TARGETS}))
    alone = _only_input(core, batch)
    taken = {} if alone is not None else model_inputs(core, batch)
    try:
        made = model(alone) if alone is not None else model(**taken)
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        given = taken or {name: value for name, value in batch.items() if value is alone}
        error.add_note(f"{type(core).__name__} was given {_shown(given)}")
        raise
    return logits_of(made)


def _shown(entries: Mapping[str, Any]) -> str:
    """Inputs with their shapes and types, for a message."""
    return ", ".join(
        f"{name} {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        if isinstance(value, torch.Tensor)
        else f"{name} (a {type(value).__name__})"
        for name, value in entries.items()
    )


def _only_input(core: torch.nn.Module, batch: Mapping[str, Any]) -> torch.Tensor | None:
    """The one input of the batch (masks aside) where the module takes one and calls it otherwise (`Sequential`)."""
    entries = {name: value for name, value in batch.items() if name not in TARGETS and not name.endswith("_mask")}
    parameters = inspect.signature(core.forward).parameters
    if len(entries) != 1 or any(name in parameters for name in entries):
        return None
    needed = [p for p in parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(needed) != 1 or len(parameters) != 1:
        return None
    [(name, value)] = entries.items()
    if not isinstance(value, torch.Tensor):
        hint = " (loader_options={'tokenizer': ...})" if name == "text" else ""
        raise ConfigError(
            f"batches have {name!r} as a {type(value).__name__}, and {type(core).__name__} takes a tensor: have the"
            f" loader make one{hint}, or pass forward=..., which gets the batch"
        )
    return value


def check_width(logits: torch.Tensor, kind: str | None, names: Sequence[str], model: torch.nn.Module) -> None:
    """Raise ConfigError where a model's outputs can't be those of the task."""
    name = type(model).__name__
    if kind in ("classification", "multilabel") and names and (logits.ndim != 2 or logits.shape[1] != len(names)):
        width = f"{logits.shape[1]} outputs per row" if logits.ndim == 2 else f"outputs of {tuple(logits.shape)}"
        raise ConfigError(
            f"{name} gives {width}, and there are {len(names)} classes ({some_of(names, 8)}): it needs one for each"
        )
    if kind == "regression" and not (logits.ndim == 1 or (logits.ndim == 2 and logits.shape[1] == 1)):
        raise ConfigError(f"{name} gives outputs of {tuple(logits.shape)} for numbers: it needs one per row")


def settle_lazy(model: torch.nn.Module, batch: Mapping[str, Any], forward: Forward | None) -> None:
    """Give modules whose sizes follow from their first input (`torch.nn.LazyLinear`) their parameters."""
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        training = model.training
        with torch.no_grad():
            call(model.eval(), model, batch, forward)
        model.train(training)
