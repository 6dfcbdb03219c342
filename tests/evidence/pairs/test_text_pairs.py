"""Near-duplicate texts: edits are found, unlike texts are not, and no bucket makes all pairs."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.evidence.measures import by_field
from curate.evidence.pairs import floor_of, text
from curate.evidence.pairs._banding import WIDEST, WINDOW, band_rows, bands, candidates, distinct
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

    def rows_of(self, name):
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


@pytest.mark.parametrize("numbers", [32, 128])
def test_bands_of_a_width_share_no_number_and_begin_as_narrower_ones_do(numbers):
    for width in range(1, WIDEST + 1):
        made = bands(numbers, width)
        assert len(made) == numbers // width
        assert len({place for band in made for place in band}) == len(made) * width
        if width > 1:
            assert all(wide[:-1] == narrow for wide, narrow in zip(made, bands(numbers, width - 1), strict=False))


def alike_rows(rows, seed=0):
    """Prints of so many rows that are all somewhat alike: many share a bucket, more than the window takes."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((rows, 128)) < 0.6, rng.integers(0, 256, 128), rng.integers(0, 256, (rows, 128))).astype(
        np.uint8
    )


@pytest.mark.parametrize("width", [2, 3, 4])
def test_wider_bands_give_no_pair_that_narrower_ones_did_not_give(width):
    prints = alike_rows(600)
    narrow, wide = (set(zip(*map(np.ndarray.tolist, candidates(prints, 0.2, w)))) for w in (width, width + 1))
    assert wide < narrow
    assert len(wide) > 600 * WINDOW


def test_a_set_that_passes_a_step_of_the_width_meets_no_new_pair_of_its_old_rows():
    prints = alike_rows(606)
    order = np.random.default_rng(1).permutation(606)  # new rows come to stand between the old ones
    old = order[order < 600]
    pairs = {}
    for rows, width in ((old, 3), (order, 4)):
        left, right = (rows[places] for places in candidates(prints, 0.4, width, rows))
        pairs[width] = set(zip(np.minimum(left, right).tolist(), np.maximum(left, right).tolist()))
    assert {pair for pair in pairs[4] if max(pair) < 600} <= pairs[3]
    assert any(max(pair) >= 600 for pair in pairs[4])


def test_numbers_that_do_not_fit_into_a_key_meet_all_the_same():
    prints = np.random.default_rng(0).integers(0, 2**32, (500, 64), dtype=np.uint32)
    prints[250:, 5] = prints[:250, 5]
    left, right = candidates(prints, 1 / 64, 1)
    assert left.tolist() == list(range(250))
    assert right.tolist() == list(range(250, 500))


def test_each_row_may_need_an_agreement_of_its_own():
    prints = np.zeros((3, 10), dtype=np.uint8)
    prints[:, 5:] = np.arange(15).reshape(3, 5)  # half of the numbers agree
    assert len(candidates(prints, 0.6, 1)[0]) == 0
    left, right = candidates(prints, np.array([0.6, 0.6, 0.5]), 1)
    assert set(zip(left.tolist(), right.tolist())) == {(0, 2), (1, 2)}


def candidates_by_likeness(size, asked):
    """200 texts of `size` words and 200 more that begin as they do: their similarity, and for each asked one how many
    are candidates by their letters."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(3_000)]
    lines = [rng.choices(words, k=size) for _ in range(200)]
    same = size * 45 // 100
    lines += [line[:same] + rng.choices(words, k=size - same) for line in lines]
    texts = [" ".join(line) for line in lines]
    letters, characters, words = (by_field(name).measure(pa.array(texts))[name] for name in text.NEEDS)
    one, other = np.arange(200), np.arange(200, 400)
    found = []
    for least in asked:
        left, right = text.candidate_pairs(letters, characters, np.zeros_like(words), np.arange(400), least)
        found.append(int((right - left == 200).sum()))
    return text_similarity(pa.chunked_array([pa.array(texts)]), one, other), found


def test_long_texts_that_cannot_be_as_alike_as_asked_are_no_candidates():
    floor = floor_of(text.MIN_SIMILARITY)
    similarity, (all_alike, of_interest) = candidates_by_likeness(60, (0.2, floor))
    assert similarity.max() < floor
    assert of_interest < 0.5 * all_alike
    _, (all_alike, of_interest) = candidates_by_likeness(25, (0.2, floor))  # a sentence may be cut off short ones
    assert of_interest == all_alike > 0


def test_hardly_a_pair_of_long_texts_is_lost_at_the_floor():
    """Typos everywhere: the pieces of five letters suffer most, by which long texts are compared."""
    rng = random.Random(0)
    words = [f"{a}{b}{c}{d}" for a in "bdfgklmnprst" for b in "aeiou" for c in "nrstlmdk" for d in ("", "er", "ing")]
    texts = [" ".join(rng.choices(words, k=70)) for _ in range(300)]
    edited = ["".join(rng.choice("aeiou") if rng.random() < 0.07 else letter for letter in line) for line in texts]
    similarity = text_similarity(pa.chunked_array([pa.array(texts + edited)]), np.arange(300), np.arange(300, 600))
    floor = floor_of(text.MIN_SIMILARITY)
    close = {(int(row), int(row) + 300) for row in np.flatnonzero((similarity >= floor) & (similarity < floor + 0.1))}
    assert len(close) > 50
    assert len(close & found(texts + edited, floor)) >= 0.95 * len(close)


def test_distinct_keys_are_those_of_numpy():
    keys = np.random.default_rng(0).integers(-50, 50, 400)
    assert distinct(keys).tolist() == np.unique(keys).tolist()
    assert distinct(keys[:0]).tolist() == []


def test_how_many_pairs_are_compared_at_once_changes_nothing(monkeypatch):
    from curate.evidence.pairs import _overlap

    rng = np.random.default_rng(0)
    words = ["card", "payment", "transfer", "balance", "Straße", "façade", "naïve", "account", "money", "bank"]
    texts = [" ".join(rng.choice(words, 8)) + "." for _ in range(40)]
    texts += [f"Hello there. {text}" for text in texts] + [f"{text} Thanks a lot!" for text in texts[:20]]
    left, right = np.triu_indices(len(texts), 1)
    column = pa.chunked_array([texts])
    at_once = _overlap.text_similarity(column, left, right)
    monkeypatch.setattr(_overlap, "PAIRED_CHARACTERS", 100)
    monkeypatch.setattr(_overlap, "PLAIN_PAIRS", 7)
    assert np.array_equal(_overlap.text_similarity(column, left, right), at_once)
    assert (at_once > 0.9).any()
