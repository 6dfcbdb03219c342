"""Running torch models on chunks: device, fixed batches, and the traps of half-installed packages."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from curate.errors import ConfigError, MissingPackage
from curate.evidence.neighbours import DRIVERS
from curate.media.torch_audio import guard_torchaudio

Made = TypeVar("Made")
BATCH = 16
THREADS_OF_MODEL = 8
"""That may run a small model at once, without a GPU."""


def required(package: str, distribution: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional package.

    Raises:
        MissingPackage: it is not installed.
        ConfigError: it is installed, but can't be loaded (torchvision built for another torch, for one).
    """
    if importlib.util.find_spec(package) is None:
        raise MissingPackage(distribution, extra, purpose)
    if package in ("transformers", "sentence_transformers"):
        guard_torchaudio()
    try:
        return importlib.import_module(package)
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"{purpose} needs {distribution!r}, which is installed but can't be loaded: {reason}; reinstall it together"
            " with the torch it was built for"
        ) from error


@cache
def device() -> str:
    """``cuda`` where there is a GPU, else ``cpu``."""
    # Importing torch takes seconds and 200 MB: not only to hear that no driver is loaded.
    if "torch" not in sys.modules and sys.platform == "linux" and not any(Path(driver).exists() for driver in DRIVERS):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def loaded_once(load: Callable[[], Made]) -> Callable[[], Made]:
    """`load`, whose result is kept; a thread that comes while another one loads waits for it."""
    kept, lock = cache(load), threading.Lock()

    @wraps(load)
    def waiting() -> Made:
        with lock:
            return kept()

    return waiting


def at_once() -> int:
    """Threads that may run a small model at once: its batches are too small to be shared out among threads."""
    return THREADS_OF_MODEL if device() == "cpu" else 1


def loaded(name: str, load: Callable[[], Any]) -> Any:
    """What `load` gives. Raises ConfigError with the model's name where it can't be had."""
    try:
        return load()
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"encoder: the model {name!r} can't be loaded: {reason}; give the name of a model on the hub, or a folder"
            " that holds one"
        ) from error


def in_batches(batch: np.ndarray, run: Callable[[Any], Any]) -> np.ndarray:
    """Run a model on (n, ...) float32 inputs in batches of one size, the last one filled up.

    Kernels are chosen by the shape of a batch: with one shape, a row's vector does not hang on how many rows stand
    beside it.
    """
    import torch

    parts = []
    for begin in range(0, len(batch), BATCH):
        part = batch[begin : begin + BATCH]
        filled = np.concatenate([part, np.zeros((BATCH - len(part), *part.shape[1:]), dtype=part.dtype)])
        with torch.inference_mode():
            result = run(torch.from_numpy(np.ascontiguousarray(filled)).to(device()))
        parts.append(result.float().cpu().numpy()[: len(part)])
    return np.concatenate(parts)


def stacked(pictures: list[np.ndarray], size: tuple[int, int], mean: Any, deviation: Any) -> np.ndarray:
    """(height, width, 3) uint8 pictures of any size -> (n, 3, *size) float32, scaled to [0, 1], then standardised."""
    from curate.evidence.encoders.image_descriptors import resized

    batch = np.stack([resized(picture, size) for picture in pictures]).astype(np.float32) / np.float32(255)
    batch = (batch - np.asarray(mean, dtype=np.float32)) / np.asarray(deviation, dtype=np.float32)
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
