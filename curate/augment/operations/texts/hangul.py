"""Korean: slips among the letters (jamo) that a syllable is composed of."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import Edit
from curate.augment.operations.texts.layouts import JAMO_ROWS, neighbours

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_HEARD_ALIKE = (
    "ㅐㅔ",
    "ㅒㅖ",
    "ㅙㅚㅞ",
    "ㅗㅜ",
    "ㅓㅗ",
    "ㄱㄲㅋ",
    "ㄷㄸㅌ",
    "ㅂㅃㅍ",
    "ㅅㅆ",
    "ㅈㅉㅊ",
    "ㄴㅁㅇ",
    "ㄵㄴ",
    "ㄶㄴ",
    "ㄺㄱ",
    "ㄻㅁ",
    "ㅀㄹ",
    "ㅄㅂ",
)


def is_syllable(letter: str) -> bool:
    """Whether a character is a composed syllable."""
    return "가" <= letter <= "힣"


def decompose(syllable: str) -> tuple[str, str, str]:
    """Initial, vowel and final (a blank where there is none) of a syllable."""
    rest, final = divmod(ord(syllable) - 0xAC00, 28)
    initial, vowel = divmod(rest, 21)
    return INITIALS[initial], VOWELS[vowel], FINALS[final]


def compose(initial: str, vowel: str, final: str = " ") -> str:
    """The syllable of these letters."""
    return chr(0xAC00 + (INITIALS.index(initial) * 21 + VOWELS.index(vowel)) * 28 + FINALS.index(final))


@cache
def beside(syllable: str) -> str:
    """All syllables that one wrong key of the two-set keyboard makes of this one."""
    near = neighbours(JAMO_ROWS)
    return _others(syllable, near)


@cache
def heard(syllable: str) -> str:
    """All syllables that differ from this one in one letter that sounds much the same, or in their final."""
    near: dict[str, str] = {}
    for group in _HEARD_ALIKE:
        for letter in group:
            near[letter] = near.get(letter, "") + group.replace(letter, "")
    initial, vowel, final = decompose(syllable)
    others = _others(syllable, near)
    return others + (compose(initial, vowel) if final != " " else "")


def _others(syllable: str, near: dict[str, str]) -> str:
    initial, vowel, final = decompose(syllable)
    made = [compose(key, vowel, final) for key in near.get(initial, "") if key in INITIALS]
    made += [compose(initial, key, final) for key in near.get(vowel, "") if key in VOWELS]
    made += [compose(initial, vowel, key) for key in near.get(final, "") if key in FINALS]
    return "".join(sorted(set(made) - {syllable}))


class HangulSlips(Edit):
    """Changes one letter of a Korean syllable: to one that sounds alike (ㅐ ㅔ) or a neighbouring key, or drops it.

    Cost: 15 microseconds for a sentence. Source: two-set keyboard (KS X 5002); composition by Unicode, section 3.12.
    """

    scripts: ClassVar[tuple[str, ...]] = ("hangul",)

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters = list(text)
        free = self._free(text, letters)
        fit = [i for i, letter in enumerate(letters) if is_syllable(letter) and (free is None or free[i])]
        for place in self._places(len(fit), drawn, chance):
            letter = letters[fit[place]]
            letters[fit[place]] = chance.one(
                chance.one([options for options in (heard(letter), beside(letter)) if options])
            )
        return "".join(letters)


OPERATIONS = named(globals())
