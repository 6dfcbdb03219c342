"""Near-duplicate texts: edits are found, unlike texts are not, and no bucket makes all pairs."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.evidence.measures import by_field
from curate.evidence.pairs import text
from curate.evidence.pairs._banding import WINDOW, band_rows, candidates, distinct
from curate.evidence.pairs._overlap import text_similarity


class Texts:
    """As much of the evidence as the method asks for."""

    def __init__(self, texts):
        self._column = pa.chunked_array([pa.array(texts, pa.string())])
        self.table = self

    task = type("Task", (), {"text": "text"})
    store = None

    def column(self, name):
        return self._column

    def measure(self, name):
        return by_field(name).measure(self._column.combine_chunks())[name]


def similarity(a, b):
    return float(text_similarity(pa.chunked_array([pa.array([a, b], pa.string())]), np.array([0]), np.array([1]))[0])


def found(texts, least=text.MIN_SIMILARITY):
    pairs = text.find(Texts(texts), np.arange(len(texts)), least)
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def case(sentence, rng):
    return rng.choice([sentence.upper(), "  " + sentence.title() + " !!", sentence.lower().replace(",", "")])


def typo(sentence, rng):
    words = sentence.split()
    for _ in range(max(1, len(words) // 20)):
        place = rng.choice([i for i, word in enumerate(words) if len(word) > 2] or [0])
        word = words[place]
        at = rng.randrange(max(1, len(word) - 1))
        words[place] = rng.choice([word[:at] + word[at + 1 :], word[:at] + rng.choice("aeiou") + word[at + 1 :]])
    return " ".join(words)


def appended(sentence, rng):
    return rng.choice(["{} Thanks.", "{} Please help.", "Hello, {}", "{} Any help is appreciated!"]).format(sentence)


def truncated(sentence, rng):
    words = sentence.split()
    gone = max(1, round(len(words) * 0.12))
    return " ".join(words[gone:] if rng.random() < 0.5 else words[:-gone])


EDITS = {"case": case, "typo": typo, "appended": appended, "truncated": truncated}


@pytest.mark.parametrize("name", ["banking77/train.parquet", "sms_spam/sms.parquet"])
def test_edits_of_real_texts_are_found(shared_data, name):
    rng = random.Random(0)
    whole = sorted(set(pq.read_table(shared_data / name)["text"].to_pylist()))
    base = rng.sample([line for line in whole if len(line.split()) > 2], 600)
    texts = base + [edit(line, rng) for edit in EDITS.values() for line in base]
    pairs = np.array(sorted(found(texts)))
    origin = np.arange(len(texts)) % len(base)
    same = origin[pairs[:, 0]] == origin[pairs[:, 1]]
    first = pairs[same & (pairs[:, 0] < len(base))]
    for number, edit in enumerate(EDITS):
        recall = (first[:, 1] // len(base) == number + 1).sum() / len(base)
        assert recall >= 0.95, (edit, recall)
    assert (~same).sum() <= 1e-4 * len(texts) * (len(texts) - 1) / 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I activate my card?", "How do I activate my phone?"),
        ("What is my balance", "What is the weather"),
        ("Thanks", "Thanks a lot for your help with the transfer I made last week, it arrived today"),
        ("你好世界", "再见朋友"),
    ],
)
def test_unlike_texts_stay_below_the_threshold(one, other):
    assert similarity(one, other) < text.MIN_SIMILARITY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my card?", "where is MY card"),
        ("今天天气很好，我们去公园散步吧。", "今天天气很好我们去公园散步"),
        ("วันนี้อากาศดีมากเราไปเดินเล่นในสวนกันเถอะ", "วันนี้อากาศดีมากเราไปเดินเล่นในสวนกัน"),
        ("오늘 날씨가 아주 좋아요 공원에 갑시다", "오늘 날씨가 아주 좋아요, 공원에 갑시다!"),
        (
            "I still have not received my new card",
            "I still have not received my new card. Please help, it is urgent",
        ),
    ],
)
def test_edits_in_any_script_are_above_it(one, other):
    assert similarity(one, other) >= text.MIN_SIMILARITY
    assert found([one, other]) == {(0, 1)}


def test_similarity_is_symmetric_exact_and_independent_of_the_batch():
    rng = random.Random(0)
    words = ["red", "blue", "green", "small", "large", "round", "flat", "soft", "hard", "old", "new", "bright", "dark"]
    texts = [" ".join(rng.choices(words, k=rng.choice([5, 12, 80]))) for _ in range(80)] + ["", None]
    column = pa.chunked_array([pa.array(texts, pa.string())])
    left, right = np.array([(i, j) for i in range(82) for j in range(82)]).T
    together = text_similarity(column, left, right).reshape(82, 82)
    np.testing.assert_array_equal(together, together.T)
    assert (together.diagonal()[:80] == 1).all()
    assert not together[80:].any()
    for i, j in ((0, 1), (5, 40), (33, 2)):
        assert together[i, j] == text_similarity(column, np.array([i]), np.array([j]))[0]


def test_candidates_find_what_is_alike_and_boilerplate_does_not_explode():
    rng = np.random.default_rng(0)
    prints = rng.integers(0, 2**16, (3_000, 128)).astype(np.uint16)
    prints[1_000:2_000] = prints[:1_000]
    prints[1_000:2_000, :40] = rng.integers(0, 2**16, (1_000, 40))  # 0.69 of the numbers agree
    prints[2_000:] = prints[2_000]  # a thousand times the same
    left, right = candidates(prints, 0.5, band_rows(3_000))
    assert len(left) <= 1_000 * (WINDOW + 1) + 1_100
    pairs = set(zip(left.tolist(), right.tolist(), strict=True))
    assert sum((i, i + 1_000) in pairs for i in range(1_000)) >= 990
    assert {(2_000, row) for row in range(2_001, 3_000)} <= pairs


def test_the_order_of_rows_plays_no_part():
    rng = random.Random(0)
    base = [" ".join(rng.choices(["abc", "def", "ghi", "jkl", "mno", "pqr", "stu", "vwx"], k=14)) for _ in range(60)]
    texts = base + [typo(line, rng) for line in base]
    moved = list(range(len(texts)))
    rng.shuffle(moved)
    swapped = {tuple(sorted((moved[a], moved[b]))) for a, b in found([texts[i] for i in moved])}
    assert swapped == found(texts)


def test_a_sentence_more_is_no_other_text_but_a_few_words_more_are():
    request = "please delete my account"
    assert similarity(request, "Hi there, please delete my account") >= text.MIN_SIMILARITY
    assert similarity(request, "please delete my account. Thank you very much in advance!") >= text.MIN_SIMILARITY
    assert similarity("How do I top up?", "How do I top up with a cheque or a gift card?") < text.MIN_SIMILARITY
    assert similarity("Can I change my PIN?", "Can I change my PIN when I am out of the country?") < text.MIN_SIMILARITY


def test_an_excerpt_of_a_long_document_is_no_copy_of_it():
    long = " ".join(f"Row {number} ends." for number in range(12_000))
    assert similarity(long, long[:190]) < text.MIN_SIMILARITY


def test_candidates_among_some_rows_are_those_of_their_copies():
    rng = np.random.default_rng(0)
    prints = rng.integers(0, 4, (2_000, 32)).astype(np.uint8)
    prints[1_000:] = np.where(rng.random((1_000, 32)) < 0.1, rng.integers(0, 4, (1_000, 32)), prints[:1_000])
    rows = np.sort(rng.choice(2_000, 1_500, replace=False))
    copied = candidates(prints[rows], 0.6, 3)
    found = candidates(prints, 0.6, 3, rows)
    assert len(found[0]) > 400
    assert all((one == other).all() for one, other in zip(found, copied))


def test_distinct_keys_are_those_of_numpy():
    keys = np.random.default_rng(0).integers(-50, 50, 400)
    assert distinct(keys).tolist() == np.unique(keys).tolist()
    assert distinct(keys[:0]).tolist() == []
