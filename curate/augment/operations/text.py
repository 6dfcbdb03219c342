"""Operations on text: slips of the hand, the keyboard and optical character recognition; words moved or lost."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from curate.augment.operations.operation import Drawn, Operation, named, seed_of
from curate.augment.operations.words import KEYS, LOOK_ALIKES, join, split

FRACTION = "that are changed at most; at least one is, where the text has any"


class _Edit(Operation):
    """Draws how many places are changed; `apply` finds them by the drawn seed."""

    modality: ClassVar[str] = "text"
    fraction: float = Field(0.1, gt=0, le=1, description=f"share of words or characters {FRACTION}")

    def draw(self, rng: np.random.Generator, item: str) -> Drawn:
        """The share that is changed, between 0 and `fraction`, and a seed for the places."""
        return {"fraction": float(rng.uniform(0.0, self.fraction)), "seed": seed_of(rng)}

    def apply(self, item: str, drawn: Drawn) -> str:
        """The text with the drawn share of places changed."""
        return self._edited(item, drawn["fraction"], np.random.default_rng(drawn["seed"])) if item else item

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        raise NotImplementedError


def _places(count: int, fraction: float, rng: np.random.Generator) -> list[int]:
    """Sorted distinct places out of `count`, at least one where there is any."""
    if count < 1:
        return []
    wanted = min(count, max(1, round(fraction * count)))
    return sorted(rng.choice(count, size=wanted, replace=False).tolist())


class SwapWords(_Edit):
    """Swaps neighbouring words; characters where the script puts no blanks between words."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        words, gaps = split(text)
        fit = [i for i in range(len(words) - 1) if words[i] != words[i + 1]]
        for place in _places(len(fit), fraction, rng):
            i = fit[place]
            words[i], words[i + 1] = words[i + 1], words[i]
        return join(words, gaps)


class DeleteWords(_Edit):
    """Leaves out words (characters where the script puts no blanks between words), never all of them."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        words, gaps = split(text)
        if len(words) < 2:
            return text
        for place in _places(len(words), fraction, rng)[: len(words) - 1]:
            words[place] = ""
            # Of the two gaps beside the word that is gone the one after it goes too, or the one before the last word.
            gaps[place + 1 if place + 1 < len(words) else place] = ""
        return join(words, gaps)


class SplitWords(_Edit):
    """Puts a blank inside words of four or more characters."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        words, gaps = split(text)
        long = [i for i, word in enumerate(words) if len(word) >= 4]
        for place in _places(len(long), fraction, rng):
            word = words[long[place]]
            cut = int(rng.integers(1, len(word)))
            words[long[place]] = f"{word[:cut]} {word[cut:]}"
        return join(words, gaps)


class KeyboardSlips(_Edit):
    """Replaces letters by a neighbour on a QWERTY keyboard, in the same case; other scripts stay as they are."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        return _replaced(text, KEYS, fraction, rng)


class OcrSlips(_Edit):
    """Replaces characters by ones that optical recognition takes them for (0 and O, 1 and l, 末 and 未)."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        return _replaced(text, LOOK_ALIKES, fraction, rng)


def _replaced(text: str, table: dict[str, str], fraction: float, rng: np.random.Generator) -> str:
    letters = list(text)
    fit = [i for i, letter in enumerate(letters) if letter in table]
    for place in _places(len(fit), fraction, rng):
        options = table[letters[fit[place]]]
        letters[fit[place]] = options[int(rng.integers(len(options)))]
    return "".join(letters)


class SwapCharacters(_Edit):
    """Swaps neighbouring letters within words."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        letters = list(text)
        inside = [letter.isalnum() for letter in letters]
        fit = [i for i in range(len(letters) - 1) if inside[i] and inside[i + 1] and letters[i] != letters[i + 1]]
        for place in _places(len(fit), fraction, rng):
            i = fit[place]
            letters[i], letters[i + 1] = letters[i + 1], letters[i]
        return "".join(letters)


class DeleteCharacters(_Edit):
    """Leaves out letters and digits, never all of them."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        letters = list(text)
        fit = [i for i, letter in enumerate(letters) if letter.isalnum()]
        for place in _places(len(fit), fraction, rng)[: max(0, len(fit) - 1)]:
            letters[fit[place]] = ""
        return "".join(letters)


class RandomCase(_Edit):
    """Turns upper-case letters to lower case and the other way round, in scripts that have cases."""

    def _edited(self, text: str, fraction: float, rng: np.random.Generator) -> str:
        letters = list(text)
        fit = [i for i, letter in enumerate(letters) if len(letter.swapcase()) == 1 and letter.swapcase() != letter]
        for place in _places(len(fit), fraction, rng):
            letters[fit[place]] = letters[fit[place]].swapcase()
        return "".join(letters)


OPERATIONS = named(globals())
