"""Measures of whether a text is written in one language, by the languages of its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure
from curate.evidence.measures.text_languages import languages

CHARACTERS = 2_000
LEAST_LETTERS = 15
LEAST_PER_LETTER = 0.2
"""Nats per letter below which a part is of the text's language with odd names in it."""
LONGEST_PART = 140
MOST_PARTS = 16
BLOCK_ROWS = 4_096
NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())
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
        language = np.full(len(heads), "", dtype=np.dtypes.StringDType())
        margin = np.where([text is None for text in heads], np.float32(np.nan), np.float32(0))
        fraction = margin.copy()
        for first in range(0, len(heads), BLOCK_ROWS):
            texts = [text or "" for text in heads[first : first + BLOCK_ROWS]]
            rows, *found = second_languages(texts)
            for values, one in zip((language, margin, fraction), found, strict=True):
                values[first + rows] = one
        return {"text.second_language": language, "text.second_margin": margin, "text.second_fraction": fraction}


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
    model = languages()
    return dict(zip(model.names.tolist(), model.scores([text])[0].tolist(), strict=True))


def _letters(text: str) -> int:
    """Letters, those of scripts without spaces thrice: they say more."""
    if text.isascii():
        return len(text.encode().translate(None, NO_LETTERS))
    return sum(1 + 2 * (c > "\u2e7f") for c in text if c.isalpha())


def second_languages(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Texts with a part in another language: (r,) int64 which, (r,) that language, its margin, its fraction."""
    owner, pieces, sizes = [], [], []
    for row, text in enumerate(texts):
        places = parts(text) if len(text) >= 2 * LEAST_LETTERS // 3 else []
        if len(places) > 1:
            owner += [row] * len(places)
            pieces += [_NOISE.sub(" ", text[start:end]).strip() for start, end in places]
            sizes += [_letters(text[start:end]) for start, end in places]
    model = languages()
    scores = model.scores(pieces)
    known = np.flatnonzero(scores.max(1, initial=-np.inf) > -1e30)  # a part without anything known says nothing
    of_text, number = np.array(owner, dtype=np.int64)[known], np.array(sizes, dtype=np.float64)[known]
    scores = scores[known].astype(np.float64)
    rows, starts, counts = np.unique(of_text, return_index=True, return_counts=True)
    if not len(rows):
        return rows, np.array([], dtype=object), np.zeros(0), np.zeros(0)
    text_of = np.repeat(np.arange(len(rows)), counts)
    here = np.arange(len(known))
    main = np.add.reduceat(scores, starts).argmax(1)[text_of]
    margins = scores.max(1) - scores[here, main]
    margins[margins < LEAST_PER_LETTER * number] = 0
    most = np.maximum.reduceat(margins, starts)
    odd = np.unique(np.where(margins == most[text_of], text_of, len(rows)), return_index=True)[1][: len(rows)]
    second = scores[odd].argmax(1)
    likelier = scores[here, second[text_of]] > scores[here, main]
    fraction = np.add.reduceat(number * likelier, starts) / np.maximum(np.add.reduceat(number, starts), 1)
    kept = (most > 0) & (counts > 1)
    return rows[kept], model.names[second[kept]], most[kept], fraction[kept]
