"""Texts of letters without sense, and passages that stand in many texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks.judging.bounds import Bounded, at_most
from curate.checks.texts.corpus import LONGEST, SAMPLE, Corpus, Words
from curate.checks.texts.language import known_share
from curate.checks.texts.letter_model import LetterModel, Sequences
from curate.checks.texts.quotes import quoted
from curate.evidence.measures.text_codes import Codes, blocks

LEAST_LETTERS = 8
CHARACTERS = LONGEST
CONFIRMED = 0.5
"""Gibberish has fewer of its letters than this in words that other texts use."""
PASSAGE = 30
"""Characters that a passage has at least."""
ENDS = r"[.!?;|\x{3002}\x{ff01}\x{ff1f}\x{061f}\n\r]+\s*"
FIRST_WORDS, LAST_WORDS = r"^\s*(?P<p>(?:\S+\s+){7}\S+)\s", r"\s(?P<p>(?:\S+\s+){7}\S+)\s*$"
BLOCK = 20_000


class Letters(NamedTuple):
    """How surprising the letters of texts are.

    Attributes:
        value: (m,) 0 for the set's median text, 1 for its letters in random order; less two standard errors.
        bits: (m,) mean surprise per letter.
        usual: bits of the median text.
        random: bits of the same letters in random order.
    """

    value: np.ndarray
    bits: np.ndarray
    usual: float
    random: float


def letters(texts: pa.Array, corpus: Corpus, sampled: np.ndarray) -> Letters:
    """How far the letters of each text are from the set's usual sequences of letters.

    Args:
        texts: (m,) strings.
        corpus: what the models were learned from.
        sampled: (m,) place of each text in the sample, -1 for texts that are not in it.
    """
    total, count = np.zeros(len(texts)), np.zeros(len(texts))
    inside, beyond = np.flatnonzero(sampled >= 0), np.flatnonzero(sampled < 0)
    total[inside], count[inside] = (known[sampled[inside]] for known in corpus.surprise)
    for start, codes in blocks(texts.take(pa.array(beyond)), CHARACTERS):
        here = beyond[start : start + len(codes)]
        total[here], count[here] = Words.of(codes).surprise(corpus.letters[0], len(codes))
    bits = total / np.maximum(count, 1)
    first = next((codes for _, codes in blocks(texts, CHARACTERS)), None)
    spread, chance = (2.5, np.inf) if first is None else _bases(first, corpus.letters[0])
    judged = count >= LEAST_LETTERS
    usual = float(np.median(bits[judged])) if judged.any() else 0.0
    random = chance if np.isfinite(chance) else usual
    error = 2 * spread / np.sqrt(np.maximum(count, 1))
    value = (bits - error - usual) / max(random - usual, 1e-6)
    return Letters(np.where(judged, np.clip(value, 0, None), 0.0), bits, usual, random)


def _bases(codes: Codes, model: LetterModel) -> tuple[float, float]:
    """Standard deviation of the surprise of a letter, and the mean surprise of the same letters in random order."""
    size = min(int(codes.starts[-1]), 200_000)
    head = Codes(codes.points[:size], codes.kinds[:size], codes.letters[:size], np.array([0, size]))
    places = np.flatnonzero(head.letters)
    if len(places) < 1000:
        return 2.5, np.inf
    shuffled = head.points.copy()
    shuffled[places] = shuffled[np.random.default_rng(0).permutation(places)]
    sequences = Sequences.of(Codes(shuffled, head.kinds, head.letters, head.starts))
    bits, count = sequences.sums(model.surprise(sequences))
    return 2.5, float(bits[0] / max(count[0], 1))


def gibberish(texts: pa.Array, found: Letters, corpus: Corpus, bound: float, foreign: np.ndarray) -> Bounded:
    """Rows whose letters follow each other as if by chance, in words that no other row uses.

    Args:
        texts: (m,) strings.
        found: how surprising they are.
        corpus: words of the set.
        bound: of `Letters.value`.
        foreign: (m,) bool, rows of another language, of which the set can't tell.
    """
    value = np.where(foreign, 0.0, found.value)
    candidates = np.flatnonzero(value > bound)
    if len(candidates):
        known = known_share(texts.take(pa.array(candidates)), corpus)
        value[candidates[known >= CONFIRMED]] = bound

    def reason(place: int) -> str:
        threshold = found.usual + bound * (found.random - found.usual)
        return (
            f"its letters hold {found.bits[place]:.1f} bits each; usual are {found.usual:.1f}, in random order"
            f" {found.random:.1f} (threshold {threshold:.1f} and two standard errors)"
        )

    return Bounded("gibberish", at_most(value, bound), reason)


def boilerplate(texts: pa.Array, sample: np.ndarray, share: float, least_rows: int) -> tuple[Bounded, list[dict]]:
    """Rows that hold a passage which stands in many different texts: a sentence, or eight words in front or at the end.

    Args:
        texts: (m,) strings.
        sample: places of the texts among which common passages are looked for.
        share: of the different texts of the sample that must hold a passage.
        least_rows: that must hold it.

    Returns:
        The issue, and the passages with the number of rows that hold each.
    """
    some = pc.unique(texts.take(pa.array(sample[:SAMPLE])))
    bound = max(least_rows, int(np.ceil(share * len(some))))
    held = pa.concat_arrays([pa.array([], pa.large_string()), *(p for _, p in _passages(some))])
    counted = held.value_counts()
    often = counted.field("values").filter(pc.greater_equal(counted.field("counts"), bound))
    common: dict[int, str] = {}
    rows: dict[str, int] = {}
    if len(often):
        for start in range(0, len(texts), BLOCK):
            for row, passage in _passages(texts.slice(start, BLOCK)):
                hit = np.flatnonzero(pc.is_in(passage, value_set=often).to_numpy(zero_copy_only=False))
                for place, words in zip((row[hit] + start).tolist(), passage.take(pa.array(hit)).to_pylist()):
                    rows[words] = rows.get(words, 0) + 1
                    if len(words) > len(common.get(place, "")) or (len(words), words) > (
                        len(common[place]),
                        common[place],
                    ):
                        common[place] = words
    value = np.zeros(len(texts))
    for place, words in common.items():
        value[place] = rows[words]

    def reason(place: int) -> str:
        text = texts[place].as_py()
        start = text.find(common[place])
        return (
            f"holds a passage of {value[place]:,.0f} rows (threshold {bound:,} different texts);"
            f" {quoted(text, start, start + len(common[place]))}"
        )

    score = np.where(value > 0, np.minimum(at_most(value, bound), 0.45), 1.0)
    passages = sorted(
        ({"passage": words[:120], "rows": n} for words, n in rows.items()), key=lambda p: (-p["rows"], p["passage"])
    )
    return Bounded("boilerplate", score, reason), passages[:20]


def _passages(texts: pa.Array) -> Iterator[tuple[np.ndarray, pa.Array]]:
    """(row, passage) of the passages that are long enough and clearly shorter than their text, each once per row."""
    heads = pc.utf8_slice_codeunits(texts, 0, 20 * CHARACTERS).cast(pa.large_string())
    length = pc.utf8_length(heads).to_numpy(zero_copy_only=False)
    lists = pc.split_pattern_regex(heads, ENDS)
    row = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    every = [(row, pc.utf8_trim_whitespace(pc.list_flatten(lists)))]
    for regex in (FIRST_WORDS, LAST_WORDS):
        words = pc.struct_field(pc.extract_regex(heads, regex), "p")
        there = np.flatnonzero(words.is_valid().to_numpy(zero_copy_only=False))
        every.append((there, words.take(pa.array(there))))
    seen_row, seen = np.zeros(0, np.int64), pa.array([], pa.large_string())
    for row, passage in every:
        size = pc.utf8_length(passage).to_numpy(zero_copy_only=False)
        keep = np.flatnonzero((size >= PASSAGE) & (size <= 0.8 * length[row]))
        seen_row = np.concatenate([seen_row, row[keep]])
        seen = pa.concat_arrays([seen, passage.take(pa.array(keep)).cast(pa.large_string())])
    if len(seen):
        code = seen.dictionary_encode().indices.to_numpy().astype(np.int64)
        _, first = np.unique(seen_row * len(seen) + code, return_index=True)
        yield seen_row[first], seen.take(pa.array(first))
