"""Case, punctuation and white space as people write them in haste."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.clusters import clusters
from curate.augment.operations.texts.edit import Edit, TextOperation
from curate.augment.operations.texts.scripts import CASED
from curate.augment.operations.words import PUNCTUATION

_MARK = re.compile(rf"[{PUNCTUATION}]")
_CJK = re.compile(r"[\u3001-\u303f\u3041-\u30ff\u3400-\u9fff\uff01-\uff5e]")
_FORMS = {
    ",": "，", ".": "。", "!": "！", "?": "？", ":": "：", ";": "；", "(": "（", ")": "）",
}  # fmt: skip
_WIDTH = {**_FORMS, **{wide: narrow for narrow, wide in _FORMS.items()}, "、": ",", "？": "?"}
_OTHERS = {"western": ".,!?;:", "cjk": "，。！？；：、", "arabic": ".،!؟؛:", "devanagari": "।,!?;:"}


class RandomCase(Edit):
    """Turns upper-case letters to lower case and the other way round, in scripts that have cases.

    Cost: 15 microseconds for a sentence.
    """

    scripts: ClassVar[tuple[str, ...]] = CASED

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters = list(text)
        other = list(text.swapcase()) if text.isascii() else [letter.swapcase() for letter in text]
        free = self._free(text, letters)
        fit = [
            i for i, (a, b) in enumerate(zip(letters, other)) if a != b and len(b) == 1 and (free is None or free[i])
        ]
        for place in self._places(len(fit), drawn, chance):
            letters[fit[place]] = other[fit[place]]
        return "".join(letters)


class ChangeCase(TextOperation):
    """Writes the whole text in another case: one of those that would change it is chosen.

    Cost: 10 microseconds for a sentence.
    """

    scripts: ClassVar[tuple[str, ...]] = CASED
    to: tuple[Literal["lower", "upper", "title", "sentence"], ...] = Field(
        ("lower", "upper", "title"), min_length=1, description="cases to choose from: lower, upper, title, sentence"
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        made = [other for to in self.to if (other := self._kept_in(text, _in_case(text, to))) != text]
        return chance.one(made) if made else text

    def _kept_in(self, text: str, other: str) -> str:
        spans = self._kept(text)
        # ß has a capital of two letters: then what is kept can't be put back by its place.
        if not spans or len(other) != len(text):
            return text if spans else other
        for begin, end in spans:
            other = other[:begin] + text[begin:end] + other[end:]
        return other


def _in_case(text: str, to: str) -> str:
    if to == "title":
        return re.sub(
            r"[^\W\d_]+(?:['’][^\W\d_]+)*", lambda word: word.group()[0].upper() + word.group()[1:].lower(), text
        )
    if to == "sentence":
        return re.sub(r"((?:^|[.!?]\s+)\W*)(\w)", lambda m: m.group(1) + m.group(2).upper(), text.lower())
    return text.lower() if to == "lower" else text.upper()


class PunctuationNoise(Edit):
    """Leaves out, doubles or replaces punctuation, puts its other width, or puts in marks where a word ends.

    The marks are those of the script (，。 in Chinese and Japanese, ، ؟ in Arabic). Where a text has no punctuation,
    marks are put in.

    Cost: 15 microseconds for a sentence. Source: marks put in: AEDA (Karimi and others, 2021).
    """

    changes: tuple[Literal["drop", "double", "replace", "width", "insert"], ...] = Field(
        ("drop", "double", "replace", "width", "insert"),
        min_length=1,
        description="what may be done: drop, double, replace, width (， and ,; beside others only in East Asian texts),"
        " insert",
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters = clusters(text)
        free = self._free(text, letters)
        marks = [i for i, letter in enumerate(letters) if _MARK.match(letter) and (free is None or free[i])]
        style = _style(text)
        at_marks = [change for change in self.changes if change != "insert"]
        if style != "cjk" and len(at_marks) > 1:
            at_marks = [change for change in at_marks if change != "width"]
        if "insert" in self.changes and (not marks or not at_marks or chance.below(len(self.changes)) == 0):
            marks, at_marks = _ends(letters, free), ["insert"]
        elif at_marks == ["width"]:
            marks = [i for i in marks if letters[i] in _WIDTH]
        own = _OTHERS[style]
        for place in self._places(len(marks), drawn, chance):
            i = marks[place]
            letters[i] = _mark(letters[i], chance.one(at_marks), own, chance)
        return "".join(letters)


def _mark(letter: str, change: str, own: str, chance: Chance) -> str:
    if change == "insert":
        return letter + chance.one(own)
    if change == "double":
        return letter * (2 + chance.below(2))
    if change == "width" and letter in _WIDTH:
        return _WIDTH[letter]
    if change == "drop":
        return ""
    return chance.one([other for other in own if other != letter])


def _ends(letters: list[str], free: list[bool] | None) -> list[int]:
    """Places of characters at the end of a word: before a blank or the end, or any of a script without blanks."""
    ends = []
    for i, letter in enumerate(letters):
        last = i + 1 == len(letters) or letters[i + 1].isspace() or bool(_CJK.match(letter))
        if last and letter[0].isalnum() and (free is None or free[i]):
            ends.append(i)
    return ends


def _style(text: str) -> str:
    if text.isascii():
        return "western"
    if _CJK.search(text):
        return "cjk"
    if re.search(r"[\u0600-\u06ff]", text):
        return "arabic"
    return "devanagari" if re.search(r"[\u0900-\u097f]", text) else "western"


class WhitespaceNoise(Edit):
    """Loses, doubles and adds blanks; where the script has no blanks between words, puts them between characters.

    Cost: 15 microseconds for a sentence.
    """

    changes: tuple[Literal["drop", "double", "insert", "tab"], ...] = Field(
        ("drop", "double", "insert"),
        min_length=1,
        description="what may be done: drop a blank, double it, insert one inside a word, tab in its place",
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        letters = clusters(text)
        free = self._free(text, letters)
        blanks = [i for i, letter in enumerate(letters) if letter == " " and (free is None or free[i])]
        inside = []
        if "insert" in self.changes:
            inside = [
                i
                for i, (letter, after) in enumerate(pairwise(letters))
                if letter[0].isalnum() and after[0].isalnum() and (free is None or (free[i] and free[i + 1]))
            ]
        at_blanks = [change for change in self.changes if change != "insert"]
        if not at_blanks or not blanks or (inside and chance.below(len(self.changes)) == 0):
            fit, changes = inside, ["insert"]
        else:
            fit, changes = blanks, at_blanks
        for place in self._places(len(fit), drawn, chance):
            letter = letters[fit[place]]
            letters[fit[place]] = {"drop": "", "double": "  ", "tab": "\t", "insert": letter + " "}[chance.one(changes)]
        return "".join(letters)


OPERATIONS = named(globals())
