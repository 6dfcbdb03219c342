"""Texts that were cut off: in a word, at a word that doesn't end texts, at a common length, or with a mark of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks._bounds import Bounded
from curate.checks._text_corpus import Corpus
from curate.checks._text_quotes import quoted
from curate.evidence.measures.text_codes import blocks

TAIL = 120
MARK = (
    r"(?:\x{2026}|[^.]\.\.\.|\[\.{3}\]|\[\x{2026}\]"
    r"|(?i:\b(?:read more|continue reading|to be continued|truncated)\W{0,3}))\s*$"
)
ENDED = r"[\p{P}\p{S}]\s*$"
LEAST_USES = 60
"""A word must be used so often before it is said that it doesn't end texts."""
LEAST_LONGER = 5
"""Texts that must use the whole word of which an ending is a part."""
LONG, MANY = 40, 5
"""A length in characters at which texts may have been cut, and the texts that must have it."""
WHOLE = 0.985
"""A set whose texts end with a sign in this share is one in which an ending without any is odd."""


def truncated(texts: pa.Array, corpus: Corpus | None, share: float) -> Bounded:
    """Rows that end as texts that were cut do, by what endings are like in the set.

    Args:
        texts: (m,) strings.
        corpus: words of the set and how often they end a text; None leaves what needs it out.
        share: how rare an ending must be in the set.
    """
    value, why = np.ones(len(texts)), {}
    length = pc.utf8_length(texts).to_numpy(zero_copy_only=False)  # a limit counts blanks at the end, too
    texts = pc.utf8_rtrim_whitespace(texts)
    _by_mark(texts, share, value, why)
    _by_length(length, value, why)
    if corpus is not None:
        ended = pc.match_substring_regex(texts, ENDED).to_numpy(zero_copy_only=False)
        _by_word(texts, ended, corpus, share, value, why)

    def reason(place: int) -> str:
        _, sentence, size = why[place]
        text = texts[place].as_py()
        return f"{sentence}; {quoted(text, max(0, len(text) - size), len(text))}"

    score = np.where(value < share, 0.1 + 0.4 * value / max(share, 1e-9) * 0.99, 1.0)
    return Bounded("truncated", score, reason)


def _by_mark(texts: pa.Array, share: float, value: np.ndarray, why: dict) -> None:
    marked = np.flatnonzero(pc.match_substring_regex(texts, MARK).to_numpy(zero_copy_only=False))
    usual = len(marked) / max(len(texts), 1)
    if not len(marked) or usual >= max(share, 0.02):
        return
    for place in marked.tolist():
        value[place] = min(usual, share * 0.9)
        why[place] = ("mark", f"ends with a mark of omission, as {usual:.2%} of the texts do", 12)


def _by_length(length: np.ndarray, value: np.ndarray, why: dict) -> None:
    """Many texts of exactly the greatest length there is: a limit cut them."""
    if not len(length) or (most := int(length.max())) < LONG:
        return
    pile = np.flatnonzero(length == most)
    near = int(((length < most) & (length >= 0.9 * most)).sum())
    expected = near / max(0.1 * most, 1)
    if len(pile) < max(MANY, 5 * expected) or len(pile) > 0.5 * len(length):
        return
    for place in pile.tolist():
        value[place] = 0.0
        why[place] = (
            "length", f"has the greatest length of all, {most:,} characters, with {len(pile) - 1:,} others", 24
        )  # fmt: skip


def _by_word(texts: pa.Array, ended: np.ndarray, corpus: Corpus, share: float, value: np.ndarray, why: dict) -> None:
    tails = pc.utf8_slice_codeunits(texts, -TAIL)
    whole = ended.mean() >= WHOLE
    for start, codes in blocks(tails):
        begin, end = codes.words
        if not len(begin):
            continue
        row = codes.row[begin]
        last = np.flatnonzero(np.append(row[1:] != row[:-1], True))
        at_end = codes.starts[row[last] + 1] == end[last]
        last = last[at_end & ~ended[row[last] + start] & codes.letters[end[last] - 1]]
        size = end[last] - begin[last]
        hashes = codes.spans(begin[last], end[last])
        place = corpus.places(hashes)
        used = np.where(place >= 0, corpus.rows[place], 0)
        rate = np.where(place >= 0, corpus.ends[place] / np.maximum(corpus.uses[place], 1), 1.0)
        often = np.where(place >= 0, corpus.uses[place], 0) >= LEAST_USES
        for k in np.flatnonzero((used <= 1) | (often & (rate < share))).tolist():
            at = int(row[last[k]]) + start
            word = "".join(map(chr, codes.points[begin[last[k]] : end[last[k]]].tolist()))
            if used[k] > 1:
                found, sentence = (
                    float(rate[k]),
                    f"ends with a word that ends {rate[k]:.2%} of its uses (threshold {share:.0%})",
                )
            else:
                longer = corpus.prefixes.get(word, 0)
                found = used[k] / longer if longer else 1.0
                sentence = (
                    f"ends in a part of a word: {longer:,} texts use a word that begins so, no other text this one"
                )
                found = 0.0 if longer >= LEAST_LONGER else found
            if found < share and found < value[at]:
                value[at], why[at] = found, ("word", sentence, int(size[k]))
        if whole:
            for at in (row[last] + start).tolist():
                if value[at] >= share:
                    value[at] = share * 0.9
                    why[at] = ("sign", f"ends without a sign, as {1 - ended.mean():.2%} of the texts do", 12)
