"""From what stands in a pipeline file to an operation; what is wrong is refused with the nearest right name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from curate.augment.operations.operation import Operation
from curate.declared import made
from curate.errors import ConfigError, nearest

MODALITIES = ("image", "video", "text", "audio", "series", "features")


def expand(modality: str, specs: Iterable[Any]) -> list[Any]:
    """The operations of a list, with those of a preset in the place of its name."""
    presets = getattr(importlib.import_module(f"curate.augment.operations.{modality}"), "PRESETS", {})
    found: list[Any] = []
    for spec in specs:
        found += presets[spec] if isinstance(spec, str) and spec in presets else [spec]
    return found


def known(modality: str) -> tuple[str, ...]:
    """The names of the operations for a modality, sorted."""
    module = importlib.import_module(f"curate.augment.operations.{modality}")
    return module.names() if modality == "image" else tuple(sorted(module.OPERATIONS))


def parse(spec: Any) -> tuple[str, dict[str, Any]]:
    """Name and settings of ``gain``, ``{"gain": None}`` or ``{"gain": {...}}``. Raises ConfigError for other forms."""
    if isinstance(spec, str):
        return spec, {}
    if isinstance(spec, Mapping) and len(spec) == 1:
        [(name, settings)] = spec.items()
        if isinstance(name, str) and (settings is None or isinstance(settings, Mapping)):
            return name, dict(settings or {})
    raise ConfigError(f"an operation is a name, or a name with its settings ({{gain: {{p: 0.5}}}}), not {spec!r}")


def relocated(modality: str, spec: Any, moved: Callable[[str], str]) -> Any:
    """The spec of an operation with the paths that its settings name changed by `moved`."""
    name, settings = parse(spec)
    operation = importlib.import_module(f"curate.augment.operations.{modality}").OPERATIONS.get(name)
    named = [key for key in getattr(operation, "files", ()) if isinstance(settings.get(key), str)]
    return {name: settings | {key: moved(settings[key]) for key in named}} if named else spec


def build(modality: str, spec: Any) -> Operation:
    """The operation that `spec` asks for.

    Raises:
        ConfigError: unknown name, unknown setting, or a setting out of its bounds; all that is wrong in one message.
        MissingPackage: images without Albumentations.
    """
    name, settings = parse(spec)
    module = importlib.import_module(f"curate.augment.operations.{modality}")
    if modality == "image" and name not in module.OPERATIONS:
        return module.Image.of(name, settings)
    if name not in module.OPERATIONS:
        one = "; operations on single images go under `image`, drawn once per clip" if modality == "video" else ""
        raise ConfigError(
            f"unknown {modality} operation {name!r}{nearest(name, module.OPERATIONS)};"
            f" known: {', '.join(known(modality))}{one}"
        )
    return made(module.OPERATIONS[name], settings, f"{modality} operation {name}")
