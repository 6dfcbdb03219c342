"""Words swapped, left out, repeated, split, masked, cropped."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.clusters import clusters
from curate.augment.operations.texts.edit import WordEdit
from curate.augment.operations.words import join


class SwapWords(WordEdit):
    """Swaps neighbouring words; punctuation stays where it is.

    Cost: 15 microseconds for a sentence. Source: Wei and Zou, EDA, 2019 (random swap, of neighbours).
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return swapped(self, text, drawn, chance)


def swapped(edit: WordEdit, text: str, drawn: Drawn, chance: Chance) -> str:
    """The text with neighbouring words swapped."""
    words, gaps, free = edit._words(text)
    if len(free) == len(words):
        fit = [i for i, (word, after) in enumerate(pairwise(words)) if word != after]
    else:
        fit = [i for i, j in pairwise(free) if j == i + 1 and words[i] != words[j]]
    last = -2
    for place in edit._places(len(fit), drawn, chance):
        i = fit[place]
        # Two swaps that share a word could undo each other.
        if i != last + 1 or words[i] != words[i + 1]:
            words[i], words[i + 1] = words[i + 1], words[i]
            last = i
    return join(words, gaps)


class DeleteWords(WordEdit):
    """Leaves out words, never all of them.

    Cost: 15 microseconds for a sentence. Source: Wei and Zou, EDA, 2019 (random deletion).
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        return shortened(self, text, drawn, chance)


def shortened(edit: WordEdit, text: str, drawn: Drawn, chance: Chance) -> str:
    """The text without some words."""
    words, gaps, free = edit._words(text)
    if len(words) < 2:
        return text
    last = len(words)
    for place in edit._places(len(free), drawn, chance)[: last - 1]:
        place = free[place]
        words[place] = ""
        # Of the two gaps beside the word that is gone a blank one goes too.
        if place + 1 < last and gaps[place + 1].isspace():
            gaps[place + 1] = ""
        elif gaps[place].isspace():
            gaps[place] = ""
    return join(words, gaps)


class RepeatWords(WordEdit):
    """Says words twice in a row, as stammering writers do.

    Cost: 15 microseconds for a sentence.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        for place in self._places(len(free), drawn, chance):
            word = words[free[place]]
            words[free[place]] = f"{word}{'' if bare(word) else ' '}{word}"
        return join(words, gaps)


class InsertWords(WordEdit):
    """Puts words of the same text in other places too.

    Cost: 20 microseconds for a sentence. Source: after Wei and Zou, EDA, 2019 (random insertion, which takes synonyms:
    see `eda`).
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        source = [words[i] for i in free]
        for place in self._places(len(free), drawn, chance):
            i = free[place]
            words[i] = beside(words[i], chance.one(source), chance)
        return join(words, gaps)


def beside(word: str, other: str, chance: Chance) -> str:
    """`other` before or after the word, with a blank between them where their scripts want one."""
    first, second = (other, word) if chance.below(2) else (word, other)
    return f"{first}{second}" if bare(first[-1]) and bare(second[0]) else f"{first} {second}"


def bare(word: str) -> bool:
    """Whether a word is of a script that puts no blanks between words."""
    return not word.isascii() and not any(letter < "\u0e00" or "\uac00" <= letter <= "\ud7ff" for letter in word)


class MaskWords(WordEdit):
    """Puts a placeholder in the place of words.

    Cost: 15 microseconds for a sentence. Source: blank noising (Xie and others, Data noising as smoothing, 2017).
    """

    mask: str = Field("_", min_length=1, description="what stands in the place of a word ([MASK], <unk>)")

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        fit = [i for i in free if words[i] != self.mask] if self.mask in words else free
        for place in self._places(len(fit), drawn, chance):
            words[fit[place]] = self.mask
        return join(words, gaps)


class CropWords(WordEdit):
    """Keeps a run of the words and leaves out what stands before and after; what is kept by the settings stays in.

    Cost: 15 microseconds for a sentence. Source: after nlpaug's RandomWordAug(action="crop").
    """

    side: Literal["any", "start", "end"] = Field(
        "any", description="where words are left out: at the start, the end, or any"
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        if len(words) < 2:
            return text
        gone = min(self._wanted(len(words), drawn), len(words) - 1)
        first = chance.below(gone + 1) if self.side == "any" else gone if self.side == "start" else 0
        if len(free) < len(words):
            held = sorted(set(range(len(words))) - set(free))
            first, last = min(first, held[0]), max(len(words) - gone + first, held[-1] + 1)
        else:
            last = len(words) - gone + first
        return gaps[0] * (first == 0) + join(words[first:last], ["", *gaps[first + 1 : last], gaps[-1]])


class SplitWords(WordEdit):
    """Puts a blank inside words: of four or more letters, or between two characters that stand without blanks.

    Cost: 15 microseconds for a sentence. Source: after nlpaug's SplitAug.
    """

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        words, gaps, free = self._words(text)
        several = free if text.isascii() else [i for i in free if len(clusters(words[i])) > 1]
        long = [i for i in several if len(words[i]) >= 4 or bare(words[i])]
        if not long:
            long = [i for i in several if len(words[i]) >= 2]
        if not long:
            # Where a word is one character (Thai, and Chinese if so set), between two of them.
            inside = [i for i, j in pairwise(free) if j == i + 1 and not gaps[j]]
            for place in self._places(len(inside), drawn, chance):
                gaps[inside[place] + 1] = " "
        for place in self._places(len(long), drawn, chance):
            letters = clusters(words[long[place]])
            cut = 1 + chance.below(len(letters) - 1)
            words[long[place]] = f"{''.join(letters[:cut])} {''.join(letters[cut:])}"
        return join(words, gaps)


OPERATIONS = named(globals())
