"""Spelling errors that people make."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import WordEdit
from curate.augment.operations.texts.replacing import tabled, with_others
from curate.errors import MissingPackage


class SpellingErrors(WordEdit):
    """Writes words as people misspell them, after a list of real errors: the one of nlpaug for English, or your own.

    Cost: 15 microseconds for a sentence, 0.1 seconds once per process. Source: nlpaug's spelling_en.txt (errors of
    learners and of Wikipedia; Belinkov and Bisk, Synthetic and natural noise both break neural machine translation,
    2018).
    """

    languages: ClassVar[tuple[str, ...]] = ("en",)
    instead: ClassVar[str] = "give your own list with `path`, or use typos"
    files = ("path",)

    path: str | None = Field(
        None,
        description="file with a word and its wrong spellings per line, separated by tabs; nlpaug's English"
        " one if left out",
    )
    language: str = Field("auto", description="language of the texts (en, or that of the file given in path)")

    @classmethod
    def _is_for(cls, script: str, language: str | None = None) -> bool:
        # Which language a file is for is the user's affair; without one `_with_a_list` asks for English.
        return True

    def suits(self, item: str) -> bool:
        """Whether the list is for this text: any with a list of your own, else those in Latin letters."""
        from curate.augment.operations.texts.scripts import script_of

        return self.path is not None or script_of(item) == "latin"

    @model_validator(mode="after")
    def _with_a_list(self) -> Self:
        if self.path is None and self.language not in ("auto", "en"):
            raise ValueError(f"spelling_errors can do nothing in this language; it is for en; {self.instead}")
        if self.path is None and dictionary_file() is None:
            raise MissingPackage("nlpaug", "text", "spelling_errors")
        _errors(self.path)
        return self

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return with_others(self, text, _errors(self.path), drawn, chance)


@cache
def dictionary_file() -> Path | None:
    """nlpaug's list, which is read without importing nlpaug: that would load torch and transformers."""
    from importlib.util import find_spec

    found = find_spec("nlpaug")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "res" / "word" / "spelling" / "spelling_en.txt"


@cache
def _errors(path: str | None) -> dict[str, tuple[str, ...]]:
    """word -> its wrong spellings."""
    if path is not None:
        return tabled(path, "spelling_errors")
    file = dictionary_file()
    assert file is not None
    table: dict[str, tuple[str, ...]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        word, *wrong = line.split(" ")
        table[word] = (*table.get(word, ()), *(spelling for spelling in wrong if spelling and spelling != word))
    return {word: tuple(dict.fromkeys(wrong)) for word, wrong in table.items() if wrong}


OPERATIONS = named(globals())
