"""Numbers, nouns and verbs of a sentence that agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

AND = {", ": " and ", "; ": "; and "}
"""What stands before the last of a list, by what stands between the others."""


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``1,234 rows``; `many` where the plural is not `one` with an s."""
    return f"{n:,} {noun(n, one, many)}"


def noun(n: int, one: str, many: str | None = None) -> str:
    """``row`` for one of them, else ``rows``; verbs go by it, too: ``noun(n, "has", "have")``."""
    if n == 1:
        return one
    return f"{one}s" if many is None else many


def of_all(n: int, total: int, one: str, many: str, verb: tuple[str, str]) -> str:
    """``1 of 3 classes has``, ``2 of 3 classes have``, ``the only class has``."""
    if n == total == 1:
        return f"the only {one} {verb[0]}"
    return f"{n:,} of {counted(total, one, many)} {noun(n, *verb)}"


def some_of(items: Iterable[Any], most: int = 5, said: Callable[[Any], str] = str, between: str = ", ") -> str:
    """``a, b and 1,234 more``: the first `most` items as `said` puts them, and how many are left.

    With ``; `` between them it ends in ``; and 3 more``; with any other sign it stands before the number, too.
    """
    every = list(items)
    told = between.join(said(item) for item in every[:most])
    return told + (f"{AND.get(between, between)}{len(every) - most:,} more" if len(every) > most else "")


def with_article(words: str) -> str:
    """``a row``, ``an unlabeled task``; by the first letter, which is how the names of this library sound."""
    return f"{'an' if words[:1].lower() in 'aeiou' else 'a'} {words}"
