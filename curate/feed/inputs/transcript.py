"""Transcripts of a batch: as texts, or as the tokens that a model should give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError


@dataclass(frozen=True)
class Transcripts:
    """The column of transcripts of a task.

    Attributes:
        column: its name.
        tokenizer: called with a list of texts and `settings`; None for texts.
        settings: of that call.
        ignore_index: label behind the end of a transcript.
        start: token that the model puts before the labels itself, None for none.
    """

    column: str
    tokenizer: Callable[..., Mapping[str, Any]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    ignore_index: int = -100
    start: int | None = None

    modality = "transcript"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[str | None]:
        """The texts."""
        return rows[self.column].cast(pa.string()).to_pylist()

    def read(self, value: str | None) -> str | None:
        """The text, None for a row without."""
        return value

    def augment(self, item: str | None, change: Callable[[Any], Any]) -> str | None:
        """The text as it is: operations on texts change inputs, not targets."""
        return item

    def finish(self, item: str | None) -> str | None:
        """The text."""
        return item

    def collate(self, items: Sequence[str | None], names: Sequence[str]) -> dict[str, Any]:
        """`labels` (B, T) int64, `ignore_index` behind the end; without a tokenizer `transcript`, a list of B texts.

        A row without transcript has no label that counts.
        """
        annotated = {"annotated": np.array([item is not None for item in items])}
        if self.tokenizer is None:
            return {"transcript": list(items), **annotated}
        texts = ["" if item is None else item for item in items]
        if "text_target" in inspect.signature(self.tokenizer).parameters:
            # Tokenizers of translation models mark the language of targets otherwise than that of inputs.
            found = self.tokenizer(text_target=texts, **self.settings)
        else:
            found = self.tokenizer(texts, **self.settings)
        if not isinstance(found, Mapping) or "input_ids" not in found:
            raise ConfigError(f"the tokenizer must give a mapping with input_ids, not {type(found).__name__}")
        ids = [np.asarray(own, np.int64) for own in found["input_ids"]]
        ids = [own[:0] if item is None else self._without_start(own) for own, item in zip(ids, items)]
        labels = np.full((len(ids), max(map(len, ids))), self.ignore_index, np.int64)
        for place, own in zip(labels, ids):
            place[: len(own)] = own
        return {"labels": labels, **annotated}

    def _without_start(self, ids: np.ndarray) -> np.ndarray:
        return ids[1:] if self.start is not None and len(ids) and ids[0] == self.start else ids
