"""Settings that name what does the work, and steps that can be given a Python object instead of a name."""

from __future__ import annotations

from typing import Any, Self

from pydantic import PrivateAttr

from curate.balance._by_method import ByMethod

PYTHON = "python"


def split(value: str) -> tuple[str, str]:
    """``transformers:NAME`` -> (``transformers``, ``NAME``); a plain word has an empty name."""
    kind, _, name = value.partition(":")
    return kind.strip(), name.strip()


class FromPython(ByMethod):
    """A step whose work an object may do that lives in Python alone.

    A pipeline file can hold the object's name, as a remark; a step that is read from such a file has lost the object,
    and says so before anything runs.
    """

    _given: Any = PrivateAttr(default=None)

    @classmethod
    def _holding(cls, field: str, given: Any, settings: dict[str, Any]) -> Self:
        """The step with an object, its name in the setting `field`."""
        name = getattr(given, "__name__", None) or type(given).__name__
        step = cls(**{**settings, field: f"{PYTHON}:{name}"})
        step._given = given
        return step

    def _lost(self, field: str) -> str | None:
        """Why the step can't be used: its object is not here."""
        kind, name = split(getattr(self, field))
        if kind != PYTHON or self._given is not None:
            return None
        return (
            f"{self.name}: `{field}: {PYTHON}:{name}` was an object in Python, which a file can't hold; give it again"
            f" with curate.steps.{type(self).__name__}.of(...)"
        )
