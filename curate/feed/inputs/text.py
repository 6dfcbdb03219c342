"""Texts of a batch: as a list, or as what a tokenizer makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curate.errors import ConfigError, DataError


@dataclass(frozen=True)
class Texts:
    """The text column of a task.

    Attributes:
        column: its name.
        tokenizer: called with a list of texts and `settings`, gives a mapping of tensors; None for plain texts.
        settings: of that call.
    """

    column: str
    tokenizer: Callable[..., Mapping[str, Any]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    modality = "text"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[str | None]:
        """The texts."""
        return rows[self.column].cast(pa.string()).to_pylist()

    def read(self, value: str | None) -> str:
        """The text."""
        if value is None:
            raise DataError("there is no text")
        return value

    def augment(self, item: str, change: Callable[[Any], Any]) -> str:
        """The text after a recipe."""
        return change(item)

    def finish(self, item: str) -> str:
        """The text."""
        return item

    def _called(self, items: Sequence[str]) -> Any:
        """What the tokenizer gives. Raises ConfigError where it does not take its settings."""
        assert self.tokenizer is not None
        try:
            return self.tokenizer(list(items), **self.settings)
        except TypeError as error:
            if "unexpected keyword argument" not in str(error):
                raise
            settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
            raise ConfigError(
                f"the tokenizer is called with a list of texts and {settings}, as those of transformers are, and does"
                f" not take that ({error}): pass a function that does, such as lambda texts, **settings: ..."
            ) from error

    def collate(self, items: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
        """`text`: a list of B texts; with a tokenizer its entries (`input_ids`, `attention_mask`, ...) instead."""
        if self.tokenizer is None:
            return {"text": list(items)}
        tokens = self._called(items)
        if not isinstance(tokens, Mapping):
            raise ConfigError(f"the tokenizer must give a mapping of tensors, not {type(tokens).__name__}")
        return dict(tokens)
