"""Texts in another language than the rest of the set, and texts of two languages."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import distinct
from curate.checks.judging.bounds import Bounded, at_most
from curate.checks.texts.corpus import KNOWN, Corpus
from curate.checks.texts.quotes import quoted
from curate.errors import ConfigError
from curate.evidence.measures.text_codes import blocks
from curate.evidence.measures.text_languages import languages
from curate.evidence.measures.text_mixture import language_scores, parts
from curate.wording import noun, some_of

FIELDS = ("language", "language_confidence", "second_language", "second_margin", "second_fraction")
SURE = 4.0
"""A language that is so many times the bound likelier is believed although the set knows the words."""
SHARE, SHARE_OF_FIRST = 0.05, 0.2
"""A language belongs to the set with this share of the rows, or of those of the commonest language."""
FEWEST = 10
"""Rows whose language is sure that it takes to say which languages belong to a set."""
LEAST_SHARE = 0.1
"""Share of the letters that must be in a second language."""
CHARACTERS = 2_000
BLOCK_ROWS = 8_192
NO_LANGUAGE = "zxx"
"""What the identifier says of letters without sense, which is no language that a text could be in instead."""


def available() -> bool:
    """Whether the package that identifies languages is installed."""
    return find_spec("py3langid") is not None


def known(asked: tuple[str, ...]) -> tuple[str, ...]:
    """The languages that a user names, as they are. Raises ConfigError for those that can't be told from others."""
    if asked and (strange := [code for code in asked if code not in languages().names]):
        there = ", ".join(sorted(set(languages().names.tolist()) - {NO_LANGUAGE}))
        raise ConfigError(
            f"text_quality: languages: {', '.join(map(repr, strange))} {noun(len(strange), 'is', 'are')} not among the"
            f" codes of those that are known: {there}"
        )
    return asked


def usual_languages(language: np.ndarray, judged: np.ndarray) -> tuple[str, ...]:
    """The languages that belong to a set, most rows first; none where too few rows tell.

    Args:
        language: (m,) codes of languages, "" where there is none.
        judged: (m,) bool, rows that count.
    """
    names, codes = distinct(language[judged & (language != "")])
    counts = np.bincount(codes, minlength=len(names))
    if counts.sum() < FEWEST:
        return ()
    enough = (counts >= SHARE * counts.sum()) | (counts >= SHARE_OF_FIRST * counts.max())
    order = np.lexsort((names[enough].astype(object), -counts[enough]))
    return tuple(str(name) for name in names[enough][order])


def wrong_language(
    texts: pa.Array, m: Mapping[str, np.ndarray], usual: tuple[str, ...], bound: float, corpus: Corpus | None
) -> Bounded:
    """Rows whose language is none of the usual ones.

    The value is the natural logarithm of how much likelier the text is in its own language than in any usual one. Up to
    four times the bound it only counts if the set does not know most of the words: short texts are easily mistaken.

    Args:
        texts: (m,) strings.
        m: measures of them.
        usual: languages that belong to the set.
        bound: of the value.
        corpus: words of the set, None if there are too few texts to learn from.
    """
    language = m["language"]
    margin = np.zeros(len(language))
    foreign = (language != "") & ~np.isin(language, np.array(usual, dtype=language.dtype)) if usual else language == "-"
    candidates = np.flatnonzero(foreign)
    top = language.copy()
    for first in range(0, len(candidates), BLOCK_ROWS):
        places = candidates[first : first + BLOCK_ROWS]
        margin[places], top[places] = _likelier(texts.take(pa.array(places)), usual, top[places])
    near = candidates[(margin[candidates] > bound) & (margin[candidates] < SURE * bound)]
    if corpus is not None and len(near):
        known = known_share(texts.take(pa.array(near)), corpus)
        margin[near[known > 0.5]] = bound
    among = some_of(usual, 4, between=" or ")

    def reason(place: int) -> str:
        return f"language {top[place]!s} instead of {among}: likelier by {margin[place]:.1f} nats (threshold {bound:g})"

    return Bounded("wrong_language", at_most(margin, bound), reason)


def _likelier(texts: pa.Array, usual: tuple[str, ...], given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m,) nats by which texts are likelier in their own language than in a usual one, and (m,) that language; 0 and
    `given` where it is none that a text could be in."""
    model = languages()
    scores = model.scores(pc.utf8_slice_codeunits(texts, 0, CHARACTERS).to_pylist()).astype(np.float64)
    best = scores.argmax(1)
    beside = np.flatnonzero(np.isin(model.names, [*usual, NO_LANGUAGE]))
    margin = scores.max(1) - scores[:, beside].max(1, initial=-np.inf)
    none = model.names[best] == NO_LANGUAGE
    top = given.copy()
    top[~none] = model.names[best[~none]]
    return np.where(none, 0.0, margin), top


def mixed_language(texts: pa.Array, m: Mapping[str, np.ndarray], bound: float) -> Bounded:
    """Rows with a part in another language than the rest, by the evidence for that part.

    Args:
        texts: (m,) strings.
        m: measures of them.
        bound: nats by which the part's own language must be likelier.
    """
    margin, fraction, seconds = np.nan_to_num(m["second_margin"]), m["second_fraction"], m["second_language"]
    value = np.where(fraction >= LEAST_SHARE, margin, np.minimum(margin, bound))

    def reason(place: int) -> str:
        text, second = str(texts[place].as_py())[:CHARACTERS], str(seconds[place])
        spans = parts(text)
        best = max(spans, key=lambda span: _excess(text[span[0] : span[1]], second), default=(0, len(text)))
        return (
            f"{fraction[place]:.0%} of its letters read as {second}, likelier by {margin[place]:.1f} nats"
            f" (threshold {bound:g}); {quoted(text, *best)}"
        )

    return Bounded("mixed_language", at_most(value, bound), reason)


def _excess(part: str, language: str) -> float:
    scores = language_scores(part)
    return scores.get(language, -np.inf) - float(np.median(list(scores.values())))


def known_share(texts: pa.Array, corpus: Corpus) -> np.ndarray:
    """(m,) share of the letters of each text that stand in words which other texts of the set use."""
    share = np.zeros(len(texts))
    for start, codes in blocks(texts, CHARACTERS):
        begin, end = codes.words
        known = corpus.used_by(codes.spans(begin, end)) >= KNOWN
        row, size = codes.row[begin], (end - begin).astype(np.float64)
        whole = np.bincount(row, weights=size, minlength=len(codes))
        part = np.bincount(row, weights=size * known, minlength=len(codes))
        share[start : start + len(codes)] = part / np.maximum(whole, 1)
    return share
