"""text.minhash: it estimates the overlap of pieces in any script, and sees through case, forms and punctuation."""

import random

import numpy as np
import pyarrow as pa
import pytest

from curate.evidence.measures.text_shingles import BINS, LETTERED, TextShingles, characters, shingles


def prints(texts):
    return TextShingles().measure(pa.array(texts, pa.string()))["text.minhash"]


def pieces(text, letters=4):
    return set(shingles(*characters([text]), letters)[0].tolist())


def folded(text):
    return "".join(map(chr, characters([text])[0]))


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("  Hello,   WORLD!! ", " hello world "),
        ("Ｈｅｌｌｏ ﬁne", " hello fine "),
        ("你 好，世界 iPhone 手机", "你好世界iphone手机"),
        ("한국어 문장.", " 한국어 문장 "),
        ("$5 & 3 > 2", " $5 3 > 2 "),
        ("...", " "),
        ("", " "),
    ],
)
def test_what_is_compared(text, compared):
    assert folded(text) == compared


def test_the_agreement_estimates_the_exact_jaccard_index():
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(400)]
    left, right, exact = [], [], []
    for size in (8, 30, 80):
        for _ in range(60):
            text = rng.choices(words, k=size)
            other = [word if rng.random() > 0.2 else rng.choice(words) for word in text]
            left.append(" ".join(text))
            right.append(" ".join(other))
            a, b = pieces(left[-1]), pieces(right[-1])
            exact.append(len(a & b) / len(a | b))
    error = (prints(left) == prints(right)).mean(1) - np.array(exact)
    assert abs(error.mean()) < 0.01
    assert error.std() < 0.05


def test_it_agrees_with_rensa_on_the_same_pairs():
    rensa = pytest.importorskip("rensa")
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(400)]
    texts = [" ".join(rng.choices(words, k=60)) for _ in range(60)]
    edits = [" ".join(w if rng.random() > 0.15 else rng.choice(words) for w in text.split()) for text in texts]
    ours = (prints(texts) == prints(edits)).mean(1)

    def sketch(text):
        minhash = rensa.RMinHash(num_perm=256, seed=7)
        minhash.update([str(piece) for piece in sorted(pieces(text))])
        return minhash

    theirs = np.array([sketch(a).jaccard(sketch(b)) for a, b in zip(texts, edits, strict=True)])
    assert abs((ours - theirs).mean()) < 0.02
    assert np.corrcoef(ours, theirs)[0, 1] > 0.6


def test_rows_do_not_depend_on_each_other_and_missing_ones_are_zero():
    texts = ["one text of some length", None, "", "!!!", "你好世界", "👍👍", "x", "a much longer text " * 30]
    together = prints(texts)
    assert together.shape == (8, BINS)
    assert together.dtype == np.uint8
    assert not together[1:4].any()
    assert together[[0, 4, 5, 6, 7]].any(1).all()
    for place, text in enumerate(texts):
        np.testing.assert_array_equal(together[place], prints([text])[0])


def test_a_long_text_is_cut_off_and_costs_no_more_than_its_length():
    assert (prints(["a b c d " * 200]) == prints(["a b c d " * 100_000])).all()


def test_the_characters_of_the_folded_text_are_counted_where_it_has_a_print():
    texts = ["ab", "  A,  b -- ", "你好 吗", "", None, "x" * (LETTERED + 1)]
    counted = TextShingles().measure(pa.array(texts, pa.string()))["text.folded_characters"]
    assert counted.dtype == np.int32
    assert counted.tolist() == [len(" ab "), len(" a b "), 3, 1, 1, 0]
