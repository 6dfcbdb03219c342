"""Checks of many issues, of which some may be left out by name."""

from __future__ import annotations

from pydantic import Field, field_validator

from curate.errors import nearest
from curate.step import Check


class IgnoringCheck(Check):
    """A check with the setting `ignore`."""

    ignore: tuple[str, ...] = Field((), description="issues that are not looked for")

    @field_validator("ignore")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in cls.issues]:
            raise ValueError(f"no issue {unknown[0]!r}{nearest(unknown[0], cls.issues)}; {cls.name} finds"
                             f" {', '.join(cls.issues)}")  # fmt: skip
        return value
