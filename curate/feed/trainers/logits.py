"""What goes into a model, and what of its output goes into the loss."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from curate.errors import ConfigError

TARGETS = ("labels", "soft_labels", "weights", "partner_labels", "share", "row_id", "mass", "teacher_logits")
"""Entries of a batch that are for the loss, not for the model."""


TOKENISING = ("tokenizer", "processor", "transform", "inputs")
"""Options of the loader that make something else than plain text of a text."""

NO_TOKENS = "which no model takes: give processing_class=tokenizer, or loader_options={'tokenizer': ...}"


def refuse_plain_text(model: Any, task: Any, options: Mapping[str, Any]) -> None:
    """Raise ConfigError where texts are all that there is to a task, and nothing makes tokens of them.

    Not where a transform or other names may do so, or the model's `forward` has a parameter ``text``.
    """
    if tuple(task.modalities) != ("text",) or any(options.get(o) is not None for o in TOKENISING):
        return
    forward = getattr(model, "forward", None)
    if forward is not None and "text" in inspect.signature(forward).parameters:
        return
    raise ConfigError(f"the batches would have the column {task.text!r} as plain text, {NO_TOKENS}")


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
        plain = [name for name, value in entries.items() if isinstance(value, list)]
        if plain and len(plain) == len(entries):
            raise ConfigError(f"the batch has {', '.join(plain)} as plain text, {NO_TOKENS}")
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
        if "logits" not in outputs:
            raise ConfigError(f"the model gives no logits, but {', '.join(map(str, outputs)) or 'nothing'}")
        outputs = outputs["logits"]
    elif isinstance(outputs, tuple | list) and outputs:
        outputs = outputs[0]
    if not isinstance(outputs, torch.Tensor):
        raise ConfigError(f"the model gives no logits, but {type(outputs).__name__}")
    return outputs
