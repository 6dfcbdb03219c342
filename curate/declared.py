"""Settings as they are declared: what is wrong with values that people give is said in one way, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from curate.errors import ConfigError, nearest

Place = tuple[str | int, ...]

_M = TypeVar("_M", bound=BaseModel)
_SHOULD = re.compile(r"\w+ should (be|have) ")
_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "model": "a mapping of settings",
}
"""How pydantic's names of types begin -> the type in words."""


class Declared(BaseModel):
    """Frozen settings that refuse unknown ones. Their constructor raises ConfigError, which names all that is wrong.

    `model_validate` raises pydantic's ValidationError, and so does the validation of settings inside others: readers
    of files need the places.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    meant: ClassVar[Mapping[str, str]] = {}
    """Names that people know from elsewhere -> what to say here, for those whose nearest name would mislead."""

    def __init__(self, /, **given: Any) -> None:
        __tracebackhide__ = True
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ConfigError(in_words(error, type(self), type(self).__name__, "\n")) from None

    # Pydantic calls an `__init__` that is not its own for settings inside others, too, whose places would be lost.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]


def made(model: type[_M], given: Mapping[str, Any], about: str, more: Iterable[str] = ()) -> _M:
    """The settings of those names and values.

    Args:
        model: of the settings.
        given: name -> value.
        about: whose settings they are, for the message.
        more: names that are known beside the model's, one of which may have been meant.

    Raises:
        ConfigError: with all that is wrong in one line.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(in_words(error, model, about, "; ", more)) from None


def settings_of(model: type[_M], asked: object, about: str) -> _M:
    """The settings that are asked for: as they are, by a mapping of them, or the defaults for None.

    Raises:
        ConfigError: with all that is wrong in one line.
    """
    if isinstance(asked, model):
        return asked
    if asked is not None and not isinstance(asked, Mapping):
        raise ConfigError(f"{about} must be a mapping of settings, not {asked!r:.60}")
    return made(model, asked or {}, about)


def in_words(error: ValidationError, model: type[BaseModel], about: str, between: str, more: Iterable[str] = ()) -> str:
    """What a pydantic error complains of, each with the way to it from `about`."""
    said = []
    for place, text in problems(error, model, more):
        way = path(place[:-1] if text.startswith("unknown setting") else place)
        link = "" if not way or way.startswith("[") else "." if about.isidentifier() else ": "
        said.append(f"{about}{link}{way}: {text}")
    return between.join(said)


def problems(error: ValidationError, model: type[BaseModel], more: Iterable[str] = ()) -> list[tuple[Place, str]]:
    """Every line of a pydantic error as a place among the settings and a sentence; members of a union make one."""
    said: dict[Place, list[str]] = {}
    for line in error.errors(include_url=False):
        place = tuple(part for part in line["loc"] if isinstance(part, int) or not _is_type_tag(part))
        said.setdefault(place, []).append(_sentence(line, model, place, more))
    return [(place, _of_members(list(dict.fromkeys(sentences)), model, place)) for place, sentences in said.items()]


def _of_members(sentences: list[str], model: type[BaseModel], place: Place) -> str:
    """What the members of a union say in one sentence, and what each of them means; of a single one as it is."""
    first, *others = sentences
    if not others:
        return first
    head, expected, literals = first.rpartition(", expected ")
    *listed, last = [re.sub(r"' or '", "', '", literals), *(text.rpartition(", expected ")[2] for text in others)]
    holder = _model_at(model, place[:-1])
    field = holder.model_fields.get(str(place[-1])) if holder is not None and place else None
    meaning = f" ({field.description})" if field and field.description else ""
    return f"{head}{expected}{', '.join(listed)} or {last}{meaning}"


def path(place: Place) -> str:
    """``steps[0].label_errors.fix``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _is_type_tag(part: str) -> bool:
    """Pydantic names the member of a union in `loc`, e.g. ``str`` or ``dict[str,any]``, which is no key of the file."""
    return part in ("str", "int", "float", "bool") or "[" in part or part.startswith(("constrained-", "function-"))


def _sentence(line: Any, model: type[BaseModel], place: Place, more: Iterable[str]) -> str:
    given = line.get("input")
    match line["type"]:
        case "extra_forbidden":
            name, holder = str(place[-1]), _model_at(model, place[:-1])
            if holder is None:
                return f"unknown setting {name!r}"
            known = [field.alias or of_model for of_model, field in holder.model_fields.items()]
            known += more if len(place) == 1 else ()
            meant = getattr(holder, "meant", {}).get(name)
            hint = f" ({meant})" if meant else nearest(name, known)
            return f"unknown setting {name!r}{hint}; known: {', '.join(dict.fromkeys(known))}"
        case "missing":
            return "is needed"
        case "value_error":
            text = str(line["ctx"]["error"])
            plain = bool(place) and isinstance(given, str | int | float)
            return f"found {given!r:.80}: {text}" if plain and f"{given!r}" not in text else text
        case "literal_error":
            expected = line["ctx"]["expected"]
            hint = nearest(given, re.findall(r"'([^']*)'", expected)) if isinstance(given, str) else ""
            return f"found {given!r:.80}{hint}, expected {expected}"
        case "invalid_key":
            return f"the name of a setting is text, not {given!r:.80}"
        case _:
            return f"found {given!r:.80}, expected {_expected(line)}"


def _expected(line: Any) -> str:
    kind, _, why = line["type"].partition("_")
    if why in ("type", "parsing", "from_float") and kind in _KINDS:
        return _KINDS[kind]
    if line["type"] == "string_pattern_mismatch":
        return f"text that matches {line['ctx']['pattern']}"
    return _SHOULD.sub("", line["msg"], count=1)


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The model inside another that the way to it names; None where that leads to no model."""
    for part in place:
        field = model.model_fields.get(str(part))
        members = () if field is None else (field.annotation, *get_args(field.annotation))
        inner = [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
        if not inner:
            return None
        model = inner[0]
    return model
