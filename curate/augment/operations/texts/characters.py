"""Characters swapped, left out, put in, repeated, replaced: what fast fingers do in any script."""

from __future__ import annotations

from functools import cache
from itertools import compress, pairwise
from typing import ClassVar

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.clusters import clusters
from curate.augment.operations.texts.edit import Edit

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
    "กขคงจฉชซญดตถทธนบปผพฟภมยรลวสหอ",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん",
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン",
    "0123456789",
)


@cache
def _alphabet_of() -> dict[str, str]:
    return {letter: letters for letters in _ALPHABETS for letter in letters}


class _Letters(Edit):
    """Works on the characters that are letters or digits, with the marks on them."""

    def _letters(self, text: str) -> tuple[list[str], list[int]]:
        """The characters, and the places of letters and digits that may be touched."""
        letters = clusters(text)
        free = self._free(text, letters)
        if free is None and len(letters) == len(text):
            return letters, list(compress(range(len(text)), map(str.isalnum, text)))
        if free is None:
            return letters, [i for i, letter in enumerate(letters) if letter[0].isalnum()]
        return letters, [i for i, letter in enumerate(letters) if free[i] and letter[0].isalnum()]


class SwapCharacters(_Letters):
    """Swaps neighbouring letters within words.

    Cost: 15 microseconds for a sentence.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, places = self._letters(text)
        fit = [i for i, j in pairwise(places) if j == i + 1 and letters[i] != letters[j]]
        last = -2
        for place in self._places(len(fit), drawn, chance):
            i = fit[place]
            # The swap before this one may have moved the same letter: two of them could undo each other.
            if i != last + 1:
                letters[i], letters[i + 1] = letters[i + 1], letters[i]
                last = i
        return "".join(letters)


class DeleteCharacters(_Letters):
    """Leaves out letters and digits, never all of them.

    Cost: 15 microseconds for a sentence.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, fit = self._letters(text)
        for place in self._places(len(fit), drawn, chance)[: max(0, len(fit) - 1)]:
            letters[fit[place]] = ""
        return "".join(letters)


class InsertCharacters(_Letters):
    """Puts in letters, of the alphabet of the letter beside them, or (Han, Hangul) characters of the same text.

    Cost: 15 microseconds for a sentence.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, fit = self._letters(text)
        alphabets = _alphabet_of()
        own = [letters[i] for i in fit] if not text.isascii() else []
        for place in self._places(len(fit), drawn, chance):
            letter = letters[fit[place]]
            other = chance.one(alphabets.get(letter[0]) or own)
            letters[fit[place]] = other + letter if chance.below(2) else letter + other
        return "".join(letters)


class ReplaceCharacters(_Letters):
    """Puts another letter in the place of letters: of the same alphabet, or (Han, Hangul) another of the text.

    Cost: 15 microseconds for a sentence.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, fit = self._letters(text)
        alphabets = _alphabet_of()
        if not text.isascii():
            fit = self._replaceable(letters, fit)
        own: list[str] = []
        for place in self._places(len(fit), drawn, chance):
            letter = letters[fit[place]]
            alphabet = alphabets.get(letter[0])
            if alphabet:
                other = alphabet[chance.below(len(alphabet) - 1)]
                letters[fit[place]] = (other if other != letter[0] else alphabet[-1]) + letter[1:]
            else:
                own = own or sorted({letters[i] for i in fit})
                letters[fit[place]] = chance.one([other for other in own if other != letter])
        return "".join(letters)

    def _replaceable(self, letters: list[str], fit: list[int]) -> list[int]:
        """The places of letters for which there is another: of their alphabet, or in the text."""
        if len({letters[i] for i in fit}) > 1:
            return fit
        return [i for i in fit if letters[i][0] in _alphabet_of()]


class RepeatCharacters(_Letters):
    """Writes letters several times (soooo, 好好好), as a held key or emphasis does.

    Cost: 15 microseconds for a sentence.
    """

    neutral: ClassVar[dict[str, float]] = {"fraction": 0.0}

    max_repeats: int = Field(3, ge=1, le=20, description="most copies that are put beside a letter; at least one is")

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, fit = self._letters(text)
        for place in self._places(len(fit), drawn, chance):
            letters[fit[place]] *= 2 + chance.below(self.max_repeats)
        return "".join(letters)


OPERATIONS = named(globals())
