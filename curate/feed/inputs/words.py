"""Words of a batch with a tag for each: pieces of words as a tokenizer cuts them, and labels that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, DataError, nearest


@dataclass(frozen=True)
class Words:
    """The columns of words and of their tags.

    Attributes:
        column: of the words.
        tags: column of the tags, None where there are none.
        names: the tags in order.
        tokenizer: called with a list of lists of words, ``is_split_into_words=True`` and `settings`; None for words.
        settings: of that call.
        pieces: which pieces of a word carry its tag.
        ignore_index: label of the others.
    """

    column: str
    tags: str | None
    names: tuple[str, ...]
    tokenizer: Callable[..., Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    pieces: Literal["first", "all"] = "first"
    ignore_index: int = -100

    modality = "text"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,) if self.tags is None else (self.column, self.tags)

    def values(self, rows: pa.Table) -> list[tuple[Any, Any]]:
        """Words and tags of each row."""
        words = rows[self.column].to_pylist()
        tags = [None] * len(words) if self.tags is None else rows[self.tags].to_pylist()
        return list(zip(words, tags, strict=True))

    def read(self, value: tuple[Any, Any]) -> tuple[list[str], np.ndarray | None]:
        """The words, and (w,) int64 tags, `ignore_index` for a word without one; None where the row has no tags."""
        words, tags = value
        if words is None:
            raise DataError("there are no words")
        words = ["" if word is None else str(word) for word in words]
        if tags is None:
            return words, None
        if len(tags) != len(words):
            raise DataError(f"there are {len(tags)} tags for {len(words)} words")
        unknown = next((tag for tag in tags if tag is not None and str(tag) not in self._codes), None)
        if unknown is not None:
            raise DataError(f"it has the tag {unknown!r}{nearest(str(unknown), self.names)}, which label_names lack")
        codes = [self.ignore_index if tag is None else self._codes[str(tag)] for tag in tags]
        return words, np.array(codes, np.int64)

    def augment(self, item: Any, change: Callable[[Any], Any]) -> Any:
        """The words as they are: an operation on texts would not say which of its words is which."""
        return item

    def finish(self, item: Any) -> Any:
        """The words and tags."""
        return item

    def collate(self, items: Sequence[tuple[list[str], np.ndarray | None]], names: Sequence[str]) -> dict[str, Any]:
        """`labels` (B, T) int64, `ignore_index` where no tag stands; what the tokenizer gives, or lists of `tokens`."""
        words = [own for own, _ in items]
        tags = [np.full(len(own), self.ignore_index) if given is None else given for own, given in items]
        annotated = {"annotated": np.array([given is not None for _, given in items])}
        if self.tokenizer is None:
            return {"tokens": words, "labels": self._padded(tags, max(map(len, tags), default=0)), **annotated}
        found = self.tokenizer(words, is_split_into_words=True, **self.settings)
        if not isinstance(found, Mapping) or "input_ids" not in found:
            raise ConfigError(f"the tokenizer must give a mapping with input_ids, not {type(found).__name__}")
        width = int(found["input_ids"].shape[1])
        labels = [self._labels(self._word_ids(found, place), own) for place, own in enumerate(tags)]
        return {**found, "labels": self._padded(labels, width), **annotated}

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.names)}

    def _word_ids(self, found: Any, row: int) -> np.ndarray:
        """(T,) int64: the word of each piece, -1 for what is no part of a word."""
        try:
            ids = found.word_ids(row)
        except (AttributeError, ValueError) as error:
            raise ConfigError(
                f"the tokenizer can't say which piece belongs to which word ({error}): token classification needs a"
                " fast tokenizer of transformers"
            ) from None
        return np.array([-1 if one is None else one for one in ids], np.int64)

    def _labels(self, word: np.ndarray, tags: np.ndarray) -> np.ndarray:
        labels = np.full(len(word), self.ignore_index)
        told = word >= 0
        if self.pieces == "first":
            told[1:] &= word[1:] != word[:-1]
        labels[told] = tags[word[told]]
        return labels

    def _padded(self, labels: Sequence[np.ndarray], width: int) -> np.ndarray:
        batch = np.full((len(labels), width), self.ignore_index, np.int64)
        for place, own in zip(batch, labels):
            place[: len(own)] = own
        return batch
