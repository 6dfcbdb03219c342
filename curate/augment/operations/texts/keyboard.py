"""Slips on a keyboard, by its language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import ClassVar

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import Edit
from curate.augment.operations.texts.hangul import beside, is_syllable
from curate.augment.operations.texts.layouts import keys


class KeyboardSlips(Edit):
    """Puts a neighbouring key in the place of letters, in the same case: QWERTY, QWERTZ, AZERTY and so on by language.

    With language auto Latin letters are typed on QWERTY. Korean syllables change one letter of the two-set keyboard,
    Japanese kana slip within the row of a telephone key, Thai and Devanagari change consonants alone.

    Cost: 15 microseconds for a sentence. Source: national keyboard layouts.
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "latin", "cyrillic", "greek", "hebrew", "arabic", "devanagari", "thai", "hangul", "kana",
    )  # fmt: skip
    instead: ClassVar[str] = "Chinese is typed by its sound: use homophones or typos"

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return replaced(self, text, keys(self.language), drawn, chance)


def replaced(
    edit: Edit, text: str, table: Mapping[str, Sequence[str]], drawn: Drawn, chance: Chance, *, syllables: bool = True
) -> str:
    """The text with some characters replaced by one of those that the table has for them.

    Args:
        edit: the operation, which says how many and what is kept.
        text: any text.
        table: character -> what may stand in its place.
        drawn: what was drawn.
        chance: where the choices come from.
        syllables: whether a Korean syllable may change by one key too.
    """
    letters = list(text)
    fit = list(compress(range(len(text)), map(table.__contains__, text)))
    if syllables and not text.isascii():
        fit = sorted([*fit, *(i for i, letter in enumerate(letters) if is_syllable(letter))])
    free = edit._free(text, letters)
    if free is not None:
        fit = [i for i in fit if free[i]]
    for place in edit._places(len(fit), drawn, chance):
        letter = letters[fit[place]]
        options = table.get(letter) or beside(letter)
        letters[fit[place]] = options[chance.below(len(options))]
    return "".join(letters)


OPERATIONS = named(globals())
