"""text_quality: planted faults are found, real texts are left alone, reasons say where and tell no secrets."""

import re

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import curate
from benchmarks._planted_texts import PLANTS
from curate.checks.text_quality import ISSUES, TextQuality
from curate.checks.texts import endings, form, language
from curate.checks.texts.measured import Measured
from curate.errors import ConfigError
from curate.evidence import Evidence

SETS = {
    "banking77": ("banking77/train.parquet", 2000),
    "clinc150": ("clinc150/small.parquet", 2000),
    "sms_spam": ("sms_spam/sms.parquet", 2000),
    "xsid": ("xsid_multilingual/valid.parquet", 2000),
}
TRUE_OF_SMS = {"markup", "phone"}
"""What the messages truly hold: HTML entities, and telephone numbers."""


def find(texts, **settings):
    table = curate.load({"text": texts}, task=curate.Task(text="text", kind="unlabeled"))
    return TextQuality(**settings).find(Evidence(table))


def flagged(found, issue):
    return {line["row"]: line["reason"] for line in found.only(issue=issue).flagged.to_pylist()}


@pytest.fixture(scope="module")
def sets(shared_data):
    def rows(path, most):
        texts = pq.read_table(shared_data / path)["text"].to_pylist()
        return [texts[k] for k in np.random.default_rng(0).permutation(len(texts))[:most]]

    return {name: rows(path, most) for name, (path, most) in SETS.items()}


@pytest.mark.parametrize("name", ["banking77", "sms_spam", "xsid"])
def test_planted_faults_are_found(sets, name):
    texts, wanted = list(sets[name]), {}
    rng = np.random.default_rng(1)
    free = iter(rng.permutation(len(texts)).tolist())
    for issue, plant in PLANTS.items():
        if issue == "truncated":  # the longest texts of all are cut, so none may be longer
            continue
        wanted[issue] = [next(free) for _ in range(30)]
        for row in wanted[issue]:
            texts[row] = plant(sets[name][row], sets[name], rng)
    found = find(texts)
    shares = {issue: len(set(rows) & set(flagged(found, issue))) / len(rows) for issue, rows in wanted.items()}
    assert set(wanted) | {"truncated"} == set(ISSUES)
    assert {issue: share for issue, share in shares.items() if share < 0.95} == {}


@pytest.mark.parametrize("name", list(SETS))
def test_texts_cut_at_one_length_are_found(sets, name):
    cut = PLANTS["truncated"]
    for seed in range(2):
        texts, rng = list(sets[name]), np.random.default_rng(seed)
        for row in range(50):
            texts[row] = cut(texts[row], sets[name], rng)
        found = flagged(find(texts, max_language_margin=0, max_mixture_margin=0), "truncated")
        assert set(range(50)) <= set(found)
        assert len(set(found) - set(range(50))) <= 0.02 * len(texts)


def test_texts_cut_in_a_word_are_found(sets):
    texts = [*sets["banking77"], "Please tell me why my acco", "I would like to know about the"]
    found = flagged(find(texts, max_language_margin=0, max_mixture_margin=0), "truncated")
    assert re.fullmatch(
        r"ends in a part of a word: \d+ texts use a word that begins so, .*; characters 22-26: “acco”",
        found[len(texts) - 2],
    )
    assert re.match(
        r"ends with a word that ends 0\.\d\d% of its uses \(threshold 1%\); characters 27-30", found[len(texts) - 1]
    )


@pytest.mark.parametrize("name", list(SETS))
def test_untouched_real_texts_raise_few_alarms(sets, name):
    found = find(sets[name])
    shares = {issue: counts["share"] for issue, counts in found.summary["text_quality"].items()}
    assert set(shares) == set(ISSUES)
    loud = {issue: share for issue, share in shares.items() if share > 0.02}
    assert set(loud) <= (TRUE_OF_SMS if name == "sms_spam" else set())
    texts = sets[name]
    assert all(re.search(r"&\w+;", texts[row]) for row in flagged(found, "markup"))
    assert all(re.search(r"(?:\d[ ()./-]{0,2}){7}", texts[row]) for row in flagged(found, "phone"))


def test_a_set_of_many_languages_has_them_all(sets):
    found = find(sets["xsid"])
    assert set(found.facts["text_quality"]["languages"]) == {"ar", "da", "de", "en", "it", "nl", "tr", "zh"}
    assert set(flagged(find(sets["xsid"], languages=("en", "de")), "wrong_language")) > set()
    with pytest.raises(ConfigError, match="languages: 'english' is not among the codes of those that are known: ace,"):
        find(sets["xsid"], languages=("en", "english"))
    only = find(sets["xsid"], languages=("zh",))
    assert only.summary["text_quality"]["wrong_language"]["share"] > 0.8


SECRETS = {
    "email": ("ask jo.doe@mail.example.com now", "jo.doe@mail.example.com"),
    "phone": ("ring +44 20 7946 0958 after six", "+44 20 7946 0958"),
    "iban": ("pay to DE89 3704 0044 0532 0130 00 please", "DE89 3704 0044 0532 0130 00"),
    "card": ("my card 4111 1111 1111 1111 12/27 fails", "4111 1111 1111 1111"),
    "secret": ("the key is AKIAIOSFODNN7EXAMPLE ok", "AKIAIOSFODNN7EXAMPLE"),
}


@pytest.mark.parametrize("kind", list(SECRETS))
def test_reasons_say_where_a_secret_stands_and_not_what_it_is(kind):
    text, secret = SECRETS[kind]
    reason = flagged(find([text, "nothing of note here"]), kind)[0]
    start, end = map(int, re.search(r"characters (\d+)-(\d+)", reason).groups())
    assert text[start:end] == secret
    assert secret not in reason
    assert not re.search(r"\d{5}|\d{4} \d{4}|jo\.doe|IOSFODNN", reason)
    assert "threshold 1" in reason


def test_other_reasons_mask_secrets_too():
    text = "<b>mail jo.doe@example.com</b> or sk_live_abcdefghij0123456789 <i>x</i>"
    found = find([text, "fine"], max_repeated_fraction=0)
    assert found.flagged["row"].to_pylist() == [0] * len(found.flagged) != []
    assert all(
        "jo.doe" not in line["reason"] and "abcdefghij" not in line["reason"] for line in found.flagged.to_pylist()
    )
    repeated = find(["a" * 30 + " word", "fine"])
    assert flagged(repeated, "repeated")[0].startswith(
        "30 equal letters or digits in a row (threshold 12); characters 0-30"
    )


ODD = [
    "", " ", "\n\t", "?", "🙂", "🙂🙂🙂", "👨‍👩‍👧‍👦 family",
    "مرحبا بالعالم كيف حالك اليوم", "שלום עולם \u200f", "می‌خواهم بدانم", "x" * 100_000,
    "你好世界" * 50, "\u200b\u200b", "\ufeffstart", "a\x00b", "e\u0301" * 20,
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f flag",
    "1" * 5000, "- " * 4000, "<" * 2000, "word " * 3000,
]  # fmt: skip


@pytest.mark.parametrize("rows", [ODD[:1], ODD[5:6], ODD[:3], ODD, [None, "a b c"], [None] * 3])
def test_odd_texts_are_judged_and_nothing_fails(rows):
    found = find(rows)
    assert set(found.summary["text_quality"]) <= set(ISSUES)
    assert all(line["reason"] for line in found.flagged.to_pylist())


def test_scripts_emoji_and_joiners_are_no_faults():
    texts = [
        "🙂🙂🙂🙂🙂",
        "👨‍👩‍👧‍👦 family",
        "می‌خواهم بدانم چرا",
        "שלום עולם \u200f",
        "मैं क्षत्रिय हूँ",
        "ok 👍🏽",
        ODD[16],
        "\ufeffstart of file",
    ]
    found = find(texts, max_language_margin=0, max_mixture_margin=0)
    for issue in ("hidden_characters", "garbled", "empty", "mostly_symbols", "lookalike_letters", "mojibake"):
        assert flagged(found, issue) == {}, issue


HOSTILE = [
    "a@" * 200_000,
    "1 " * 200_000,
    "<a " * 150_000,
    "eyJ" * 100_000,
    "key=" * 100_000,
    "Ã¶" * 200_000,
    "((((" * 100_000,
]


def test_hostile_megabytes_are_judged():
    found = find([*HOSTILE, "a plain sentence"])
    assert found.summary["text_quality"]["mojibake"]["issues"] == 1
    assert len(found) == (len(ISSUES) - 1) * (len(HOSTILE) + 1)  # gibberish is judged by more texts than these


OFF = {
    "max_damage": "garbled", "max_mojibake": "mojibake", "max_hidden_characters": "hidden_characters",
    "max_lookalike_letters": "lookalike_letters", "max_markup": "markup", "max_language_margin": "wrong_language",
    "max_mixture_margin": "mixed_language", "max_passage_share": "boilerplate", "max_ending_share": "truncated",
    "max_digit_fraction": "mostly_digits", "min_alphabetic_fraction": "mostly_symbols", "length_spread": "too_long",
}  # fmt: skip


@pytest.mark.parametrize("setting", list(OFF))
def test_a_threshold_of_nothing_turns_its_issue_off(setting):
    texts = ["one plain sentence", "another <b>plain</b> sentence"]
    assert OFF[setting] in find(texts).summary["text_quality"]
    assert OFF[setting] not in find(texts, **{setting: 0}).summary["text_quality"]


def test_thresholds_do_what_they_say():
    texts = ["one two three", "one", "one two three four five six", "a <b>b</b>", "a <b>b"]
    assert set(flagged(find(texts, min_words=2), "too_short")) == {1}
    assert set(flagged(find(texts, max_words=5), "too_long")) == {2}
    assert set(flagged(find(texts, max_markup=2), "markup")) == {3}
    assert set(flagged(find(["mail a.b@example.org", "call +44 20 7946 0958"], contacts=("email",)), "email")) == {0}
    assert "phone" not in find(texts, contacts=("email",)).summary["text_quality"]
    assert set(flagged(find(["a.b@x.org", "a.b@x.org or c.d@x.org"], max_contacts=2), "email")) == {1}


def test_without_the_optional_packages_the_rest_is_judged(monkeypatch):
    monkeypatch.setattr(language, "find_spec", lambda name: None)
    monkeypatch.setattr(form, "find_spec", lambda name: None)
    found = find(["plain words here", "Ã¶ words"])
    assert {"wrong_language", "mixed_language", "mojibake"}.isdisjoint(found.summary["text_quality"])
    assert found.facts["text_quality"]["not_judged"].startswith("languages: the package py3langid")
    assert "text.language" in TextQuality(languages=("en",)).needs(curate.Task(text="text", kind="unlabeled"))


def test_one_wrong_decoding_is_one_finding():
    wrong = "It’s schön".encode().decode("latin1")  # holds control characters as parts of the wrong decoding
    found = find([wrong, "It\x07s", f"{wrong} and \ufffd"])
    assert set(flagged(found, "mojibake")) == {0, 2}
    assert set(flagged(found, "garbled")) == {1, 2}
    assert flagged(found, "garbled")[2].startswith("1 replacement or control character (")
    assert "�" in flagged(found, "garbled")[2]


def test_the_end_of_a_contraction_is_no_cut(sets):
    texts = [*sets["banking77"], "I asked for a refund but it didn't", "the card that you sent isn’t", "they won't"]
    found = flagged(find(texts, max_language_margin=0, max_mixture_margin=0), "truncated")
    assert not set(found) & set(range(len(texts) - 3, len(texts)))


def test_texts_of_one_template_are_not_cut():
    rng = np.random.default_rng(0)
    fixed = [f"Order {rng.integers(10**5, 10**6)} was shipped on 2024-{rng.integers(10, 13)}-{rng.integers(10, 29)}"
             " to the address that you gave us" for _ in range(180)]  # fmt: skip
    others = [f"Order {rng.integers(10**5, 10**6)} is late, we are sorry" for _ in range(120)]
    others += [f"Your order is on its way to {rng.choice(['Rome', 'Oslo', 'Paris'])}" for _ in range(100)]
    assert flagged(find([*fixed, *others]), "truncated") == {}


def test_texts_of_one_template_whose_end_begins_other_words_are_not_cut():
    rng = np.random.default_rng(0)
    fixed = [f"please pay invoice {rng.integers(10**5, 10**6)} to the account of the shop" for _ in range(100)]
    others = [f"{rng.choice(['shopping', 'shoppers', 'they'])} went {n} miles" for n in rng.integers(1, 99, 200)]
    assert flagged(find([*fixed, *others]), "truncated") == {}


def test_texts_cut_at_a_limit_are_found_with_and_without_signs():
    rng = np.random.default_rng(0)
    words = ("the card payment was refused when account money transfer arrived", "yesterday please tell why my bank")
    words = " ".join(words).split()
    for end in (".", ""):
        texts = [" ".join(rng.choice(words, int(rng.integers(4, 24)))) + end for _ in range(600)]
        cut = {row for row, text in enumerate(texts) if len(text) > 120}
        found = set(flagged(find([text[:120] for text in texts]), "truncated"))
        assert len(found & cut) >= 0.95 * len(cut) >= 20, end
        assert len(found - cut) <= 0.02 * len(texts)


def test_endings_are_judged_alike_in_blocks_of_any_size(sets, monkeypatch):
    texts = [text if row % 9 else f"{text[: len(text) // 2]}  " for row, text in enumerate(sets["banking77"][:900])]
    whole = find(texts).table
    for size in (1, 128):
        monkeypatch.setattr(endings, "BLOCK_TEXTS", size)
        assert find(texts).table.equals(whole)
    assert pc.sum(pc.equal(whole.filter(whole["is_issue"])["issue"], "truncated")).as_py() >= 20


def test_fractions_are_widened_when_they_are_looked_at_and_not_held(sets):
    table = curate.load({"text": sets["banking77"][:50]}, task=curate.Task(text="text", kind="unlabeled"))
    evidence = Evidence(table)
    m = Measured(evidence, ("words", "digit_fraction"), np.array([3, 1]))
    assert "digit_fraction" in m
    assert "characters" not in m
    with pytest.raises(KeyError):
        m["characters"]
    assert m["digit_fraction"].dtype == np.float64
    assert m["digit_fraction"] is not m["digit_fraction"]
    assert np.array_equal(m["digit_fraction"], evidence.measure("text.digit_fraction")[[3, 1]])
    assert m["words"].tolist() == evidence.measure("text.words")[[3, 1]].tolist()
    assert dict(m).keys() == {"words", "digit_fraction"}
    assert len(m) == 2


ENGLISH = "The weather is fine today and we go to the lake with all of our children."
GERMAN = "Das Wetter ist heute schön und wir gehen mit allen unseren Kindern an den See."


@pytest.mark.parametrize("pairs", [3, 17])
def test_texts_that_are_all_in_two_languages_are_translations(pairs):
    texts = [f"{ENGLISH} {GERMAN} {k}" if k < pairs else f"{ENGLISH} {k}" for k in range(20)]
    found = find(texts)
    assert len(flagged(found, "mixed_language")) == (pairs if pairs < 10 else 0)
    told = found.facts["text_quality"].get("not_judged", "")
    assert told.startswith("mixed_language: most texts are in several languages") == (pairs > 10)
