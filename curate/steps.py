"""Every step as a class: ``curate.steps.LabelErrors(fix="soften")``; found by name when first used."""

from __future__ import annotations

from typing import Any

from curate import registry
from curate.errors import nearest
from curate.step import snake_case


def __getattr__(name: str) -> Any:
    """The class of the step whose name in snake case is a registered one."""
    snake = snake_case(name)
    if name.startswith("_") or snake == name:
        raise AttributeError(f"module 'curate.steps' has no attribute {name!r}")
    if snake in registry.step_names():
        return registry.step(snake)
    raise AttributeError(
        f"no step {snake!r}{nearest(snake, registry.step_names())}; known: {', '.join(sorted(registry.step_names()))}"
    )


def __dir__() -> list[str]:
    """The classes of all known steps."""
    return sorted(registry.camel_case(name) for name in registry.step_names())
