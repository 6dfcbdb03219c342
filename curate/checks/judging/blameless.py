"""Checks whose findings are no fault of the rows that they name: a fix may show these rows, and not touch them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from curate.step import Check, Fix


class BlamelessCheck(Check):
    """A check that takes the fixes review and keep alone."""

    no_other_fix: ClassVar[str] = "no row is at fault, so {fix} would make things worse: use review"
    """Why any other fix is refused; ``{fix}`` is its name."""

    @classmethod
    def idle(cls, fixes: Sequence[Fix]) -> str | None:
        """Why one of the fixes is refused (a sentence), or None."""
        others = [fix.name for fix in fixes if fix.name not in ("review", "keep")]
        return cls.no_other_fix.format(fix=others[0]) if others else super().idle(fixes)
