"""Checks whose findings are no fault of the rows that they name: a fix may show these rows, and not touch them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import field_validator

from curate import registry
from curate.step import Check, FixSpec


class BlamelessCheck(Check):
    """A check that takes the fixes review and keep alone."""

    no_other_fix: ClassVar[str] = "no row is at fault, so {fix} would make things worse: use review"
    """Why any other fix is refused; ``{fix}`` is its name."""

    @field_validator("fix")
    @classmethod
    def _only_harmless_fixes(cls, value: FixSpec | None) -> FixSpec | None:
        for fix in [] if value is None else registry.fixes(value):
            if fix.name not in ("review", "keep"):
                raise ValueError(cls.no_other_fix.format(fix=fix.name))
        return value
