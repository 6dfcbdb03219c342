"""Sequences of three letters: counted once for all their letters, they say what letters one by one would say."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from curate.checks.texts import letter_model
from curate.checks.texts.corpus import learn
from curate.checks.texts.letter_model import LetterModel, Sequences
from curate.checks.texts.wording import letters
from curate.evidence.measures.text_codes import blocks

TEXTS = ["Hello, world", "a b", "", "don't", "Grüße aus Köln", "1a2b", "слово слово", "한국어 문장", "x", "-", "hello"]


def sequences_of(texts):
    [(_, codes)] = blocks(pa.array(texts, pa.string()))
    return Sequences.of(codes)


def plainly(texts):
    """For each text the letters with the two before them in their word, 0 where there are none."""
    found = []
    for text in texts:
        before, own = [0, 0], []
        for letter in text.lower():
            if letter.isalpha():
                own.append((before[0] if before[1] else 0, before[1], ord(letter)))
                before = [before[1], ord(letter)]
            else:
                before = [0, 0]
        found.append(own)
    return found


@pytest.mark.parametrize("numbered", [0, 1 << 21])
def test_each_letter_is_known_with_the_two_before_it(numbered, monkeypatch):
    monkeypatch.setattr(letter_model, "MOST_NUMBERED", numbered)
    sequences = sequences_of(TEXTS)
    assert len(np.unique(sequences.points, axis=1).T) == sequences.points.shape[1]
    letters = [tuple(line) for line in sequences.points[:, sequences.which].T.tolist()]
    expected = plainly(TEXTS)
    assert letters == [line for own in expected for line in own]
    assert sequences.row.tolist() == [row for row, own in enumerate(expected) for _ in own]


def test_counts_are_those_of_the_chosen_texts():
    sequences, chosen = sequences_of(TEXTS), np.arange(len(TEXTS)) % 2 == 0
    expected = Counter(line for own in plainly(TEXTS)[::2] for line in own)
    points = [tuple(line) for line in sequences.points.T.tolist()]
    counts = dict(zip(points, sequences.counts(chosen).tolist(), strict=True))
    assert {line: count for line, count in counts.items() if count} == expected


def test_a_model_says_what_its_counts_say():
    learned = ["the cat sat on the mat", "then that hat"]
    model, sequences = LetterModel(), sequences_of(learned)
    model.learn(sequences, sequences.counts(np.ones(2, dtype=bool)))
    three = Counter(line for own in plainly(learned) for line in own)
    two, one = Counter(), Counter()
    for (_, b, c), count in three.items():
        two[b, c] += count
        one[c] += count
    bits = []
    for a, b, c in plainly(["that"])[0]:
        single = (one[c] + 0.05) / (one.total() + 50)
        pair = (two[b, c] + 5 * single) / (one[b] + 5)
        bits.append(-math.log2(min((three[a, b, c] + 5 * pair) / (two[a, b] + 5), 1)))
    asked = sequences_of(["that", ""])
    sums, counts = asked.sums(model.surprise(asked))
    assert counts.tolist() == [4, 0]
    assert sums == pytest.approx([sum(bits), 0])


def test_texts_of_a_sample_and_beyond_are_judged_by_words_as_they_are_letter_by_letter():
    sample, other = TEXTS * 3, ["hello mouse, don't", "", "слово 1a2b 文"]
    corpus = learn(pa.array(sample, pa.large_string()))
    found = letters(pa.array([*sample, *other]), corpus, np.r_[np.arange(len(sample)), [-1] * len(other)])
    bits = []
    for place, text in enumerate([*sample, *other]):
        model, sequences = corpus.letters[place % 2 if place < len(sample) else 0], sequences_of([text])
        own = model.surprise(sequences)[sequences.which]
        bits.append(own.mean() if len(own) else 0)
        assert corpus.surprise[1][place] == len(own) if place < len(sample) else True
    assert found.bits == pytest.approx(bits)


def test_the_models_of_a_corpus_learn_one_half_of_the_texts_each():
    corpus, halves = learn(pa.array(TEXTS, pa.large_string())), (TEXTS[1::2], TEXTS[::2])
    for model, texts in zip(corpus.letters, halves, strict=True):
        plain, sequences = LetterModel(), sequences_of(texts)
        plain.learn(sequences, sequences.counts(np.ones(len(texts), dtype=bool)))
        assert (model.three == plain.three).all()
        assert model.total == plain.total


def test_words_of_a_corpus_are_counted_by_texts_uses_and_ends():
    corpus = learn(pa.array(["the cat the", "a cat", "The dog!", "", "cat cat cat"], pa.large_string()))
    [(_, codes)] = blocks(pa.array(["the", "cat", "dog", "a", "mouse"]))
    places = corpus.places(codes.spans(*codes.words))
    assert (np.diff(corpus.hashes.astype(object)) > 0).all()
    assert places[4] == -1
    counted = np.stack([corpus.rows, corpus.uses, corpus.ends])[:, places[:4]].T
    assert counted.tolist() == [[2, 3, 1], [3, 5, 2], [1, 1, 1], [1, 1, 0]]
