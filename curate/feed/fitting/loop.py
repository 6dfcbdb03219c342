"""`curate.fit`: a reference loop that examples, comparisons and tests share."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from curate.errors import ConfigError, nearest
from curate.feed.device.named import device_of
from curate.feed.fitting import checkpoints
from curate.feed.fitting.fitted import Fitted, finish
from curate.feed.fitting.forward import Forward, settle_lazy
from curate.feed.fitting.history import Event
from curate.feed.fitting.processes import rank_and_world, wait
from curate.feed.fitting.resuming import resume as go_on
from curate.feed.fitting.settings import Precision, Settings
from curate.feed.fitting.source import Source
from curate.feed.fitting.training import Training
from curate.feed.losses.row_loss import RowLoss
from curate.feed.making import LOADER_OPTIONS
from curate.feed.tensors import on_device
from curate.metrics import evaluate
from curate.metrics.given import KINDS
from curate.randomness import digest


def fit(
    model: torch.nn.Module | Callable[[], torch.nn.Module],
    data: Any,
    *,
    validation: Any = None,
    loss: RowLoss | None = None,
    epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    optimizer: str | Callable[..., torch.optim.Optimizer] = "adamw",
    weight_decay: float = 0.01,
    schedule: str = "cosine",
    warmup: float = 0.05,
    accumulate: int = 1,
    clip_norm: float | None = 1.0,
    precision: Precision = "auto",
    ema_decay: float | None = None,
    monitor: str = "loss",
    patience: int | None = None,
    min_delta: float = 0.0,
    restore_best: bool = True,
    folder: str | Path | None = None,
    save_every: int | None = None,
    keep: int = 2,
    resume: bool = True,
    seed: int = 0,
    device: str | torch.device | None = None,
    compile: bool | Mapping[str, Any] = False,
    forward: Forward | None = None,
    callbacks: Sequence[Callable[[Event], Any]] = (),
    evaluation: Mapping[str, Any] | None = None,
    loader_options: Mapping[str, Any] | None = None,
    **unknown: Any,
) -> Fitted:
    """Train a model on curated batches: soft labels, class weights and row weights count as `loss` says.

    Under ``torch.distributed`` every process calls it; each draws its share, and a step is that of all of them
    together. With `folder`, a call that was cut off at any moment goes on when it is repeated, and ends with the
    parameters of one that was not (on a device that computes the same twice).

    Args:
        model: a module, or a function that makes one (under `seed`). It is called with the entries of the batch that
            its `forward` names, or with the only input; never with labels. Of what it gives, ``logits`` are taken.
        data: a curated result, or a loader of its batches.
        validation: split or loader of held-out rows that are measured after every epoch; the split ``validation``
            where there is one if left out; False for none.
        loss: of `curate.losses`; ``curated.loss()`` if left out.
        epochs: at most; 10 if neither this nor `max_steps` is given.
        max_steps: optimiser steps at most.
        batch_size: rows per batch and process, of a curated result.
        learning_rate: the highest; a function as `optimizer` says its own.
        optimizer: ``adamw``, ``sgd`` (momentum 0.9), a class (``torch.optim.RMSprop``), or a function from parameter
            groups to an optimiser.
        weight_decay: of matrices and kernels; biases and norms are not decayed.
        schedule: ``cosine`` or ``linear`` decay to 0 over all steps, or ``constant``.
        warmup: steps of linear warm-up; below 1 their share of all steps.
        accumulate: batches per optimiser step, as if they were one.
        clip_norm: largest norm of the gradient; None for no clipping.
        precision: ``auto`` (bfloat16 or float16 on CUDA, else float32), ``float32``, ``bfloat16`` or ``float16``.
        ema_decay: keep, evaluate and return a moving average of the parameters.
        monitor: metric of the held-out rows that says which epoch is best: ``loss`` or one of `curate.metrics`.
        patience: stop after so many epochs without a better one.
        min_delta: by how much a better one is better.
        restore_best: end with the parameters of the best epoch.
        folder: of checkpoints, one after every epoch.
        save_every: a checkpoint after so many steps, too.
        keep: checkpoints that stay.
        resume: go on from the newest checkpoint in `folder`; else what is there is deleted.
        seed: of the fit. Order and augmentation of a curated result follow the pipeline's seed, or that among
            `loader_options`.
        device: a CUDA device where there is one, else the CPU, if left out.
        compile: compile the model with ``torch.compile``; a mapping gives its options, such as ``{"mode": ...}``.
        forward: ``forward(model, inputs)`` gives the logits, in place of the call by name.
        callbacks: each called with an `Event` after every step and epoch.
        evaluation: settings of `curate.metrics.evaluate` for the held-out rows.
        loader_options: of ``curated.loader``, such as workers or a tokenizer.
        unknown: nothing; names that are no option of a fit are refused, with what was meant.

    Raises:
        ConfigError: settings, model, loss and data don't fit together, or the checkpoint is of another fit.
        DataError: the loss is not finite (the message names the rows), or no row can be read.
        StorageError: a checkpoint can't be read or written.
    """
    _refuse_unknown(unknown)
    settings = Settings(
        epochs, max_steps, batch_size, learning_rate, optimizer, weight_decay, schedule, warmup, accumulate, clip_norm,
        precision, ema_decay, monitor, patience, min_delta, restore_best, None if folder is None else Path(folder),
        save_every, keep, seed, device, compile, dict(evaluation or {}),
    )  # fmt: skip
    if not isinstance(callbacks, Sequence) or not all(callable(one) for one in callbacks):
        raise ConfigError(f"callbacks must be a list of functions of an Event, not {callbacks!r:.80}")
    place = device_of(device)
    devices = [place] if place.type == "cuda" else []
    with torch.random.fork_rng(devices), _own_randomness():
        torch.manual_seed(digest("model", seed) % 2**63)
        made = module_of(model)
        source = Source(data, validation, batch_size, dict(loader_options or {}))
        training = _training(made, source, loss, settings, place, forward, callbacks)
        _begin(training, resume)
        if not training.finished:
            training.run()
        return finish(training, source)


def _refuse_unknown(options: Mapping[str, Any]) -> None:
    """Raise ConfigError for names that are no option of `fit`."""
    known = [name for name in inspect.signature(fit).parameters if name != "unknown"]
    wrong = [
        f"{name} is an option of the loader: loader_options={{{name!r}: {value!r:.80}}}"
        if name in LOADER_OPTIONS
        else f"unknown setting {name!r}{nearest(name, known)}"
        for name, value in options.items()
    ]
    if wrong:
        raise ConfigError("fit: " + "; ".join(wrong))


@contextmanager
def _own_randomness() -> Iterator[None]:
    """Leave the generators of Python and NumPy as they were: the fit seeds them step by step."""
    python, array = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(array)


def module_of(model: Any) -> torch.nn.Module:
    """A module, or what a function without arguments makes. Raises ConfigError where that is none."""
    if isinstance(model, torch.nn.Module):
        return model
    if callable(model) and (needed := _needed(model)):
        name = getattr(model, "__name__", type(model).__name__)
        what = "class" if isinstance(model, type) else "function"
        raise ConfigError(
            f"model is the {what} {name}, which needs {', '.join(needed)}: pass what it makes, {name}(...), or a"
            f" function that takes nothing and makes one, such as lambda: {name}(...)"
        )
    made = model() if callable(model) else model
    if not isinstance(made, torch.nn.Module):
        raise ConfigError(f"model must be a torch module, or a function that makes one, not {type(made).__name__}")
    return made


def _needed(make: Callable[..., Any]) -> list[str]:
    """Names of what a function or class can't be called without, as far as its signature says."""
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _training(
    model: torch.nn.Module, source: Source, loss: RowLoss | None, settings: Settings, device: torch.device,
    forward: Forward | None, callbacks: Sequence[Callable[[Event], Any]],
) -> Training:  # fmt: skip
    if source.validation is False and (settings.patience is not None or settings.monitor != "loss"):
        there = f"the result has the splits {', '.join(source.splits)}" if source.curated else "none were given"
        raise ConfigError(
            f"patience and monitor need held-out rows, and {there}: name a split or pass a loader as validation"
            " (curate.resplit makes splits)"
        )
    _refuse_monitor(source, settings)
    loader = source.training(device)
    if settings.save_every is not None and not hasattr(loader, "state_dict"):
        raise ConfigError("save_every needs a loader that can go on in mid-epoch, and this one has no state_dict")
    first = source.loss(loader, loss)
    kind, names = source.kind(loader, first), source.names(loader, first)
    model.to(device)
    first.to(device)
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        settle_lazy(model, on_device(next(iter(loader)), device), forward)
    return Training(
        model, loader, partial(source.held_out, device), first, kind, names, settings, device, forward, callbacks
    )


def _refuse_monitor(source: Source, settings: Settings) -> None:
    """Raise ConfigError for a metric that the held-out rows won't have, before an epoch is spent on it."""
    if settings.monitor == "loss" or not source.curated or source.data.table.task.kind not in KINDS:
        return
    kind, names = source.data.table.task.kind, tuple(source.data.label_names)
    perfect = np.array([0.0, 1.0, 2.0]) if kind == "regression" else np.eye(len(names))
    labels = perfect.argmax(1) if kind == "classification" else perfect
    given = dict(settings.evaluation) | {"names": names, "resamples": 0, "curves": False}
    known = ["loss", *evaluate(labels, perfect, kind, **given).values]
    if settings.monitor not in known:
        hint = nearest(settings.monitor, known)
        raise ConfigError(f"there is no metric {settings.monitor!r} to follow{hint}; there is {', '.join(known)}")


def _begin(training: Training, resume: bool) -> None:
    folder = training.settings.folder
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"folder must be one, for checkpoints, and {folder} is a file")
    there = checkpoints.found(folder)
    if there and resume:
        go_on(training, there[-1])
    elif there and not rank_and_world()[0]:
        checkpoints.clear(folder)
    wait()
