"""Names of one kind put in the place of others of that kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Self

from pydantic import Field, field_validator, model_validator

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import Edit
from curate.augment.operations.texts.replacing import tabled
from curate.augment.operations.texts.word_edits import bare

Given = tuple[tuple[str, tuple[str, ...]], ...]


class ReplaceEntities(Edit):
    """Puts another member of the same list in the place of names (cities, amounts, dates), and fills placeholders.

    A name is found as a whole word in any case, the longest first; a placeholder is the name of a list in braces,
    brackets or angle brackets ({city}, [CITY], <city>).

    Cost: 10 microseconds for a sentence with lists of up to a thousand names. Source: after nlpaug's ReservedAug;
    mention replacement (Dai and Adel, 2020).
    """

    fraction: float = Field(
        1.0, gt=0, le=1, description="share of the names that are replaced at most; at least one is"
    )
    keep: tuple[str, ...] = Field(("urls", "emails"), description="what is never touched, as in other operations")
    entities: dict[str, tuple[str, ...]] = Field({}, description="kind -> the names of that kind")
    files = ("path",)

    path: str | None = Field(
        None, description="file with a kind and its names per line, separated by tabs (a kind may have several lines)"
    )
    placeholders: bool = Field(True, description="whether {kind}, [KIND] and <kind> are filled with a name")

    @field_validator("entities")
    @classmethod
    def _names_in_each(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for kind, names in value.items():
            if not kind or not names or not all(names):
                raise ValueError(f"the list {kind!r} has no names, or an empty one")
        return value

    @model_validator(mode="after")
    def _some_lists(self) -> Self:
        if not self.entities and not self.path:
            raise ValueError(
                "replace_entities needs lists: `entities` ({city: [Berlin, Paris]}) or `path` (a file of them)"
            )
        _lists(self.path, _frozen(self.entities))
        return self

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        lists = _lists(self.path, _frozen(self.entities))
        found = lists.found(text)
        if self.placeholders and ("{" in text or "[" in text or "<" in text):
            found += [
                (match.start(), match.end(), match.group(match.lastindex or 0)) for match in lists.slots.finditer(text)
            ]
        if not found:
            return text
        kept = self._kept(text)
        fit: list[tuple[int, int, list[str]]] = []
        for begin, end, name in sorted(found, key=lambda span: (span[0], -span[1])):
            apart = not fit or begin >= fit[-1][1]
            options = lists.others(name)
            if apart and options and not any(begin < last and end > first for first, last in kept):
                fit.append((begin, end, options))
        made, place = [], 0
        for index in self._places(len(fit), drawn, chance):
            begin, end, options = fit[index]
            made += [text[place:begin], chance.one(options)]
            place = end
        return "".join([*made, text[place:]])


class Lists:
    """Lists of names, and where their members stand in a text.

    Args:
        lists: kind -> names.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._members = {kind.lower(): list(dict.fromkeys(names)) for kind, names in lists.items()}
        self._kind_of = {name.lower(): kind.lower() for kind, names in lists.items() for name in names}
        self._names = sorted(self._kind_of, key=lambda name: (-len(name), name))
        self._pattern = re.compile("|".join(map(re.escape, self._names)), re.IGNORECASE)
        kinds = "|".join(re.escape(kind) for kind in lists)
        self.slots = re.compile(
            rf"\{{\{{\s*({kinds})\s*\}}\}}|\$?\{{\s*({kinds})\s*\}}|\[({kinds})\]|<({kinds})>", re.IGNORECASE
        )

    def others(self, name: str) -> list[str]:
        """What may stand in the place of a name, or fill the slot of a kind; a name counts before a kind."""
        lower = name.lower()
        kind = self._kind_of.get(lower)
        if kind is None:
            return self._members.get(lower, [])
        return [other for other in self._members[kind] if other.lower() != lower]

    def found(self, text: str) -> list[tuple[int, int, str]]:
        """(begin, end, name) of the names that stand in a text as whole words, the longest first at each place."""
        lower = text.lower()
        if len(self._names) > FEW or len(lower) != len(text):
            spans = [match.span() for match in self._pattern.finditer(text)]
        else:
            spans = [(at, at + len(name)) for name in self._names if name in lower for at in _all(lower, name)]
        return [(begin, end, text[begin:end]) for begin, end in spans if _is_whole(text, begin, end)]


FEW = 32
"""Up to so many names one search for each is faster than a regular expression for all."""


def _all(text: str, name: str) -> list[int]:
    places, at = [], text.find(name)
    while at >= 0:
        places.append(at)
        at = text.find(name, at + 1)
    return places


def _is_whole(text: str, begin: int, end: int) -> bool:
    """Whether no letter touches it, in scripts with blanks between words."""
    before = begin > 0 and _goes_on(text[begin - 1], text[begin])
    return not before and not (end < len(text) and _goes_on(text[end - 1], text[end]))


def _goes_on(letter: str, after: str) -> bool:
    return letter.isalnum() and after.isalnum() and not (bare(letter) or bare(after))


def _frozen(entities: Mapping[str, tuple[str, ...]]) -> Given:
    return tuple(entities.items())


@lru_cache(maxsize=64)
def _lists(path: str | None, entities: Given) -> Lists:
    return Lists({**(tabled(path, "replace_entities") if path else {}), **dict(entities)})


OPERATIONS = named(globals())
