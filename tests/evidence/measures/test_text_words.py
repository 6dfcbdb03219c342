"""text.word_minhash: it estimates the overlap of pairs of words of longer texts, in any script."""

import random

import numpy as np
import pyarrow as pa

from curate.evidence.measures.text_shingles import BINS, LETTERED, TextShingles
from curate.evidence.measures.text_words import WORDED, TextWords, word_pairs

RNG = random.Random(0)
WORDS = ["".join(RNG.choices("abcdefghijklmnop", k=RNG.randint(2, 9))) for _ in range(2_000)]


def prints(texts):
    return TextWords().measure(pa.array(texts, pa.string()))["text.word_minhash"]


def agreement(one, other):
    left, right = prints([one, other])
    return (left == right).mean()


def test_the_agreement_estimates_the_exact_jaccard_index():
    left, right, exact = [], [], []
    for _ in range(150):
        text = RNG.choices(WORDS, k=RNG.randint(80, 300))
        other = [word if RNG.random() > 0.1 else RNG.choice(WORDS) for word in text]
        a, b = ({*zip(words, [*words[1:], None])} for words in (text, other))
        left.append(" ".join(text))
        right.append(" ".join(other))
        exact.append(len(a & b) / len(a | b))
    error = (prints(left) == prints(right)).mean(1) - np.array(exact)
    assert abs(error.mean()) < 0.01
    assert error.std() < 0.05


def test_case_punctuation_and_white_space_are_set_aside():
    text = " ".join(RNG.choices(WORDS, k=80))
    changed = "  " + text.upper().replace(" ", ",  ", 20).replace(" ", "\n", 40) + " !?"
    assert agreement(text, changed) == 1


def test_quotes_dashes_and_accents_beyond_ascii_do_not_tell_texts_apart():
    words = RNG.choices(WORDS, k=80)
    plain, typographic = " ".join(words), "“" + " ".join(words[:40]) + "” — " + " ".join(words[40:]) + "…"
    assert agreement(plain, typographic) == 1
    assert agreement(plain, plain.replace("e", "é", 1)) > 0.9


def test_scripts_without_spaces():
    chinese = "".join(RNG.choices([chr(code) for code in range(0x4E00, 0x4E00 + 800)], k=300))
    thai = "".join(RNG.choices([chr(code) for code in range(0x0E01, 0x0E2F)], k=300))
    for text in (chinese, thai):
        assert agreement(text, text[:150] + text[155:]) > 0.85
        assert agreement(text, "".join(RNG.sample(text, len(text)))) < 0.2


def test_rows_do_not_depend_on_each_other_and_short_ones_are_zero():
    long = " ".join(WORDS[:60])
    texts = [long, None, "short", "", "?" * 500, "长" * 300, long + " é", "x" * 400, " ".join(WORDS[100:900])]
    together = prints(texts)
    assert together.shape == (9, BINS)
    assert together.dtype == np.uint8
    assert not together[1:5].any()
    assert together[[0, 5, 6, 7, 8]].any(1).all()
    for place, text in enumerate(texts):
        np.testing.assert_array_equal(together[place], prints([text])[0])
    assert (together[0] == together[6]).mean() > 0.9


def test_every_text_has_a_print_of_letters_or_of_words_and_those_between_have_both():
    texts = ["word " * (size // 5) for size in (WORDED - 5, WORDED, LETTERED, LETTERED + 5)]
    by_letters = TextShingles().measure(pa.array(texts))["text.minhash"].any(1)
    assert by_letters.tolist() == [True, True, True, False]
    assert prints(texts).any(1).tolist() == [False, True, True, True]


def test_the_last_word_counts():
    hashes, owner = word_pairs(["one two", "one", "", "one two three"])
    assert owner.tolist() == [0, 0, 1, 3, 3, 3]
    assert hashes[0] == hashes[3]
    assert len({*hashes.tolist()}) == 5
