"""Steps with several methods, each with settings of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from curate.step import Balance
from curate.wording import noun


class ByMethod(Balance):
    """A step that refuses settings which do nothing for the method that it was given."""

    choice: ClassVar[str] = "method"
    """The setting that chooses."""
    settings_of: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Setting -> the values of `choice` for which it does something; settings that are not named are for all."""

    @property
    def chosen(self) -> str:
        """What was chosen; of ``transformers:NAME`` the kind alone."""
        return str(getattr(self, self.choice)).partition(":")[0].strip()

    @model_validator(mode="after")
    def _no_idle_settings(self) -> Self:
        idle = [name for name in self.changed() if self.chosen not in self.settings_of.get(name, (self.chosen,))]
        if idle:
            uses = "; ".join(f"{name} is for {self.choice}: {' or '.join(self.settings_of[name])}" for name in idle)
            raise ValueError(
                f"{', '.join(idle)} {noun(len(idle), 'says', 'say')} nothing with {self.choice}: {self.chosen} ({uses})"
            )
        return self
