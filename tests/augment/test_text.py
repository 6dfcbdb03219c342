import json
import subprocess
import sys

import numpy as np
import pytest

from curate.augment.operations import build, known
from curate.augment.operations.texts.chance import Chance
from curate.augment.operations.texts.layouts import keys
from curate.augment.operations.texts.look_alikes import look_alikes
from curate.augment.operations.words import join, split
from curate.errors import ConfigError

TEXT = "Please transfer 100 pounds to my brother, thanks!"
CHINESE = "今天天气很好我们去公园散步吧"
PLAIN = [
    "change_case", "crop_words", "delete_characters", "delete_words", "eda", "homoglyphs", "insert_characters",
    "insert_words", "keyboard_slips", "mask_words", "ocr_slips", "punctuation_noise", "random_case",
    "repeat_characters", "repeat_words", "replace_characters", "shuffle_sentences", "spelling_errors", "split_words",
    "swap_characters", "swap_words", "typos", "whitespace_noise", "width_forms",
]  # fmt: skip
"""Operations that change any English sentence without being told more."""


def edits(name, text, count=30, **settings):
    operation = build("text", {name: settings})
    return [operation.apply(text, operation.draw(np.random.default_rng(seed), text)) for seed in range(count)]


@pytest.mark.parametrize(
    "text",
    [TEXT, CHINESE, "a  b\n\tc ", "", "  ", "我用 Python 写 code。", "สวัสดีครับ", "か\u3099く", "(x) don't -- 10:30?"],
)
@pytest.mark.parametrize("segmenter", ["characters", "auto"])
def test_words_and_gaps_are_the_text(text, segmenter):
    words, gaps = split(text, segmenter)
    assert join(words, gaps) == text
    assert len(gaps) == len(words) + 1


def test_words_leave_punctuation_and_may_have_joints():
    assert split("Don't (ever) go at 10:30, e.g. today!")[0] == ["Don't", "ever", "go", "at", "10:30", "e.g", "today"]
    assert split("Was heißt „früh“?")[0] == ["Was", "heißt", "früh"]
    assert split("नमस्ते दुनिया।")[0] == ["नमस्ते", "दुनिया"]


def test_words_of_scripts_without_blanks_are_characters():
    assert split("我用 Python 写")[0] == ["我", "用", "Python", "写"]
    assert split("か\u3099く")[0] == ["か\u3099", "く"]
    assert split("안녕 하세요")[0] == ["안녕", "하세요"]


@pytest.mark.parametrize("text", [TEXT, CHINESE])
def test_swapping_keeps_words_and_deleting_loses_some(text):
    words = split(text)[0]
    for changed in edits("swap_words", text, fraction=0.3, segmenter="characters"):
        assert changed != text
        assert sorted(split(changed)[0]) == sorted(words)
    for changed in edits("delete_words", text, fraction=0.3, segmenter="characters"):
        left = split(changed)[0]
        assert 0 < len(left) < len(words)
        assert len(left) >= len(words) - round(0.3 * len(words)) - 1
        assert "  " not in changed
        assert changed == changed.strip()


def test_as_many_places_change_as_were_asked_for():
    for changed in edits("random_case", "abcdefghij" * 10, fraction=0.2):
        assert 1 <= sum(c.isupper() for c in changed) <= 20
    for changed in edits("delete_characters", "x" * 50, fraction=1.0):
        assert 1 <= len(changed) < 50
    for changed in edits("keyboard_slips", TEXT, fraction=0.2):
        assert all(a == b or b in keys("en")[a] for a, b in zip(TEXT, changed))
        assert 1 <= sum(a != b for a, b in zip(TEXT, changed)) <= 8
    for changed in edits("ocr_slips", "日本人の口 O0S", fraction=1.0):
        assert all(a == b or b in look_alikes()[a] for a, b in zip("日本人の口 O0S", changed))
    for changed in edits("split_words", TEXT, fraction=1.0):
        assert changed.replace(" ", "") == TEXT.replace(" ", "")
        assert changed.count(" ") > TEXT.count(" ")
    for changed in edits("swap_characters", "abcdefghij" * 10, fraction=1.0, max_changes=2):
        assert 2 <= sum(a != b for a, b in zip("abcdefghij" * 10, changed)) <= 4
    for changed in edits("mask_words", TEXT, fraction=0.5, mask="[MASK]"):
        assert 1 <= changed.count("[MASK]") <= 4
    for changed in edits("crop_words", "a b c d e f g h i j", fraction=0.5):
        assert changed in "a b c d e f g h i j"
        assert 5 <= len(split(changed)[0]) <= 9


def test_the_drawn_share_spreads_over_the_range():
    operation = build("text", {"random_case": {"fraction": 0.4}})
    text = "abcdefghij" * 20
    for share in (
        [operation.draw(np.random.default_rng(seed), text)["fraction"] for seed in range(400)],
        # Of a key the upper half decides whether the operation is done at all; the share must not follow it.
        [operation.drawn_by((seed << 100) + hash_of(seed), text)["fraction"] for seed in range(400)],
    ):
        assert 0.15 < np.mean(share) < 0.25
        assert min(share) < 0.04
        assert max(share) > 0.36


def hash_of(seed):
    return int(np.random.default_rng(seed).integers(2**63)) | 1 << 64


@pytest.mark.parametrize("name", PLAIN)
def test_an_english_sentence_changes_whatever_is_drawn(name):
    assert all(changed != TEXT for changed in edits(name, TEXT, count=100))


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_kept_stays_and_empty_texts_stay_empty(name):
    text = (
        "Dear Anna, pay {amount} at https://pay.example/x?id=1 or mail anna@example.com before 12.5 Friday, please do"
    )
    settings = {"keep": ["urls", "emails", "placeholders", "numbers", "Anna"], "keep_pattern": "Fri[a-z]+"}
    settings |= {"fraction": 0.5} if name != "change_case" else {}
    kept = ("https://pay.example/x?id=1", "anna@example.com", "{amount}", "12.5", "Anna", "Friday")
    for changed in edits(name, text, **settings):
        assert all(part in changed for part in kept), changed
    assert any(changed != text for changed in edits(name, text, **settings))
    assert set(edits(name, "")) == {""}
    assert set(edits(name, "ab", min_length=3)) == {"ab"}


def test_texts_that_are_kept_altogether_stay():
    for name in PLAIN:
        assert set(edits(name, "https://a.example/b", count=5)) == {"https://a.example/b"}, name


def test_strength_0_changes_nothing():
    operation = build("text", "swap_words")
    weak = operation.at(0.0)
    assert weak.apply(TEXT, weak.draw(np.random.default_rng(0), TEXT)) == TEXT


def test_a_long_text_and_odd_characters():
    text = "word \u0301 👩‍👩‍👧 \x00 \ud7ff \u200b" * 500
    for name in PLAIN:
        for changed in edits(name, text, count=2):
            assert changed.encode("utf-8").decode("utf-8") == changed


def test_case_is_that_of_the_word_and_of_the_text():
    assert set(edits("change_case", "hello there", to=["title"])) == {"Hello There"}
    assert set(edits("change_case", "HELLO THERE. YOU.", to=["sentence"])) == {"Hello there. You."}
    assert set(edits("change_case", "Hello {Name}", to=["upper", "lower"])) == {"HELLO {Name}", "hello {Name}"}
    assert set(edits("change_case", "hello", to=["lower"])) == {"hello"}


def test_punctuation_of_the_script():
    changed = edits("punctuation_noise", "今天会下雨吗？", count=60)
    assert {"今天会下雨吗?", "今天会下雨吗"} <= set(changed)
    assert not any("!" in text or "." in text for text in changed)
    assert all("?" not in text or "？" not in text for text in edits("punctuation_noise", "Is it late?", count=60))
    assert set(edits("punctuation_noise", "a, b.", changes=["drop"], fraction=0.01)) == {"a b.", "a, b"}
    assert all(changed != "no marks here" for changed in edits("punctuation_noise", "no marks here"))


def test_blanks():
    assert set(edits("whitespace_noise", "ab cd", changes=["drop"])) == {"abcd"}
    assert set(edits("whitespace_noise", "ab cd", changes=["double"])) == {"ab  cd"}
    assert set(edits("whitespace_noise", "ab", changes=["insert"])) == {"a b"}
    assert "今 天" in edits("whitespace_noise", "今天")


def test_sentences_clauses_words():
    text = "First one. Second one! Third?\nFourth."
    for changed in edits("shuffle_sentences", text):
        assert changed != text
        parts = ["First one.", "Second one!", "Third?", "Fourth."]
        assert all(part in changed for part in parts)
        assert len(changed) == len(text)
    assert set(edits("shuffle_sentences", "if it rains, we stay")) == {"we stayif it rains,"} or all(
        sorted(changed.replace(" ", "")) == sorted("ifitrains,westay")
        for changed in edits("shuffle_sentences", "if it rains, we stay")
    )
    assert set(edits("shuffle_sentences", "only three words", smallest="clauses")) == {"only three words"}
    assert set(edits("shuffle_sentences", "only three words")) == {"three words only", "words only three"}


def test_accents():
    assert set(edits("drop_accents", "Où est le café? Straße", fraction=1, count=60)) >= {"Ou est le cafe? Strase"}
    assert set(edits("drop_accents", "cafe\u0301")) == {"cafe"}
    assert set(edits("drop_accents", "plain")) == {"plain"}


def test_layouts_differ():
    german = edits("keyboard_slips", "zzzz", language="de", count=60)
    english = edits("keyboard_slips", "zzzz", count=60)
    assert set("".join(german)) - {"z"} == set(keys("de")["z"])
    assert set("".join(english)) - {"z"} == set(keys("en")["z"])
    assert keys("fr")["a"] != keys("en")["a"]
    assert "з" in keys("ru")["щ"]
    assert keys("en")["Q"].isupper() or keys("en")["Q"][0].isdigit()


def test_what_is_wrong_is_said():
    for settings, said in [
        ({"language": "xx"}, "unknown language"),
        ({"keep_pattern": "("}, "no regular expression"),
        ({"fraction": 0}, "greater than 0"),
        ({"min_length": 0}, "greater than or equal to 1"),
        ({"max_changes": 0}, "greater than or equal to 1"),
        ({"segmenter": "mecab"}, "'auto', 'jieba' or 'characters'"),
        ({"langauge": "en"}, "did you mean 'language'"),
    ]:
        with pytest.raises(ConfigError, match=said):
            build("text", {"swap_words": settings})


def test_chance_is_even_and_depends_on_the_seed_alone():
    assert [Chance(7).below(100) for _ in range(3)] == [Chance(7).below(100)] * 3
    counts = np.bincount([Chance(seed).below(10) for seed in range(5000)], minlength=10)
    assert counts.min() > 400
    assert counts.max() < 600
    places = [tuple(Chance(seed).places(6, 2)) for seed in range(3000)]
    assert len(set(places)) == 15
    assert min(places.count(pair) for pair in set(places)) > 120
    chance = Chance(3)
    assert np.bincount([chance.below(4) for _ in range(4000)]).min() > 900
    assert sorted(Chance(1).shuffled("abcdef")) == list("abcdef")
    assert len({"".join(Chance(seed).shuffled("abc")) for seed in range(100)}) == 6


def test_loading_the_operations_loads_no_heavy_package():
    code = (
        "import sys, json; from curate.augment.operations import known; known('text');"
        "print(json.dumps([m for m in ('torch','transformers','nlpaug','jieba','pypinyin','sklearn','scipy')"
        " if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_all_operations_are_described():
    assert len(known("text")) >= 30
    for name in known("text"):
        module = __import__("curate.augment.operations.text", fromlist=["OPERATIONS"])
        kind = module.OPERATIONS[name]
        assert (
            "Source:" in kind.__doc__
            or name in ("repeat_words", "random_case", "change_case", "whitespace_noise")
            or ("Cost:" in kind.__doc__)
        )
        assert all(field.description for field in kind.model_fields.values()), name
