"""The state of the search for roles: which columns are free, what they are called, and what has to be asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curate.sources.columns.media_columns import MediaColumns
from curate.sources.columns.role_names import SPOKEN_NAMES
from curate.sources.labels.label_columns import says_yes_or_no
from curate.sources.labels.label_hints import one_hot
from curate.wording import some_of

SHOWN = 8
"""Columns that a question names."""


@dataclass
class Search:
    """The columns that are still free, the roles found so far, and what has to be asked."""

    columns: pa.Table
    media: MediaColumns
    roles: dict[str, Any]
    kind: str | None
    questions: list[str] = field(default_factory=list)

    @property
    def free(self) -> list[str]:
        taken: set[str] = set()
        for value in self.roles.values():
            taken.update((value,) if isinstance(value, str) else value or ())
        return [name for name in self.columns.column_names if name not in taken]

    def type_of(self, name: str) -> pa.DataType:
        return self.columns.schema.field(name).type

    def named(self, names: tuple[str, ...]) -> list[str]:
        """Free columns with one of these names, the order of the names first; case does not matter."""
        by_name: dict[str, list[str]] = {}
        for column in self.free:
            by_name.setdefault(column.strip().lower().replace(" ", "_"), []).append(column)
        return [column for name in names for column in by_name.get(name, ())]

    def ask(self, what: str, role: str, candidates: list[str]) -> None:
        listed = " and ".join(map(repr, candidates)) if len(candidates) == 2 else some_of(candidates, SHOWN, repr)
        both = "both could be" if len(candidates) == 2 else "could each be"
        flag = f"--{role} {candidates[0]} or " if role == "label" else ""
        votes = f", or --annotators {','.join(candidates)} if they are votes" if role == "label" else ""
        hot = one_hot(self._hot(candidates)) if role == "label" else ""
        said = [name for name in candidates if name.lower() in SPOKEN_NAMES and {"audio", "video"} & set(self.roles)]
        spoken = f", or --transcript {said[0]} if it is what is said" if role == "label" and said else ""
        self.questions.append(
            f"cannot tell which column is {what}: {listed} {both}; say {flag}task: {{{role}: {candidates[0]}}}"
            + (votes if len({re.sub(r"\W|\d|_", "", name) for name in candidates}) == 1 < len(candidates) else "")
            + spoken
            + hot
        )

    def _hot(self, candidates: list[str]) -> list[str]:
        """Those that say yes or no of one label each, and free columns of their type that say no throughout."""
        hot = [name for name in candidates if says_yes_or_no(self.columns[name])]
        kinds = {self.type_of(name) for name in hot}
        return [n for n in self.free if n in hot or (self.type_of(n) in kinds and says_yes_or_no(self.columns[n]))]
