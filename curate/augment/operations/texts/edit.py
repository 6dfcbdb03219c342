"""What all operations on text share: a language, what they may not touch, how much they change."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from curate.augment.operations.operation import Drawn, Operation
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.protect import KINDS, Protection, protection
from curate.augment.operations.texts.scripts import SCRIPT_OF, script_of
from curate.augment.operations.words import find_jieba, opened, split
from curate.errors import MissingPackage, nearest

if TYPE_CHECKING:
    import numpy as np

_SEED = (1 << 63) - 1
_SHARE = (1 << 53) - 1


class TextOperation(Operation):
    """Changes one text. An empty text stays empty."""

    modality: ClassVar[str] = "text"
    scripts: ClassVar[tuple[str, ...]] = ()
    """Scripts in which it can do something; empty for any."""
    languages: ClassVar[tuple[str, ...]] = ()
    """Languages, where a script does not say enough; empty for all of its scripts."""
    instead: ClassVar[str] = ""
    """What does it for languages that are refused, as a hint."""

    language: str = Field(
        "auto", description="language of the texts (ISO 639-1: en, zh, ja); auto goes by the script of each text"
    )
    keep: tuple[str, ...] = Field(
        ("urls", "emails", "placeholders"),
        description=f"what is never touched: {', '.join(KINDS)}, or words as they stand",
    )
    keep_pattern: str | None = Field(None, description="regular expression of what is never touched besides")
    min_length: int = Field(1, ge=1, description="texts of fewer characters stay as they are")

    @field_validator("keep_pattern")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from None
        return value

    @field_validator("language")
    @classmethod
    def _a_language_it_is_for(cls, value: str) -> str:
        if value == "auto":
            return value
        if value not in SCRIPT_OF:
            raise ValueError(f"unknown language{nearest(value, SCRIPT_OF)}; known: {', '.join(sorted(SCRIPT_OF))}")
        if not cls._is_for(SCRIPT_OF[value], value):
            known = cls.languages or tuple(k for k, script in SCRIPT_OF.items() if script in cls.scripts)
            hint = f"; {cls.instead}" if cls.instead else ""
            raise ValueError(f"{cls.name} can do nothing in this language; it is for {', '.join(sorted(known))}{hint}")
        return value

    @classmethod
    def _is_for(cls, script: str, language: str | None = None) -> bool:
        if cls.scripts and script not in cls.scripts:
            return False
        if not cls.languages:
            return True
        return language in cls.languages if language else script in {SCRIPT_OF[name] for name in cls.languages}

    def suits(self, item: str) -> bool:
        """Whether the operation is for the language of this text at all; a text without any letter suits none."""
        script = script_of(item)
        if script is None:
            return False
        if self.language != "auto":
            wanted = SCRIPT_OF[self.language]
            return script == wanted or {script, wanted} == {"han", "kana"}
        return self._is_for(script)

    def draw(self, rng: np.random.Generator, item: str) -> Drawn:
        """A seed for all that is chosen."""
        return self._drawn(int(rng.random() * (1 << 53)), rng.random())

    def drawn_by(self, key: int, item: str) -> Drawn:
        """The same from the bits of the key alone, which costs no generator."""
        # The upper half of the key has already decided whether the operation is done at all.
        return self._drawn(key & _SEED, (key >> 10 & _SHARE) / (_SHARE + 1))

    def _drawn(self, seed: int, share: float) -> Drawn:
        return {"seed": seed}

    def apply(self, item: str, drawn: Drawn) -> str:
        """The text after the change."""
        if len(item) < self.min_length or not item:
            return item
        return self._changed(item, drawn, Chance(drawn["seed"]))

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        raise NotImplementedError

    def _kept(self, text: str) -> list[tuple[int, int]]:
        """(begin, end) of what may not be touched."""
        return self._protection.spans(text)

    @cached_property
    def _protection(self) -> Protection:
        return protection(self.keep, self.keep_pattern)

    def _free(self, text: str, units: list[str], gaps: list[str] | None = None) -> list[bool] | None:
        """Which units (words with gaps around them, or characters without) may be touched; None for all of them."""
        spans = self._protection.spans(text)
        if not spans:
            return None
        held, place, free = bytearray(len(text)), 0, []
        for begin, end in spans:
            held[begin:end] = b"\x01" * (end - begin)
        for index, unit in enumerate(units):
            place += len(gaps[index]) if gaps else 0
            free.append(not any(held[place : place + len(unit)]))
            place += len(unit)
        return free


class Edit(TextOperation):
    """Changes some places of a text: the share is drawn between 0 and `fraction`."""

    fraction: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of words or characters that are changed at most; at least one is, where there is any",
    )
    max_changes: int | None = Field(
        None, ge=1, description="most places that are changed in one text; no limit if left out"
    )

    def _drawn(self, seed: int, share: float) -> Drawn:
        return {"fraction": share * self.fraction, "seed": seed}

    def apply(self, item: str, drawn: Drawn) -> str:
        """The text with the drawn share of places changed."""
        # A strength of 0 sets the fraction to 0: then not even one place is changed.
        if not item or len(item) < self.min_length or self.fraction <= 0:
            return item
        return self._changed(item, drawn, Chance(drawn["seed"]))

    def _wanted(self, count: int, drawn: Drawn) -> int:
        """How many of `count` places are changed: at least one where there is any."""
        wanted = min(count, round(drawn["fraction"] * count) or 1)
        return min(wanted, self.max_changes) if self.max_changes else wanted

    def _places(self, count: int, drawn: Drawn, chance: Chance) -> list[int]:
        """Sorted distinct places out of `count`, at least one where there is any."""
        if not count:
            return []
        wanted = round(drawn["fraction"] * count) or 1
        return chance.places(count, wanted if self.max_changes is None else min(wanted, self.max_changes))


class WordEdit(Edit):
    """Changes some words of a text."""

    segmenter: Literal["auto", "jieba", "characters"] = Field(
        "auto",
        description="what a word is where the script has no blanks: jieba (Chinese words), characters, or auto (jieba"
        " where it is installed, else pairs of characters)",
    )

    @model_validator(mode="after")
    def _a_segmenter(self) -> Self:
        if self.segmenter == "jieba" and not find_jieba():
            raise MissingPackage("jieba", "text", "segmenter: jieba")
        return self

    def _words(self, text: str, known: Container[str] | None = None) -> tuple[list[str], list[str], Sequence[int]]:
        """Words, the gaps around them, and the places of the words that may be touched.

        Args:
            text: any text.
            known: words that are looked for inside longer ones, in scripts without blanks between words.
        """
        words, gaps = split(text, self.segmenter)
        if known is not None and not text.isascii():
            words, gaps = opened(words, gaps, known)
        if not self._protection.spans(text):
            return words, gaps, range(len(words))
        free = self._free(text, words, gaps) or []
        return words, gaps, [i for i, is_free in enumerate(free) if is_free]
