"""Japanese: slips among kana."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import Edit

_VOICED = (
    "かが きぎ くぐ けげ こご さざ しじ すず せぜ そぞ ただ ちぢ つづ てで とど はばぱ ひびぴ ふぶぷ へべぺ ほぼぽ うゔ"
)
_SMALL = "あぁ いぃ うぅ えぇ おぉ つっ やゃ ゆゅ よょ わゎ"
_HEARD = "じぢ ずづ おを わは えへ いゐ えゑ"
_TO_KATAKANA = {chr(point): chr(point + 0x60) for point in range(0x3041, 0x3097)}


@cache
def slips(kinds: tuple[str, ...]) -> dict[str, list[str]]:
    """kana -> what may stand in its place."""
    groups = {"voicing": _VOICED, "size": _SMALL, "sound": _HEARD}
    near: dict[str, set[str]] = {}
    for kind in kinds:
        for group in groups.get(kind, "").split():
            for form in (group, "".join(_TO_KATAKANA[kana] for kana in group)):
                for kana in form:
                    near.setdefault(kana, set()).update(set(form) - {kana})
    if "script" in kinds:
        for hiragana, katakana in _TO_KATAKANA.items():
            near.setdefault(hiragana, set()).add(katakana)
            near.setdefault(katakana, set()).add(hiragana)
    return {kana: sorted(others) for kana, others in near.items()}


class KanaSlips(Edit):
    """Changes kana: voicing (か が), small for large (つ っ), hiragana for katakana, spellings of a sound (じ ぢ).

    Cost: 15 microseconds for a sentence. Source: the kana table; spellings that sound the same (modern kana usage,
    1986).
    """

    scripts: ClassVar[tuple[str, ...]] = ("kana",)
    kinds: tuple[Literal["voicing", "size", "script", "sound"], ...] = Field(
        ("voicing", "size", "script", "sound"),
        min_length=1,
        description="what is changed: voicing, size, script, sound",
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, table = list(text), slips(self.kinds)
        free = self._free(text, letters)
        fit = [
            i
            for i, letter in enumerate(letters)
            if letter in table
            and (free is None or free[i])
            # A mark that is written apart belongs to the kana before it.
            and not (i + 1 < len(letters) and letters[i + 1] in "\u3099\u309a")
        ]
        for place in self._places(len(fit), drawn, chance):
            letters[fit[place]] = chance.one(table[letters[fit[place]]])
        return "".join(letters)


OPERATIONS = named(globals())
