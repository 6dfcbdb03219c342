"""Checkpoints: everything that an exact resume needs, in files that hold no code."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from curate.errors import ConfigError, StorageError

MODEL, STATE, PROGRESS = "model.safetensors", "state.pt", "progress.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def tensors_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a module's state, on the CPU and each with memory of its own; extra states are left out."""
    return {k: v.detach().cpu().clone() for k, v in module.state_dict().items() if isinstance(v, torch.Tensor)}


def put_back(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Load tensors into a module. Raises ConfigError where they are of another one."""
    own = {k: v for k, v in module.state_dict().items() if isinstance(v, torch.Tensor)}
    other = sorted(own.keys() ^ tensors.keys())
    shapes = [k for k in own.keys() & tensors.keys() if own[k].shape != tensors[k].shape]
    if other or shapes:
        name = (other or shapes)[0]
        why = f"{name!r} is in one of the two alone" if other else f"{name!r} has another shape"
        raise ConfigError(f"{source} is of another model: {why}")
    module.load_state_dict({**module.state_dict(), **tensors})


def save(
    folder: Path,
    step: int,
    model: torch.nn.Module,
    state: Mapping[str, Any],
    progress: Mapping[str, Any],
    keep: int,
) -> None:
    """Write ``checkpoint-STEP``, which appears only when it is complete, and delete all but the newest `keep`.

    Args:
        folder: of the fit.
        step: optimiser steps so far.
        model: that is trained.
        state: tensors, numbers and text in dicts and lists (what ``torch.load(weights_only=True)`` reads).
        progress: plain values for JSON.
        keep: checkpoints that stay.

    Raises:
        StorageError: the folder can't be written to.
    """
    aside, place, tensors = folder / ".writing", folder / f"checkpoint-{step:08d}", tensors_of(model)
    with _writing(place, aside):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        save_file(tensors, aside / MODEL)
        torch.save(dict(state), aside / STATE)
        text = json.dumps(dict(progress), ensure_ascii=False, allow_nan=False)
        (aside / PROGRESS).write_text(text, encoding="utf-8")
        before = folder / ".before"
        shutil.rmtree(before, ignore_errors=True)
        if place.exists():
            place.rename(before)
        aside.rename(place)
        shutil.rmtree(before, ignore_errors=True)
        for old in found(folder)[:-keep]:
            shutil.rmtree(old)


@contextmanager
def _writing(place: Path, aside: Path) -> Iterator[None]:
    """Raise StorageError where the block can't write `place`; what it has left in `aside` is removed."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:  # as torch and safetensors say that a disk is full
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)
        raise StorageError(f"{place} can't be written: {error}") from error


def save_best(folder: Path, tensors: Mapping[str, torch.Tensor], epoch: int) -> None:
    """Write the parameters of the best epoch so far, beside those of the one before until a checkpoint is complete.

    Raises:
        StorageError: the folder can't be written to.
    """
    place = _best(folder, epoch)
    aside = place.with_name(f".{place.name}")
    with _writing(place, aside):
        folder.mkdir(parents=True, exist_ok=True)
        save_file(dict(tensors), aside)
        aside.replace(place)


def forget_best(folder: Path, epoch: int) -> None:
    """Delete the parameters of all epochs that are no longer the best."""
    for old in folder.glob("best-*.safetensors"):
        if old != _best(folder, epoch):
            old.unlink()


def load_best(folder: Path, epoch: int) -> dict[str, torch.Tensor]:
    """The parameters of the best epoch. Raises StorageError where the file is missing."""
    if not _best(folder, epoch).is_file():
        raise StorageError(f"{_best(folder, epoch)} is missing: the parameters of the best epoch stood in it")
    return load_file(_best(folder, epoch))


def _best(folder: Path, epoch: int) -> Path:
    return folder / f"best-{epoch:06d}.safetensors"


def found(folder: Path) -> list[Path]:
    """Checkpoints in a folder, the oldest first."""
    named = [(int(m[1]), path) for path in folder.glob("checkpoint-*") if (m := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(named)]


def clear(folder: Path) -> None:
    """Delete all checkpoints of a folder, and nothing else in it."""
    for place in found(folder):
        shutil.rmtree(place)
    for old in folder.glob("best-*.safetensors"):
        old.unlink()


def load(place: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any], dict[str, Any]]:
    """Model tensors, state and progress of a checkpoint. Raises StorageError where it can't be read."""
    try:
        progress = json.loads((place / PROGRESS).read_text(encoding="utf-8"))
        state = torch.load(place / STATE, map_location="cpu", weights_only=True)
        return load_file(place / MODEL), state, progress
    except Exception as error:
        # safetensors, pickle and zip errors have no common base; whichever it is, the checkpoint is no good.
        raise StorageError(
            f"{place} can't be read ({type(error).__name__}: {error}): delete it to go on with an earlier one"
        ) from error
