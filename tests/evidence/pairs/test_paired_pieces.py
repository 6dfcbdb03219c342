"""Pieces of ASCII texts are counted by one sort: the same shares as those of any script."""

import random

import numpy as np
import pyarrow as pa

from curate.evidence.measures.text_folding import characters
from curate.evidence.pairs._overlap import _of_any, _of_ascii
from curate.evidence.pairs._paired_pieces import paired_shares


def sets(text, letters):
    return {text[place : place + letters] for place in range(len(text) - letters + 1)}


def test_shares_are_those_of_sets():
    rng = random.Random(0)
    texts = ["".join(rng.choices("abc ", k=rng.randint(1, 60))).strip() or "a" for _ in range(200)]
    codes, lengths = characters(texts)
    folded = ["".join(map(chr, part)) for part in np.split(codes, np.cumsum(lengths)[:-1])]
    jaccard, held = paired_shares(codes, lengths, 3)
    for place, (one, other) in enumerate(zip(folded[::2], folded[1::2], strict=True)):
        a, b = sets(one, 3), sets(other, 3)
        assert jaccard[place] == len(a & b) / len(a | b)
        assert held[place] == len(a & b) / min(len(a), len(b))


def test_texts_without_pieces_share_none():
    jaccard, held = paired_shares(*characters(["", "", "a b", "", "!!!", "word"]), 3)
    assert jaccard.tolist() == [0, 0, 0]
    assert held.tolist() == [0, 0, 0]


def test_ascii_texts_are_as_alike_as_the_way_for_any_script_says():
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefgh", k=rng.randint(1, 8))) for _ in range(60)]
    texts = [None, "", "a", *(". ".join(rng.choices(words, k=rng.choice([2, 6, 20, 70, 400]))) for _ in range(120))]
    texts += [text[len(text) // 10 :] + " Thanks." for text in texts[3:60]]
    column = pa.chunked_array([pa.array(texts, pa.string())])
    left, right = np.array([(rng.randrange(len(texts)), rng.randrange(len(texts))) for _ in range(3_000)]).T
    np.testing.assert_array_equal(_of_ascii(column, left, right), _of_any(column, left, right))
