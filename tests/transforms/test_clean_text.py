import re
import sys

import pyarrow.parquet as pq
import pytest

from curate.errors import DataError, MissingPackage
from curate.transforms.clean_text import CleanText

OFF = {"unicode": "none", "control": False, "whitespace": "none"}


def cleaned(table_of, texts, **settings):
    table = table_of({"text": texts}, text="text")
    return CleanText(**settings).apply(table).column("text").to_pylist()


@pytest.mark.parametrize(
    ("settings", "before", "after"),
    [
        ({"unicode": "NFC"}, "a\u0301 ＡＢ ﬁ", "á ＡＢ ﬁ"),
        ({"unicode": "NFKC"}, "a\u0301 ＡＢ ﬁ", "á AB fi"),
        ({"control": True}, "\ufeffa\u200bb\x00c\u202ed\tे\u200d", "abcd\tे\u200d"),
        ({"markup": True}, "<p>Hi <b>y</b>ou</p><script>a<b</script>&amp; &#228;", "\nHi you\n & ä"),
        ({"markup": True}, "a < b > c <me@home.org> Set<Int> <3 R&D", "a < b > c <me@home.org> Set<Int> <3 R&D"),
        ({"markup": True}, "<a href=\"x>y\" title='>'>link</a><br/>z<!-- n\no -->", "link\nz "),
        ({"whitespace": "collapse"}, "  a\u00a0 b\r\n\n\tc\u3000d ", "a b c d"),
        ({"whitespace": "lines"}, " a \t b \r\n\n\n\n c\u2028d ", "a b\n\nc\nd"),
        ({"case": "lower"}, "ÀB ẞ", "àb ß"),
        ({"case": "upper"}, "àb", "ÀB"),
        ({"case": "fold"}, "Straße ΣΣ", "strasse σσ"),
        ({"accents": True}, "Éclair Ñandú Việt ά й が हिन्दी กำ", "Eclair Nandu Viet α й が हिन्दी กำ"),
        ({"punctuation": True}, "“a” ‘b’ «c» – — … −5", "\"a\" 'b' \"c\" - - ... -5"),
        ({"urls": "<url>"}, "at https://a.org/x?y=1. or www.b.de, 看http://t.cn/c好", "at <url>. or <url>, 看<url>好"),
        ({"emails": "<mail>"}, "to me.too@a-b.co.uk, not @me or a@b", "to <mail>, not @me or a@b"),
        ({"mentions": "@u"}, "@ann and @张三: a@b.org (@bob)", "@u and @u: a@b.org (@u)"),
        ({"numbers": "<n>"}, "2 2 3,000.50 b2b 第3章 12:30 ٣٤ covid19", "<n> <n> <n> b2b 第<n>章 <n> <n> covid19"),
        ({"numbers": ""}, "a 12 b", "a  b"),
        ({"urls": "\\1"}, "www.a.org", "\\1"),
        ({"emoji": "remove"}, "hi 👍🏽 👨\u200d👩\u200d👧 🇩🇪 1️⃣ ☀️ © 3", "hi      © 3"),
        ({"emoji": "name"}, "ok 😀👍🏽", "ok :grinning_face::thumbs_up_sign:"),
        ({"repeats": 2}, "soooo goood!!!! 10000 哈哈哈哈。。。", "soo good!! 10000 哈哈。。"),
        ({"markdown": True}, "# T\n**b** *i* _j_ `c` [l](u(1)) ![p](q)\n- x\n> y", "T\nb i j c l p\nx\ny"),
        ({"markdown": True}, "2 * 3 * 4 a_b_c #1 5 > 3", "2 * 3 * 4 a_b_c #1 5 > 3"),
        ({"markdown": True}, "```py\nx = 1\n```\n|a|b|\n|---|---|\n|1|2|", "\nx = 1\n\n|a|b|\n\n|1|2|"),
        ({"mojibake": True}, "schÃ¶n â€“ ok", "schön – ok"),
        ({}, "  <b>ÀB</b>\u200b ", "  <b>ÀB</b>\u200b "),
    ],
)  # fmt: skip
def test_each_rule_alone(table_of, settings, before, after):
    assert cleaned(table_of, [before, "1"], **{**OFF, **settings})[0] == after


def test_missing_texts_stay_and_only_changed_rows_get_another_hash(table_of):
    table = table_of({"text": ["fine", " not ", None, "fine too"]}, text="text")
    made = CleanText().apply(table)
    assert made.column("text").to_pylist() == ["fine", "not", None, "fine too"]
    assert (made.content != table.content).any(1).tolist() == [False, True, False, False]
    assert made.row_ids.tolist() == table.row_ids.tolist()
    assert made.problems.equals(table.problems)


def test_rows_that_become_equal_have_equal_content(table_of):
    made = CleanText().apply(table_of({"text": ["a  b", "a b ", "c"]}, text="text"))
    assert made.content[0].tolist() == made.content[1].tolist()
    assert made.row_ids[0] != made.row_ids[1]


def test_nothing_to_clean_gives_the_same_table(table_of):
    table = table_of({"text": ["a", "b"]}, text="text")
    assert CleanText().apply(table) is table


def test_other_columns_by_name(table_of):
    table = table_of({"text": ["a ", "b "], "note": [" X", " Y"]}, text="text")
    made = CleanText(columns=("note",)).apply(table)
    assert made.column("note").to_pylist() == ["X", "Y"]
    assert made.column("text").to_pylist() == ["a ", "b "]
    assert (made.content == table.content).all()


def test_a_wrong_column_is_one_sentence(table_of):
    table = table_of({"text": ["a", "b"], "size": [1, 2]}, text="text")
    with pytest.raises(DataError, match="did you mean 'text'"):
        CleanText(columns=("txt",)).apply(table)
    with pytest.raises(DataError, match="holds int64, not text"):
        CleanText(columns=("size",)).apply(table)


def test_mojibake_needs_ftfy_and_says_so(table_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(MissingPackage, match=r"curate-data\[text\]"):
        cleaned(table_of, ["schÃ¶n", "x"], mojibake=True)


def test_rows_chosen_out_of_a_table_are_cleaned_in_their_order(table_of):
    table = table_of({"text": [" a", " b", " c", " d"]}, text="text").select([3, 0, 2])
    assert CleanText().apply(table).column("text").to_pylist() == ["d", "a", "c"]


def test_truecase_is_learned_from_training_rows_alone(table_of):
    texts = ["We saw Anna in Paris today.", "Then Anna met NASA there.", "ANNA WENT TO NASA. OK", "we saw rome"]
    split = ["train", "train", "test", "test"]
    table = table_of({"text": [*texts], "split": split}, text="text", split="split")
    step = CleanText(case="truecase")
    fitted = step.fit(table)
    assert fitted == {"text": {"anna": "Anna", "nasa": "NASA", "paris": "Paris"}}
    made = step.apply(table, fitted).column("text").to_pylist()
    assert made == [*texts[:2], "Anna went to NASA. OK", "We saw rome"]


def test_missing_and_empty_texts_pass_every_rule(table_of):
    everything = {
        "mojibake": True, "markup": True, "markdown": True, "punctuation": True, "case": "fold", "accents": True,
        "urls": "u", "emails": "e", "mentions": "m", "numbers": "n", "emoji": "name", "repeats": 1,
    }  # fmt: skip
    assert cleaned(table_of, [None, "", "   ", "漢字かな交じり文。"], **everything) == [
        None,
        "",
        "",
        "漢字かな交じり文。",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好，我们去公园吧！",
        "今日はとても良い天気です。",
        "오늘은 날씨가 좋네요.",
        "วันนี้อากาศดีมาก",
        "الطقس جميل اليوم؟",
        "می\u200cخواهم",
        "हिन्दी में",
    ],
)
def test_defaults_leave_other_scripts_alone(table_of, text):
    assert cleaned(table_of, [text, "x"]) == [text, "x"]


def test_real_messages_keep_their_words(table_of, shared_data):
    texts = pq.read_table(shared_data / "sms_spam" / "sms.parquet")["text"].to_pylist()
    for before, after in zip(texts, cleaned(table_of, texts)):
        assert before.split() == after.split() or not before.isascii() or not before.isprintable()
    marked = cleaned(table_of, texts, urls="<url>", emails="<email>", numbers="<number>")
    assert sum("<url>" in text for text in marked) == sum("http://" in t.lower() or "www." in t.lower() for t in texts)
    assert not any(re.search(r"(?<![\w£$.,:/'’])\d", text) for text in marked)
