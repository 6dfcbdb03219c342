"""Facts of a check or of the run for people: numbers in a line, lists and objects as small tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

LONGEST = 2000
MOST_LINES = 100
SHARES = ("rate", "share", "fraction", "noise")
"""Words in the name of a number in [0, 1] that is better read in percent."""


@dataclass(frozen=True)
class Fact:
    """One fact: a text, or a table of `head` and `lines` (cells with whether each is a number)."""

    name: str
    text: str = ""
    head: tuple[str, ...] = ()
    lines: tuple[tuple[tuple[str, bool], ...], ...] = ()
    long: bool = False


def facts_shown(facts: Mapping[str, Any], without: Sequence[str] = ()) -> list[Fact]:
    """Facts to show, short ones first; empty lists and objects are passed over."""
    found = [_fact(name, value) for name, value in facts.items() if name not in without and value not in ({}, [])]
    return sorted(found, key=lambda fact: fact.long)


def _fact(name: str, value: Any) -> Fact:
    if isinstance(value, list) and all(_is_scalar(item) for item in value):
        text = ", ".join(shown(name, item) for item in value)
        return Fact(name, text, long=len(text) > 80)
    if isinstance(value, list) and all(_is_flat(item) for item in value):
        return _table(name, value)
    if _is_flat(value):
        return _table(name, [{"": key, "value": item} for key, item in value.items()])
    if isinstance(value, Mapping) and all(_is_flat(item) for item in value.values()):
        return _table(name, [{"": key, **item} for key, item in value.items()])
    if isinstance(value, Mapping | list):
        text = json.dumps(value, ensure_ascii=False, indent=1)
        return Fact(name, text if len(text) <= LONGEST else text[:LONGEST] + " …", long=True)
    return Fact(name, shown(name, value))


def _table(name: str, lines: Sequence[Mapping[str, Any]]) -> Fact:
    head = tuple(dict.fromkeys(key for line in lines for key in line))
    cells = tuple(
        tuple((shown(key, line.get(key)), _is_number(line.get(key))) for key in head) for line in lines[:MOST_LINES]
    )
    rest = f"and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
    return Fact(name, rest, head, cells, long=True)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _is_flat(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and all(_is_scalar(item) for item in value.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(name: str, value: Any) -> str:
    """A value as people write it; a share in percent."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        is_share = 0 <= value <= 1 and any(word in name for word in SHARES)
        return f"{value:.1%}" if is_share else f"{value:.4g}"
    return str(value)
