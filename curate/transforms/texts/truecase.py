"""Capital letters given back to texts that lost them, as the training texts write each word."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from curate.transforms.texts.sentences import sentence_spans

MOST_WORDS = 50_000
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")


def forms(texts: Iterable[str]) -> dict[str, str]:
    """Word in lower case -> how it is mostly written within a sentence, where that is with capitals.

    Sentences without a small letter, or without a capital one, teach nothing.
    """
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for start, end in sentence_spans(text):
            sentence = text[start:end]
            if not _is_flat(sentence):
                for word in _WORD.findall(sentence)[1:]:
                    seen[word.lower()][word] += 1
    best = {}
    for word in sorted(seen, key=lambda word: (-seen[word].total(), word)):
        form, count = min(seen[word].items(), key=lambda pair: (-pair[1], pair[0]))
        if form != word and 2 * count > seen[word].total():
            best[word] = form
    return dict(list(best.items())[:MOST_WORDS])


def restored(text: str, known: dict[str, str]) -> str:
    """The text with capitals in those sentences that are all small, or all capital, letters.

    A word that is not known is small; a sentence starts with a capital.
    """
    parts, last = [], 0
    for start, end in sentence_spans(text):
        parts.append(text[last:start])
        sentence = text[start:end]
        parts.append(_sentence(sentence, known) if _is_flat(sentence) else sentence)
        last = end
    return "".join([*parts, text[last:]])


def _sentence(sentence: str, known: dict[str, str]) -> str:
    sentence = _WORD.sub(lambda found: known.get(found.group().lower(), found.group().lower()), sentence)
    first = _WORD.search(sentence)
    if first is None:
        return sentence
    at = first.start()
    return sentence[:at] + sentence[at].upper() + sentence[at + 1 :]


def _is_flat(sentence: str) -> bool:
    """Whether it has letters of one case alone, and more than one word."""
    return (sentence.isupper() or sentence.islower()) and len(_WORD.findall(sentence)) > 1
