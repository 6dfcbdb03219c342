"""What goes into a model, and what of its output goes into the loss."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from curate.errors import ConfigError

TARGETS = ("labels", "soft_labels", "weights", "partner_labels", "share", "row_id", "mass", "teacher_logits")
"""Entries of a batch that are for the loss, not for the model."""


def model_inputs(model: torch.nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a batch that a model's `forward` names; never the targets, so that its own loss is not computed.

    Raises:
        ConfigError: it names none of them.
    """
    base: Any = getattr(model, "get_base_model", None)
    if base is not None:  # a model with adapters takes anything, and hands it to its base
        model = base()
    entries = {name: value for name, value in batch.items() if name not in TARGETS}
    parameters = inspect.signature(model.forward).parameters
    taken = {name: value for name, value in entries.items() if name in parameters}
    if not taken and any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        taken = entries
    if not taken:
        raise ConfigError(
            f"{type(model).__name__}.forward takes {', '.join(parameters)}, and the batch has {', '.join(entries)}:"
            " rename an entry with the loader's option inputs={'pixel_values': '...'}, or pass a tokenizer"
        )
    return taken


def logits_of(outputs: Any) -> torch.Tensor:
    """The logits of what a model gave: itself, its entry ``logits``, or its first.

    Raises:
        ConfigError: there is no tensor that could be it.
    """
    if isinstance(outputs, Mapping):
        outputs = outputs.get("logits")
    elif isinstance(outputs, tuple | list) and outputs:
        outputs = outputs[0]
    if not isinstance(outputs, torch.Tensor):
        raise ConfigError(f"the model gives no logits, but {type(outputs).__name__}")
    return outputs
