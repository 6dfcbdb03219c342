"""Facts of a check or of the run for people: numbers in a line, lists and objects as small tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from curate.report.previews.series import line_path

LONGEST = 2000
MOST_LINES = 100
QUESTION = "question"
"""Name of the fact that says which question about the set a check answers."""
SENTENCES = ("answer", "sentence", "sentences", "summary", "verdict", "advice")
"""Names of facts that are sentences, whatever they look like."""
SHORTEST_CURVE = 6
SHARES = ("rate", "share", "fraction", "noise")
"""Words in the name of a number in [0, 1] that is better read in percent."""


@dataclass(frozen=True)
class Fact:
    """One fact: a text, or a table of `head` and `lines` (cells with whether each is a number).

    `curve` is a list of numbers as an SVG path in a box of 200 x 40; a sentence is shown without its name.
    """

    name: str
    text: str = ""
    head: tuple[str, ...] = ()
    lines: tuple[tuple[tuple[str, bool], ...], ...] = ()
    long: bool = False
    curve: str = ""
    is_sentence: bool = False


def facts_shown(facts: Mapping[str, Any], without: Sequence[str] = ()) -> list[Fact]:
    """Facts to show, short ones first; empty lists and objects are passed over."""
    found = [_fact(name, value) for name, value in facts.items() if name not in without and value not in ({}, [], "")]
    return sorted(found, key=lambda fact: (not fact.is_sentence, fact.long))


def _fact(name: str, value: Any) -> Fact:
    if isinstance(value, str) and (name in SENTENCES or _is_sentence(value)):
        first = value.partition(" ")[0]
        begun = value if "_" in first else value[:1].upper() + value[1:]
        return Fact(name, begun, is_sentence=True)
    if isinstance(value, list) and len(value) >= SHORTEST_CURVE and all(_is_number(item) for item in value):
        text = ", ".join(shown(name, item) for item in value)
        values = np.array(value, dtype=np.float64)
        return Fact(name, text, long=True, curve=line_path(values, float(values.min()), float(values.max())))
    if isinstance(value, list) and all(_is_scalar(item) for item in value):
        text = ", ".join(shown(name, item) for item in value)
        return Fact(name, text, long=len(text) > 80)
    if isinstance(value, list) and all(_is_flat(item) for item in value):
        return _table(name, value)
    if _is_flat(value):
        return _table(name, [{"": key, "value": item} for key, item in value.items()])
    if isinstance(value, Mapping) and all(_is_flat(item) for item in value.values()):
        return _table(name, [{"": key, **item} for key, item in value.items()])
    if isinstance(value, Mapping) and all(_is_shallow(item) for item in value.values()):
        return _table(name, [{"": key, **_in_cells(item)} for key, item in value.items()])
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


def _is_shallow(value: Any) -> bool:
    """Whether a value fits into cells: an object of scalars, lists of scalars, and objects of scalars."""
    return isinstance(value, Mapping) and all(
        _is_scalar(item) or _is_flat(item) or (isinstance(item, list) and all(_is_scalar(one) for one in item))
        for item in value.values()
    )


def _in_cells(value: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            cells |= {f"{key} {inner}": one for inner, one in item.items()}
        else:
            cells[key] = ", ".join(shown(key, one) for one in item) if isinstance(item, list) else item
    return cells


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= 4 and text.rstrip().endswith((".", "!", "?"))


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
        if is_share:
            return f"{value:.1%}"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
