"""Chinese: characters that are typed for others because they sound alike."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import Edit
from curate.errors import MissingPackage

_COMMON_BYTES = range(0xB0, 0xD8)
"""First bytes in GB 2312 of its 3,755 common characters."""
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"), ("f", "h"), ("r", "n"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
"""Initials and finals that speakers of many regions do not tell apart."""


@cache
def common_characters() -> str:
    """The 3,755 common characters of GB 2312, of which all but the rarest texts consist."""
    points = (bytes((high, low)) for high in _COMMON_BYTES for low in range(0xA1, 0xFF))
    return "".join(point.decode("gb2312", errors="ignore") for point in points)


@cache
def sounds(blurred: bool, tones: bool) -> dict[str, str]:
    """character -> common characters with one of its readings.

    Args:
        blurred: whether zh and z, ang and an and so on are one.
        tones: whether the tones must agree too.

    Raises:
        MissingPackage: pypinyin is not installed.
    """
    readings = {character: _readings(character, blurred, tones) for character in common_characters()}
    alike: dict[str, set[str]] = {}
    for character, said in readings.items():
        for reading in said:
            alike.setdefault(reading, set()).add(character)
    return {
        character: "".join(sorted(others))
        for character, said in readings.items()
        # The first reading is the usual one.
        if (others := alike[said[0]] - {character})
    }


def _readings(character: str, blurred: bool, tones: bool) -> list[str]:
    said = _pinyin()[ord(character)].split(",")
    return [_sound(reading, blurred, tones) for reading in said]


def _sound(reading: str, blurred: bool, tones: bool) -> str:
    if not tones:
        marks = "\u0300\u0301\u0304\u030c"
        reading = "".join(letter for letter in unicodedata.normalize("NFD", reading) if letter not in marks)
    if blurred:
        for said, instead in _INITIALS:
            if reading.startswith(said):
                reading = instead + reading[len(said) :]
                break
        for said, instead in _FINALS:
            if reading.endswith(said):
                reading = reading[: -len(said)] + instead
    return reading


@cache
def _pinyin() -> Any:
    try:
        from pypinyin.constants import PINYIN_DICT
    except ImportError:
        raise MissingPackage("pypinyin", "text", "characters that sound alike (homophones)") from None
    return PINYIN_DICT


@cache
def with_pypinyin() -> bool:
    """Whether the readings of characters are installed."""
    return find_spec("pypinyin") is not None


class Homophones(Edit):
    """Puts characters in the place of others that are typed alike in pinyin (在 再, 他 她).

    Traditional characters that are not among the 3,755 common ones of GB 2312 stay as they are.

    Cost: 10 microseconds for a sentence, 0.3 seconds once per process. Source: pypinyin (readings of Unicode's Unihan).
    """

    scripts: ClassVar[tuple[str, ...]] = ("han",)
    sound: Literal["tone", "syllable", "blurred"] = Field(
        "syllable",
        description="what must agree: syllable and tone, the syllable, or blurred (zh and z, ang and an are one, too)",
    )

    @model_validator(mode="after")
    def _with_readings(self) -> Self:
        _pinyin()
        return self

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters, table = list(text), sounds(self.sound == "blurred", self.sound == "tone")
        free = self._free(text, letters)
        fit = [i for i, letter in enumerate(letters) if letter in table and (free is None or free[i])]
        for place in self._places(len(fit), drawn, chance):
            options = table[letters[fit[place]]]
            letters[fit[place]] = options[chance.below(len(options))]
        return "".join(letters)


OPERATIONS = named(globals())
