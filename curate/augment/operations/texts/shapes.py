"""Characters that are taken for others by their shape: optical recognition, homoglyphs, lost accents, width."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import ClassVar, Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.clusters import clusters
from curate.augment.operations.texts.edit import Edit
from curate.augment.operations.texts.keyboard import replaced
from curate.augment.operations.texts.look_alikes import homoglyphs, look_alikes
from curate.augment.operations.texts.scripts import CASED


class OcrSlips(Edit):
    """Puts in the place of characters what optical recognition takes them for (0 O, m rn, 末 未, シ ツ).

    Cost: 15 microseconds for a sentence. Source: own lists of similar shapes for ten scripts.
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "latin", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai", "kana", "han",
    )  # fmt: skip
    instead: ClassVar[str] = "for Korean use hangul_slips"

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return replaced(self, text, look_alikes(), drawn, chance, syllables=False)


class Homoglyphs(Edit):
    """Puts in the place of letters those of another script that look the same (Latin a, Cyrillic а), as spam does.

    Cost: 15 microseconds for a sentence. Source: Unicode, confusables (UTS 39), the letters that look the same in most
    fonts.
    """

    scripts: ClassVar[tuple[str, ...]] = CASED
    instead: ClassVar[str] = "ocr_slips has similar shapes of Han and kana"

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return replaced(self, text, homoglyphs(), drawn, chance, syllables=False)


_WITHOUT = str.maketrans("ßøØłŁđĐıæÆœŒ", "soOlLdDiaAoO")


class DropAccents(Edit):
    """Leaves out accents, umlauts and vowel points, as on a keyboard without them (é e, ü u, ё е).

    Letters whose accents change the reading of the script altogether (kana, Devanagari, Thai) stay; kana has
    `kana_slips`.

    Cost: 15 microseconds for a sentence. Source: Unicode normalisation (NFD).
    """

    scripts: ClassVar[tuple[str, ...]] = ("latin", "cyrillic", "greek", "arabic", "hebrew")
    fraction: float = Field(1.0, gt=0, le=1, description="share of the accents that are lost at most; at least one is")

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        if text.isascii():
            return text
        letters = clusters(text)
        free = self._free(text, letters)
        fit = [i for i, letter in enumerate(letters) if not letter.isascii() and _plain(letter) != letter]
        if free is not None:
            fit = [i for i in fit if free[i]]
        for place in self._places(len(fit), drawn, chance):
            letters[fit[place]] = _plain(letters[fit[place]])
        return "".join(letters)


@cache
def _plain(cluster: str) -> str:
    base = unicodedata.normalize("NFD", cluster)
    if not ("\u0041" <= base[0] <= "\u052f" or "\u0590" <= base[0] <= "\u06ff" or "\u1e00" <= base[0] <= "\u1fff"):
        return cluster
    return base[0].translate(_WITHOUT) + "".join(mark for mark in base[1:] if unicodedata.category(mark) != "Mn")


_WIDE = {chr(point): chr(point + 0xFEE0) for point in range(0x21, 0x7F)}
_NARROW_KANA = dict(
    zip(
        "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン。「」、・",
        "ｦｧｨｩｪｫｬｭｮｯｰｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ｡｢｣､･",
    )
)


@cache
def _other_width() -> dict[str, str]:
    wide = {**_WIDE, **{wide: narrow for narrow, wide in _WIDE.items()}}
    kana = {**_NARROW_KANA, **{narrow: wide for wide, narrow in _NARROW_KANA.items()}}
    for letter in _NARROW_KANA:
        for mark, narrow in (("\u3099", "ﾞ"), ("\u309a", "ﾟ")):
            voiced = unicodedata.normalize("NFC", letter + mark)
            if len(voiced) == 1:
                kana[voiced] = _NARROW_KANA[letter] + narrow
    return {**wide, **kana}


class WidthForms(Edit):
    """Writes letters, digits and marks in their other width (A Ａ, カ ｶ), as input methods of East Asia do.

    Chinese and Hangul characters have one width alone; the width of their punctuation is changed by
    `punctuation_noise`.

    Cost: 15 microseconds for a sentence. Source: Unicode, halfwidth and fullwidth forms.
    """

    scripts: ClassVar[tuple[str, ...]] = ("latin",)
    instead: ClassVar[str] = "punctuation_noise changes the width of punctuation"
    what: Literal["words", "characters"] = Field(
        "characters", description="single characters, or all that touch each other without a blank"
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, table = list(text), _other_width()
        free = self._free(text, letters)
        fit = [i for i, letter in enumerate(letters) if letter in table and (free is None or free[i])]
        for place in self._places(len(fit), drawn, chance):
            i = fit[place]
            for j in _touching(text, i) if self.what == "words" else (i,):
                if text[j] in table and (free is None or free[j]):
                    letters[j] = table[text[j]]
        return "".join(letters)


def _touching(text: str, place: int) -> range:
    begin = end = place
    while begin > 0 and not text[begin - 1].isspace():
        begin -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return range(begin, end)


OPERATIONS = named(globals())
