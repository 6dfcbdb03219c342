"""The order of sentences and clauses."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from curate.augment.operations.operation import Drawn, named
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.edit import WordEdit
from curate.augment.operations.words import join

_SENTENCE = re.compile(r"[^.!?。！？…।؟\n]+(?:[.!?。！？…।؟]+[\"'”’»）)]*|$)|[.!?。！？…।؟\n]+")
_CLAUSE = re.compile(r"[^,;:，；：、،؛]+(?:[,;:，；：、،؛]|$)|[,;:，；：、،؛]+")


class ShuffleSentences(WordEdit):
    """Puts the sentences of a text in another order; those of one sentence its clauses, or the halves around a word.

    Blanks and line ends between the parts stay where they are. A text in which something is kept by the settings is
    cut at sentences and clauses alone.

    Cost: 20 microseconds for a sentence. Source: sentence permutation (Lewis and others, BART, 2020).
    """

    smallest: Literal["sentences", "clauses", "words"] = Field(
        "words", description="the smallest parts that may change places where there are no two larger ones"
    )

    def _changed(self, text: str, drawn: Drawn, chance: Chance) -> str:
        for level, pattern in (("sentences", _SENTENCE), ("clauses", _CLAUSE)):
            made = self._in_other_order(text, pattern, drawn, chance)
            if made != text or self.smallest == level:
                return made
        words, gaps, free = self._words(text)
        if len(words) < 2 or len(free) < len(words):
            return text
        cut = 1 + chance.below(len(words) - 1)
        turned = words[cut:] + words[:cut]
        if turned == words:
            return text
        # Blanks move with the words, punctuation stays.
        inner = [gap if gap.strip() else "" for gap in gaps[1:-1]]
        blank = next((gap for gap in gaps[1:-1] if gap.isspace()), "")
        return join(turned, [gaps[0], *(gap or blank for gap in inner), gaps[-1]])

    def _in_other_order(self, text: str, pattern: re.Pattern[str], drawn: Drawn, chance: Chance) -> str:
        # Marks inside of what is kept (the points of an address) part nothing.
        whole = text
        for begin, end in self._kept(text):
            whole = whole[:begin] + "x" * (end - begin) + whole[end:]
        parts = [found.span() for found in pattern.finditer(whole)]
        spans = []
        for begin, end in parts:
            part = text[begin:end]
            begin, end = begin + len(part) - len(part.lstrip()), begin + len(part.rstrip())
            if any(letter.isalnum() for letter in part):
                spans.append((begin, end))
        if len(spans) < 2:
            return text
        order = self._order([text[begin:end] for begin, end in spans], drawn, chance)
        made, place = [], 0
        for (begin, end), part in zip(spans, order):
            made += [text[place:begin], part]
            place = end
        return "".join([*made, text[place:]])

    def _order(self, parts: list[str], drawn: Drawn, chance: Chance) -> list[str]:
        """The parts with some of them (the drawn share, at least two) in another order."""
        wanted = max(2, len(self._places(len(parts), drawn, chance)))
        places = chance.places(len(parts), wanted)
        other = chance.shuffled(places)
        if other == places:
            other = [*places[1:], places[0]]
        order = list(parts)
        for place, source in zip(places, other):
            order[place] = parts[source]
        return order


OPERATIONS = named(globals())
