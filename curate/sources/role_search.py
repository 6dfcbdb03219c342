"""The state of the search for roles: which columns are free, what they are called, and what has to be asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curate.sources.label_hints import one_hot, zero_or_one
from curate.sources.media_columns import MediaColumns


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
        listed = " and ".join(map(repr, candidates[:2])) if len(candidates) == 2 else ", ".join(map(repr, candidates))
        both = "both could be" if len(candidates) == 2 else "could each be"
        flag = f"--{role} {candidates[0]} or " if role == "label" else ""
        votes = f", or --annotators {','.join(candidates)} if they are votes" if role == "label" else ""
        hot = one_hot(candidates) if role == "label" and all(zero_or_one(self.columns[n]) for n in candidates) else ""
        self.questions.append(
            f"cannot tell which column is {what}: {listed} {both}; say {flag}task: {{{role}: {candidates[0]}}}"
            + (votes if len({re.sub(r"\W|\d|_", "", name) for name in candidates}) == 1 < len(candidates) else "")
            + hot
        )
