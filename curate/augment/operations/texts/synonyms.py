"""Words replaced by synonyms, and the four easy edits together."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Self

from pydantic import Field, field_validator, model_validator

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts import wordnet
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import WordEdit
from curate.augment.operations.texts.replacing import tabled, with_others
from curate.augment.operations.texts.word_edits import beside, shortened, swapped
from curate.augment.operations.words import join


class _WithSynonyms(WordEdit):
    synonyms: dict[str, tuple[str, ...]] = Field({}, description="word -> words that may stand in its place")
    files = ("path",)

    path: str | None = Field(
        None,
        description="file with a word and its synonyms per line, separated by tabs"
        " (curate.augment.corpus_synonyms makes one from your own texts)",
    )
    wordnet: str | None = Field(
        None, description="folder of the WordNet database (English), or auto for the usual places; not used if left out"
    )

    @field_validator("synonyms")
    @classmethod
    def _others_for_each(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for word, others in value.items():
            if not word or not others or not all(others):
                raise ValueError(f"the word {word!r} has no synonyms, or an empty one")
        return value

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _tables(self.path, self.wordnet)
        return self

    def _table(self) -> Mapping[str, Sequence[str]]:
        """What may stand in the place of a word: what is given before the file, and that before WordNet."""
        tables = _tables(self.path, self.wordnet)
        found = [self.synonyms, *tables] if self.synonyms else list(tables)
        return found[0] if len(found) == 1 else ChainMap(*found)

    @property
    def _has_synonyms(self) -> bool:
        return bool(self.synonyms or self.path or self.wordnet)


@lru_cache(maxsize=16)
def _tables(path: str | None, place: str | None) -> tuple[dict[str, tuple[str, ...]], ...]:
    tables = [tabled(path, "synonyms")] if path else []
    return (*tables, wordnet.synonyms(place)) if place else tuple(tables)


class Synonyms(_WithSynonyms):
    """Puts synonyms in the place of words, in the same case: given ones, those of a file, or WordNet's commonest sense.

    Words that the tables don't have stay; `curate.augment.coverage` says how many texts that leaves unchanged.

    Cost: 20 microseconds for a sentence; WordNet 1 second and 60 MB once per process. Source: WordNet (Fellbaum,
    1998); Wei and Zou, EDA, 2019 (synonym replacement).
    """

    @model_validator(mode="after")
    def _some_synonyms(self) -> Self:
        if not self._has_synonyms:
            raise ValueError(
                "synonyms needs to be told where they are: `synonyms` (word: [others]), `path` (a file, which"
                " curate.augment.corpus_synonyms makes from your own texts) or `wordnet: auto`"
            )
        return self

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return with_others(self, text, self._table(), drawn, chance)


class Eda(_WithSynonyms):
    """One of four easy edits by equal chance: synonyms in place of words, synonyms put in, words swapped or left out.

    Without synonyms (see `synonyms`) the first is left out, and the second puts in words of the text itself. An edit
    that finds nothing to change gives way to the next.

    Cost: 25 microseconds for a sentence. Source: Wei and Zou, EDA: Easy data augmentation techniques, 2019.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        edits = [0, 1, 2, 3] if self._has_synonyms else [1, 2, 3]
        for edit in chance.shuffled(edits):
            if edit == 0:
                made = with_others(self, text, self._table(), drawn, chance)
            elif edit == 1:
                made = self._with_more(text, drawn, chance)
            else:
                made = (swapped if edit == 2 else shortened)(self, text, drawn, chance)
            if made != text:
                return made
        return text

    def _with_more(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        table = self._table()
        more = [other for i in free for other in table.get(words[i]) or table.get(words[i].lower()) or ()]
        more = more or [words[i] for i in free]
        for place in self._places(len(free), drawn, chance):
            words[free[place]] = beside(words[free[place]], chance.one(more), chance)
        return join(words, gaps)


OPERATIONS = named(globals())
