"""Gathering everything that is wrong with a pipeline, to say it at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from curate.errors import ConfigError, nearest

if TYPE_CHECKING:
    from pydantic import ValidationError

    from curate.pipeline.document import Document, Place


class _Problems(ConfigError):
    """Carries the problems with their places, so that a reader of files can add file and line."""

    def __init__(self, found: list[tuple[Place, str]]) -> None:
        self.found = found
        super().__init__("\n".join(f"{_path(place)}: {text}" if place else text for place, text in found))


class Problems:
    """Everything that is wrong, by place in the pipeline; with a document, its lines are named."""

    def __init__(self, document: Document | None = None) -> None:
        self.document = document
        self.found: list[tuple[Place, str]] = []

    def add(self, place: Place, text: str) -> None:
        """Note a problem."""
        self.found.append((place, text))

    def add_invalid(self, place: Place, error: ValidationError, model: type[Any]) -> None:
        """Note every line of a pydantic error as a sentence; the members of a union make one."""
        said: dict[Place, list[str]] = {}
        for line in error.errors(include_url=False):
            parts = tuple(part for part in line["loc"] if isinstance(part, int) or not _is_type_tag(part))
            said.setdefault(parts, []).append(_sentence(line, model, parts))
        for parts, sentences in said.items():
            first, *others = dict.fromkeys(sentences)
            more = [sentence.rpartition(", expected ")[2] for sentence in others]
            self.add((*place, *parts), " or ".join([first, *more]))

    def absorb(self, error: ConfigError) -> None:
        """Take over what another gathering found."""
        if isinstance(error, _Problems):
            self.found.extend(error.found)
        else:
            self.found.append(((), str(error)))

    def check(self) -> None:
        """Raise one ConfigError with all that was found, if anything was."""
        if not self.found:
            return
        if self.document is None:
            raise _Problems(self.found)
        placed = [(self.document.places.get(place, (0, 0)), place, text) for place, text in self.found]
        lines = [f"{self.document.where(place)}: {_subject(place, text)}{text}" for _, place, text in sorted(placed)]
        raise ConfigError("\n".join(lines))


def _is_type_tag(part: str) -> bool:
    """Pydantic names the member of a union in `loc`, e.g. ``str`` or ``dict[str,any]``, which is no key of the file."""
    return part in ("str", "int", "float", "bool") or "[" in part or part.startswith(("constrained-", "function-"))


def _path(place: Place) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _subject(place: Place, text: str) -> str:
    """What a problem is about, where its text alone doesn't say: the step with its setting, or the part of the file."""
    about = place[2:] if place[0] == "steps" else place
    if text.startswith("unknown"):
        about = about[:-1]
    return f"{_path(about)}: " if len(place) > 1 and about else ""


def _sentence(line: Any, model: type[Any], parts: Place) -> str:
    given = line.get("input")
    match line["type"]:
        case "extra_forbidden":
            known = _settings_at(model, parts[:-1])
            if not known:
                return f"unknown setting {parts[-1]!r}"
            return f"unknown setting {parts[-1]!r}{nearest(str(parts[-1]), known)}; known: {', '.join(known)}"
        case "missing":
            return "is needed"
        case "value_error":
            return str(line["ctx"]["error"])
        case _:
            text = line["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            return f"found {given!r:.80}, expected {text}"


def _settings_at(model: type[Any], parts: Place) -> list[str]:
    """The settings of a model inside another, named by the way to it; none where that leads to no model."""
    for part in parts:
        field = model.model_fields.get(str(part))
        members = () if field is None else (field.annotation, *get_args(field.annotation))
        inner = [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)
