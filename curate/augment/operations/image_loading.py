"""Loading Albumentations without what a few of its functions need: that is loaded when one of them is called.

Its hub client brings a web client along (7 MB, 150 modules), and one transform of a hundred scipy's special functions
(6 MB), in every process that changes images.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import Any

PYTORCH, HUB = "albumentations.pytorch", "albumentations.core.hub_mixin"
SPARED = {"albumentations.augmentations.pixel.transforms": "scipy", HUB: "huggingface_hub"}
"""Module of Albumentations -> the package whose import there is put off."""


def load() -> types.ModuleType:
    """Albumentations. Raises ImportError."""
    if "albumentations" in sys.modules:
        return sys.modules["albumentations"]
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would ask a server for its newest version
    hidden = PYTORCH not in sys.modules
    finder = _Sparing(threading.get_ident())
    sys.meta_path.insert(0, finder)
    if hidden:
        sys.modules[PYTORCH] = None  # type: ignore[assignment]  # its tensors are not used, and would load torch (2 s)
    try:
        found = importlib.import_module("albumentations")
    finally:
        sys.meta_path.remove(finder)
        if hidden:
            del sys.modules[PYTORCH]
    mixin = vars(sys.modules.get(HUB, types.ModuleType(HUB)))
    if mixin.get("is_huggingface_hub_available") is False:
        client = _Client(mixin)
        mixin["is_huggingface_hub_available"], mixin["hf_hub_download"] = client, client.download
    return found


class _Sparing(MetaPathFinder):
    """Finds the modules of `SPARED` for one thread; other threads and modules import as ever."""

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Of a module that is to do without its package."""
        if fullname not in SPARED or threading.get_ident() != self._thread:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Runs a module with an `import` of its own."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run it."""
        spared = SPARED[module.__name__]

        def imported(name: str, *given: Any, **more: Any) -> Any:
            if name.partition(".")[0] != spared:
                return builtins.__import__(name, *given, **more)
            if spared == "scipy":  # from scipy import special
                return types.SimpleNamespace(special=_Later("scipy.special"))
            raise ImportError(f"{name} is loaded when it is needed")

        vars(module)["__builtins__"] = vars(builtins) | {"__import__": imported}
        super().exec_module(module)


class _Later(types.ModuleType):
    """A module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


class _Client:
    """Whether the hub's client is there: it is loaded where Albumentations asks that, or downloads without asking."""

    def __init__(self, mixin: dict[str, Any]) -> None:
        self._mixin = mixin

    def __bool__(self) -> bool:
        """Load it, if it is there."""
        if importlib.util.find_spec("huggingface_hub") is None:
            return False
        self._load()
        return True

    def download(self, *given: Any, **more: Any) -> Any:
        """The client's `hf_hub_download`."""
        self._load()
        return self._mixin["hf_hub_download"](*given, **more)

    def _load(self) -> None:
        hub, parts = importlib.import_module("huggingface_hub"), importlib.import_module("huggingface_hub.utils")
        for name, source in (
            ("HfApi", hub), ("hf_hub_download", hub), ("HfHubHTTPError", parts), ("SoftTemporaryDirectory", parts)
        ):  # fmt: skip
            self._mixin[name] = getattr(source, name)
        self._mixin["is_huggingface_hub_available"] = True
