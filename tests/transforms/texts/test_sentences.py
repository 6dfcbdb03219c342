from itertools import pairwise

import pytest

from curate.transforms.texts.sentences import paragraph_spans, sentence_spans


def parts(text, spans=sentence_spans):
    return [text[a:b] for a, b in spans(text)]


@pytest.mark.parametrize(
    "wanted",
    [
        ["Mr. Smith paid 3.50 for it.", "Dr. J. R. Doe came at 5 p.m. and left.", "Really?!", "Yes."],
        ['He said "Stop!" and left.', '"Why?" she asked.', "(It was late.)", "Then…", "Nothing."],
        ["Das kostet z.B. 5 Euro.", "Am Abend ging er usw. nach Hause.", "Gut!"],
        ["M. Dupont est là.", "« Bien ! » dit-il.", "Fin."],
        ["I said no.", "Then the sun sat.", "It was no. 5 of vol. 2."],
        ["See Fig. 3 and eq. 4.", "Version 2.0.1 is out.", "Visit example.com now."],
        ["1. First comes this.", "2. Then comes that."],
        ["今天天气很好。", "我们去公园吧！", "“你来吗？”", "好。"],
        ["彼は言った。", "「行こう！」", "そして去った。"],
        ["오늘은 날씨가 좋네요.", "공원에 갈까요?", "네!"],
        ["كيف حالك؟", "أنا بخير.", "شكرا!"],
        ["यह एक वाक्य है।", "यह दूसरा है।"],
        ["यह क्या है?", "ठीक है॥"],
        ["Это т.е. пример.", "А. С. Пушкин писал.", "Да!"],
    ],
)
def test_sentences_of_many_languages(wanted):
    joined = "" if "。" in wanted[0] else " "
    assert parts(joined.join(wanted)) == wanted


def test_thai_has_blanks_for_full_stops():
    text = "วันนี้อากาศดีมากและเราจะไปสวนสาธารณะ พรุ่งนี้ฝนอาจจะตกหนักในกรุงเทพ"
    assert len(parts(text)) == 2
    assert parts("ไป กิน ข้าว") == ["ไป กิน ข้าว"]


def test_lines_and_lists():
    assert parts("A title\n\nA text that\ngoes on. And on.") == ["A title", "A text that\ngoes on.", "And on."]
    assert parts("To buy:\n- milk\n- bread\n1) eggs") == ["To buy:", "- milk", "- bread", "1) eggs"]


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "...", "x", "?!", "。。。", "no end", " a . b "])
def test_nothing_but_blanks_is_lost(text):
    spans = sentence_spans(text)
    assert "".join("".join(parts(text)).split()) == "".join(text.split())
    assert all(a < b for a, b in spans)
    assert all(x[1] <= y[0] for x, y in pairwise(spans))


def test_paragraphs_are_parted_by_empty_lines_or_else_lines():
    assert parts("a\nb\n\n\n c \r\n \r\nd", paragraph_spans) == ["a\nb", "c", "d"]
    assert parts("a\nb\r\nc", paragraph_spans) == ["a", "b", "c"]
    assert parts("\n\n", paragraph_spans) == []


def test_real_texts_lose_nothing(shared_data):
    import pyarrow.parquet as pq

    texts = pq.read_table(shared_data / "xsid_multilingual" / "valid.parquet")["text"].to_pylist()
    for text in texts:
        assert "".join("".join(parts(text)).split()) == "".join(text.split())
    assert sum(len(sentence_spans(text)) == 1 for text in texts) >= 0.97 * len(texts)
