import numpy as np
import pytest

from curate.augment.operations import build
from curate.augment.operations.words import KEYS, LOOK_ALIKES, join, split

TEXT = "Please transfer 100 pounds to my brother, thanks!"
CHINESE = "今天天气很好我们去公园散步吧"


def edits(name, text, count=30, **settings):
    operation = build("text", {name: settings})
    return [operation.apply(text, operation.draw(np.random.default_rng(seed), text)) for seed in range(count)]


@pytest.mark.parametrize(
    "text", [TEXT, CHINESE, "a  b\n\tc ", "", "  ", "我用 Python 写 code。", "สวัสดีครับ", "か\u3099く"]
)
def test_words_and_gaps_are_the_text(text):
    words, gaps = split(text)
    assert join(words, gaps) == text
    assert len(gaps) == len(words) + 1


def test_words_of_scripts_without_blanks_are_characters():
    assert split("我用 Python 写")[0] == ["我", "用", "Python", "写"]
    assert split("か\u3099く")[0] == ["か\u3099", "く"]
    assert split("안녕 하세요")[0] == ["안녕", "하세요"]


@pytest.mark.parametrize("text", [TEXT, CHINESE])
def test_swapping_keeps_words_and_deleting_loses_some(text):
    words = split(text)[0]
    for changed in edits("swap_words", text, fraction=0.3):
        assert changed != text
        assert sorted(split(changed)[0]) == sorted(words)
    for changed in edits("delete_words", text, fraction=0.3):
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
        assert all(a == b or b in KEYS[a] for a, b in zip(TEXT, changed))
        assert len(changed) == len(TEXT)
    for changed in edits("ocr_slips", "日本人の口 O0l1", fraction=1.0):
        assert all(a == b or b in LOOK_ALIKES[a] for a, b in zip("日本人の口 O0l1", changed))
    for changed in edits("split_words", TEXT, fraction=1.0):
        assert changed.replace(" ", "") == TEXT.replace(" ", "")
        assert changed.count(" ") > TEXT.count(" ")


@pytest.mark.parametrize("name", ["swap_words", "delete_words", "ocr_slips", "swap_characters", "delete_characters"])
def test_chinese_is_changed_too(name):
    text = CHINESE + "日曰未末"
    assert all(changed != text for changed in edits(name, text))
