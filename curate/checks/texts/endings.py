"""Texts that were cut off: in a word, at a word that doesn't end texts, at a common length, or with a mark of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks.judging.bounds import Bounded
from curate.checks.texts.corpus import Corpus
from curate.checks.texts.quotes import quoted
from curate.evidence.measures.text_codes import Codes, blocks
from curate.wording import counted

TAIL = 120
BLOCK_TEXTS = 65_536
"""Texts of which a copy without the blanks at the end is held at once."""
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
ODD_ENDS = 0.25
"""Share by which texts of that length must end without a sign more often than shorter ones; or"""
LEAST_PARTS, PARTS_BY_CHANCE, CHANCE = 3, 0.02, 1e-3
"""so many of them end in different parts of words, where of shorter ones at least this share is said to, and chance
makes it so less often than this."""
PART_OF = 5
"""A part of a word begins a word that this many times as many texts use."""
APOSTROPHES = tuple(map(ord, "'’ʼ"))
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
    ended, marked = (np.zeros(len(texts), dtype=bool) for _ in range(2))
    for start, some in _trimmed(texts):
        here = slice(start, start + len(some))
        ended[here] = pc.match_substring_regex(some, ENDED).to_numpy(zero_copy_only=False)
        marked[here] = pc.match_substring_regex(some, MARK).to_numpy(zero_copy_only=False)
    _by_mark(np.flatnonzero(marked), share, value, why)
    ends = _Ends.of(texts, ended, corpus)
    _by_length(length, ended, ends, corpus, value, why)
    if corpus is not None:
        _by_word(ends, ended, corpus, share, value, why)

    def reason(place: int) -> str:
        _, sentence, size = why[place]
        text = pc.utf8_rtrim_whitespace(texts[place]).as_py()
        return f"{sentence}; {quoted(text, max(0, len(text) - size), len(text))}"

    score = np.where(value < share, 0.1 + 0.4 * value / max(share, 1e-9) * 0.99, 1.0)
    return Bounded("truncated", score, reason)


def _trimmed(texts: pa.Array) -> Iterator[tuple[int, pa.Array]]:
    """(place of the first, texts without the blanks at their end), block by block."""
    for start in range(0, len(texts), BLOCK_TEXTS):
        yield start, pc.utf8_rtrim_whitespace(texts.slice(start, BLOCK_TEXTS))


def _by_mark(marked: np.ndarray, share: float, value: np.ndarray, why: dict) -> None:
    usual = len(marked) / max(len(value), 1)
    if not len(marked) or usual >= max(share, 0.02):
        return
    for place in marked.tolist():
        value[place] = min(usual, share * 0.9)
        why[place] = ("mark", f"ends with a mark of omission, as {usual:.2%} of the texts do", 12)


@dataclass(frozen=True)
class _Ends:
    """The last words of the e texts that end in a word of letters and in no sign.

    Attributes:
        rows: (e,) the texts.
        words: their last words.
        place: (e,) of each word in the corpus, -1 for none.
        used: (e,) texts of the corpus that use it.
        inside: (e,) its uses there that end no text.
    """

    rows: np.ndarray
    words: list[str]
    place: np.ndarray
    used: np.ndarray
    inside: np.ndarray

    @classmethod
    def of(cls, texts: pa.Array, ended: np.ndarray, corpus: Corpus | None) -> _Ends:
        rows, words, hashes = [], [], []
        for start, codes in _tails(texts):
            begin, end = codes.words
            if not len(begin):
                continue
            row = codes.row[begin]
            last = np.flatnonzero(np.append(row[1:] != row[:-1], True))
            at_end = codes.starts[row[last] + 1] == end[last]
            last = last[at_end & ~ended[row[last] + start] & codes.letters[end[last] - 1]]
            before = codes.points[np.maximum(begin[last] - 1, 0)]
            joined = np.isin(before, APOSTROPHES) & (begin[last] > codes.starts[row[last]])
            last = last[~joined]  # the t of "didn't" is no word
            rows.append(row[last] + start)
            hashes.append(codes.spans(begin[last], end[last]))
            words += ["".join(map(chr, codes.points[begin[k] : end[k]].tolist())) for k in last.tolist()]
        every = np.concatenate([np.zeros(0, np.uint64), *hashes])
        rows = np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64)
        if corpus is None:
            nothing = np.zeros(len(every), np.int64)
            return cls(rows, words, nothing - 1, nothing, nothing)
        place = corpus.places(every)
        used, inside = (np.where(place >= 0, n[place], 0) for n in (corpus.rows, corpus.uses - corpus.ends))
        return cls(rows, words, place, used, inside)


def _tails(texts: pa.Array) -> Iterator[tuple[int, Codes]]:
    """(place of the first text, codes of their last characters)."""
    for first, some in _trimmed(texts):
        for start, codes in blocks(pc.utf8_slice_codeunits(some, -TAIL)):
            yield first + start, codes


def _by_length(
    length: np.ndarray, ended: np.ndarray, ends: _Ends, corpus: Corpus | None, value: np.ndarray, why: dict
) -> None:
    """Many texts of exactly the greatest length there is, that end otherwise than shorter ones: a limit cut them.

    Texts of one template are of one length, too, but end as the template does.
    """
    if not len(length) or (most := int(length.max())) < LONG:
        return
    pile = length == most
    near = int(((length < most) & (length >= 0.9 * most)).sum())
    expected = near / max(0.1 * most, 1)
    if pile.sum() < max(MANY, 5 * expected) or pile.mean() > 0.5:
        return
    if ended[~pile].mean() - ended[pile].mean() < ODD_ENDS and not _in_parts(pile, ends, corpus):
        return
    for place in np.flatnonzero(pile).tolist():
        value[place] = 0.0
        why[place] = (
            "length", f"has the greatest length of all, {most:,} characters, with {pile.sum() - 1:,} others", 24
        )  # fmt: skip


def _in_parts(pile: np.ndarray, ends: _Ends, corpus: Corpus | None) -> bool:
    """Whether the texts of a pile, (m,) bool, end in more different parts of words than those of no limit do."""
    from scipy.special import bdtrc

    if corpus is None:
        return False
    longer = _longer(ends.words, corpus)
    part = (longer >= LEAST_LONGER) & (longer >= PART_OF * (ends.inside + 1))
    own = pile[ends.rows]
    different = len({word for word, cut in zip(ends.words, part & own) if cut})
    usual = max((part & ~own).sum() / max((~pile).sum(), 1), PARTS_BY_CHANCE)
    return different >= LEAST_PARTS and bool(bdtrc(different - 1, pile.sum(), usual) < CHANCE)


def _longer(words: list[str], corpus: Corpus) -> np.ndarray:
    """(e,) texts that use the commonest longer word which begins so."""
    return np.array([corpus.prefixes.get(word, 0) for word in words], dtype=np.int64)


def _by_word(ends: _Ends, ended: np.ndarray, corpus: Corpus, share: float, value: np.ndarray, why: dict) -> None:
    place, used = ends.place, ends.used
    rate = np.where(place >= 0, corpus.ends[place] / np.maximum(corpus.uses[place], 1), 1.0)
    often = np.where(place >= 0, corpus.uses[place], 0) >= LEAST_USES
    longer = _longer(ends.words, corpus)
    hardly = (used <= 1) | (used < share * longer)
    for k in np.flatnonzero(hardly | (often & (rate < share))).tolist():
        at, word = int(ends.rows[k]), ends.words[k]
        if not hardly[k]:
            found = float(rate[k])
            sentence = f"ends with a word that ends {rate[k]:.2%} of its uses (threshold {share:.0%})"
        else:
            lone = used[k] <= 1
            found = 0.0 if lone and longer[k] >= LEAST_LONGER else used[k] / longer[k] if longer[k] else 1.0
            others = "no other text this one" if lone else f"{counted(int(used[k]) - 1, 'other')} this one"
            sentence = f"ends in a part of a word: {longer[k]:,} texts use a word that begins so, {others}"
        if found < share and found < value[at]:
            value[at], why[at] = found, ("word", sentence, len(word))
    if ended.mean() >= WHOLE:
        for at in ends.rows.tolist():
            if value[at] >= share:
                value[at] = share * 0.9
                why[at] = ("sign", f"ends without a sign, as {1 - ended.mean():.2%} of the texts do", 12)
