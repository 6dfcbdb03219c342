"""Whether texts are English enough for a model that knows English only."""

from __future__ import annotations

import re

from curate.errors import MissingPackage
from curate.evidence.measures.text_languages import languages

LEAST_ENGLISH = 0.7
"""Sets with a smaller share of English texts are left to the n-grams. Short English texts are taken for other languages
now and then (about one in ten), so a set that is English throughout stays well above."""
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
LETTER = re.compile(r"[^\W\d_]")
COMMON = re.compile(
    r"^(the|of|and|to|in|is|it|you|that|was|for|on|are|with|as|be|this|have|from|or|"
    r"by|not|but|what|all|were|we|when|can|an|your|my|i|me|how|do|does|why|there|"
    r"been|has|had|would|will|our|did|they|he|she|his|her|him|their)$"
)


def english_share(texts: list[str]) -> tuple[float, str]:
    """Share of English texts among those with letters, and what it rests on; 0 where no text has letters."""
    letters = [text for text in texts if LETTER.search(text)]
    if not letters:
        return 0.0, "no text has letters"
    latin = [text for text in letters if text.isascii() or _is_latin(text)]
    if len(latin) < LEAST_ENGLISH * len(letters):
        return len(latin) / len(
            letters
        ) * 0.5, f"{1 - len(latin) / len(letters):.0%} of the texts are not in Latin letters"
    try:
        model = languages()
    except MissingPackage:
        found = sum(_common_words(text) > 0 for text in latin)
    else:
        # Chat and headlines hold few words that tell; a common English word settles them.
        spoken = model.names[model.probabilities([text[:1000] for text in latin]).argmax(1)]
        found = sum(_is_english(one, text) for one, text in zip(spoken.tolist(), latin, strict=True))
    share = found / len(letters)
    return share, f"{share:.0%} of the texts are English"


def _is_latin(text: str) -> bool:
    return len(LATIN.findall(text)) > 0.8 * len(LETTER.findall(text))


def _is_english(language: str, text: str) -> bool:
    return language == "en" or _common_words(text) > 0.3


def _common_words(text: str) -> float:
    """Share of the words of a text that are among the most common English ones."""
    words = re.findall(r"[a-z]+", text.lower())
    return sum(COMMON.match(word) is not None for word in words) / max(len(words), 1)
