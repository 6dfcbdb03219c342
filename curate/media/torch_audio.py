"""torchaudio beside any torch: its transforms are pure torch, only its native part wants one build of it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from types import ModuleType

from curate.errors import MissingPackage


@cache
def guard_torchaudio() -> None:
    """Make a torchaudio whose native part doesn't fit the installed torch importable: transformers imports it on sight.

    Its transforms work in pure torch; only the native part is replaced by a stub.
    """
    if "torchaudio" in sys.modules or importlib.util.find_spec("torchaudio") is None:
        return
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        stub = ModuleType("torchaudio._extension")
        stub._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
        stub._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
        stub.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
        stub._check_cuda_version = lambda: None  # type: ignore[attr-defined]
        sys.modules["torchaudio._extension"] = stub


def torchaudio(purpose: str) -> ModuleType:
    """torchaudio, whatever torch it stands beside. Raises MissingPackage."""
    guard_torchaudio()
    try:
        return importlib.import_module("torchaudio")
    except ImportError as error:
        raise MissingPackage("torchaudio", "audio", purpose) from error
