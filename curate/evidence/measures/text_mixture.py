"""Measures of whether a text is written in one language, by the languages of its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import MissingPackage
from curate.evidence.measure import Measure

CHARACTERS = 2_000
LEAST_LETTERS = 15
LEAST_PER_LETTER = 0.2
"""Nats per letter below which a part is of the text's language with odd names in it."""
LONGEST_PART = 140
MOST_PARTS = 16
_END = re.compile(r"[.!?;:\n。！？；؟।]\s*")
_NOISE = re.compile(r"[\d_]+|https?://\S+|\S+@\S+")


class TextMixture(Measure):
    """The language of the part of a text that differs most from the rest (its first 2,000 characters).

    Parts are sentences; those of fewer than 15 letters are not judged, long ones are cut at blanks. The text's language
    is the one that explains all its parts best. second_margin: natural logarithm of how much likelier the part's own
    language is than the text's, the best part's; 0 in texts of one part. second_fraction: the letters of parts that are
    likelier in that second language, over all. Null texts have "" and NaN.
    """

    name = "text.mixture"
    modality = "text"
    parameters = {"characters": CHARACTERS, "part": LONGEST_PART, "letters": LEAST_LETTERS}
    libraries = ("py3langid",)
    fields = {
        "text.second_language": ("str", ()),
        "text.second_margin": ("float32", ()),
        "text.second_fraction": ("float32", ()),
    }

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        heads = pc.utf8_slice_codeunits(items, 0, CHARACTERS).to_pylist()
        found = [("", float("nan"), float("nan")) if text is None else _second(text) for text in heads]
        languages, margins, fractions = zip(*found) if found else ((), (), ())
        return {
            "text.second_language": np.array(languages, dtype=np.dtypes.StringDType()),
            "text.second_margin": np.array(margins, dtype=np.float32),
            "text.second_fraction": np.array(fractions, dtype=np.float32),
        }


def parts(text: str) -> list[tuple[int, int]]:
    """(start, end) of the parts of a text that are long enough to tell their language."""
    found, start = [], 0
    ends = [place.end() for place in _END.finditer(text)] + [len(text)]
    for end in ends:
        while end - start > LONGEST_PART:
            cut = text.rfind(" ", start + LONGEST_PART // 2, start + LONGEST_PART)
            cut = start + LONGEST_PART if cut < 0 else cut
            found.append((start, cut))
            start = cut
        if _letters(text[start:end]) >= LEAST_LETTERS or end == len(text):
            found.append((start, end))
            start = end
    return [(s, e) for s, e in found if _letters(text[s:e]) >= LEAST_LETTERS][:MOST_PARTS]


def language_scores(text: str) -> Mapping[str, float]:
    """Language -> natural logarithm of the likelihood of the text, up to a constant."""
    return dict(_identifier().rank(text))


def _letters(text: str) -> int:
    """Letters, those of scripts without spaces thrice: they say more."""
    return sum(1 + 2 * (c > "\u2e7f") for c in text if c.isalpha())


def _second(text: str) -> tuple[str, float, float]:
    places = parts(text) if len(text) >= 2 * LEAST_LETTERS // 3 else []
    if len(places) < 2:
        return "", 0.0, 0.0
    scored = [language_scores(_NOISE.sub(" ", text[s:e]).strip()) for s, e in places]
    if min(max(scores.values()) for scores in scored) < -1e30:  # a part without anything known
        scored, places = zip(*[(c, p) for c, p in zip(scored, places) if max(c.values()) > -1e30] or [((), ())])
        if len(places) < 2:
            return "", 0.0, 0.0
    sizes = [_letters(text[s:e]) for s, e in places]
    main = max(scored[0], key=lambda language: sum(scores[language] for scores in scored))
    best = [max(scores, key=lambda language: scores[language]) for scores in scored]
    margins = [scores[language] - scores[main] for scores, language in zip(scored, best)]
    margins = [margin if margin >= LEAST_PER_LETTER * size else 0.0 for margin, size in zip(margins, sizes)]
    if max(margins) == 0.0:
        return "", 0.0, 0.0
    odd = int(np.argmax(margins))
    second = best[odd]
    share = sum(size for size, scores in zip(sizes, scored) if scores[second] > scores[main]) / sum(sizes)
    return second, float(margins[odd]), float(share)


@cache
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise MissingPackage("py3langid", "text", "identifying languages") from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=False)
