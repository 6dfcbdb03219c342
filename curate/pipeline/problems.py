"""Gathering everything that is wrong with a pipeline, to say it at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curate.declared import path, problems
from curate.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from curate.pipeline.document import Document, Place


class Problems:
    """Everything that is wrong, by place in the pipeline; with a document, its lines are named."""

    def __init__(self, document: Document | None = None) -> None:
        self.document = document
        self.found: list[tuple[Place, str]] = []

    def add(self, place: Place, text: str) -> None:
        """Note a problem."""
        self.found.append((place, text))

    def add_invalid(self, place: Place, error: ValidationError, model: type[Any]) -> None:
        """Note every line of a pydantic error as a sentence."""
        self.found += [((*place, *parts), text) for parts, text in problems(error, model)]

    def check(self) -> None:
        """Raise one ConfigError with all that was found, if anything was."""
        if not self.found:
            return
        if self.document is None:
            raise ConfigError("\n".join(_with_way(place, text) for place, text in self.found))
        places, where = self.document.places, self.document.where
        placed = sorted(self.found, key=lambda one: places.get(one[0], (0, 0)))
        raise ConfigError("\n".join(f"{where(place)}: {_subject(place, text)}{text}" for place, text in placed))


def _with_way(place: Place, text: str) -> str:
    way = path(place)
    return text if text.startswith(f"{way} ") else f"{way}: {text}"


def _subject(place: Place, text: str) -> str:
    """What a problem is about, where its text alone doesn't say: the step with its setting, or the part of the file."""
    about = place[2:] if place[0] == "steps" else place
    if text.startswith("unknown"):
        about = about[:-1]
    return f"{path(about)}: " if len(place) > 1 and about else ""
