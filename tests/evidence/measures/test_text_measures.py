"""Measures of text: contacts and secrets, repetition, marks, mixture of languages, and the arrays behind them."""

import numpy as np
import pyarrow as pa
import pytest

from curate.evidence.measures import by_field
from curate.evidence.measures.text_codes import blocks
from curate.evidence.measures.text_contacts import contacts
from curate.evidence.measures.text_mixture import parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mail john.doe+x@sub.example.co.uk.", [("email", "john.doe+x@sub.example.co.uk")]),
        ("not@anaddress and a @ b.c", []),
        ("call +44 20 7946 0958 now", [("phone", "+44 20 7946 0958")]),
        ("tel (555) 234-5678, or 0800 123 4567", [("phone", "(555) 234-5678"), ("phone", "0800 123 4567")]),
        ("on 2024-01-02 12:30:11 or 12/05/2020", []),
        ("192.168.100.123 and version 10.20.30", []),
        ("order 1234567890 costs 1,234,567.00", []),
        ("call 2345678901 today", [("phone", "2345678901")]),
        ("gb29nwbk60161331926819", [("iban", "gb29nwbk60161331926819")]),
        ("DE89 3704 0044 0532 0130 00 please", [("iban", "DE89 3704 0044 0532 0130 00")]),
        ("DE88 3704 0044 0532 0130 00", []),
        ("4111 1111 1111 1111 12/27", [("card", "4111 1111 1111 1111")]),
        ("378282246310005", [("card", "378282246310005")]),
        ("room 12 4111 1111 1111 1111", [("card", "4111 1111 1111 1111")]),
        ("4111 1111 1111 1112", []),
        ("-----BEGIN RSA PRIVATE KEY-----", [("secret", "-----BEGIN RSA PRIVATE KEY-----")]),
        ("password: hunter2xyz9", [("secret", "hunter2xyz9")]),
        ("the password is required today", []),
        ("postgres://bob:s3cretpw@db.example.org/x", [("secret", "s3cretpw")]),
        ("ghp_" + "aB3" * 12, [("secret", "ghp_" + "aB3" * 12)]),
    ],
)  # fmt: skip
def test_contacts_and_secrets(text, found):
    assert [(span.kind, text[span.start : span.end]) for span in contacts(text)] == found
    counts = by_field("text.email_count").measure(pa.array([text, None]))
    for kind in ("email", "phone", "iban", "card", "secret"):
        assert counts[f"text.{kind}_count"].tolist() == [sum(k == kind for k, _ in found), -1]


def test_repetition():
    texts = ["one two three four", "one two three one two three", "asdasdasdasd", "aaaa bbb", "好好好好", "", None]
    found = by_field("text.repeated_words").measure(pa.array(texts))
    np.testing.assert_allclose(found["text.repeated_words"], [0, 0.5, 0, 0, 0, 0, np.nan])
    np.testing.assert_allclose(found["text.repeated_parts"], [0, 0, 0.75, 0, 0, 0, np.nan])
    assert found["text.longest_run"].tolist() == [2, 2, 1, 4, 4, 0, -1]


def test_what_a_row_is_does_not_hang_on_its_neighbours():
    rng = np.random.default_rng(0)
    words = ["eins", "zwei", "three", "четыре", "五", "six!", "a-b", "ää"]
    texts = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(60)]
    for field in ("text.repeated_words", "text.markup", "text.second_margin", "text.email_count"):
        measure = by_field(field)
        whole = measure.measure(pa.array(texts))
        single = [measure.measure(pa.array([text])) for text in texts]
        for name, values in whole.items():
            assert values.tolist() == [one[name][0] for one in single]


def test_words_as_spans_with_hashes():
    (_, codes), *_ = blocks(pa.array(["Ab cd, ab", None, "ab_1 中文 x"]))
    begin, end = codes.words
    spelled = ["".join(map(chr, codes.points[b:e])) for b, e in zip(begin, end)]
    assert spelled == ["ab", "cd", "ab", "ab_1", "中", "文", "x"]
    hashes = codes.spans(begin, end).tolist()
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 6
    assert codes.row[begin].tolist() == [0, 0, 0, 2, 2, 2, 2]


def test_blocks_are_bounded_and_cover_all():
    texts = pa.array(["abc"] * 10 + ["d" * 50] + ["e"] * 3)
    sizes = [(start, len(codes), len(codes.points)) for start, codes in blocks(texts, longest=20, block=12)]
    assert sum(n for _, n, _ in sizes) == 14
    assert max(points for *_, points in sizes) <= 20


def test_marks():
    texts = ["<p>a</p> &amp; 3 < 4", "a\u200bb", "c\x07", "pаypal", "x && y", None]
    found = by_field("text.markup").measure(pa.array(texts))
    assert found["text.markup"].tolist() == [3, 0, 0, 0, 0, -1]
    assert found["text.hidden_characters"].tolist() == [0, 1, 0, 0, 0, -1]
    assert found["text.control_characters"].tolist() == [0, 0, 1, 0, 0, -1]
    assert found["text.lookalike_letters"].tolist() == [0, 0, 0, 1, 0, -1]


def test_mojibake():
    pytest.importorskip("ftfy")
    found = by_field("text.mojibake").measure(pa.array(["schÃ¶n", "schön – ‘good’ 100 €", "itâ€™s", None]))
    assert found["text.mojibake"][0] > 0
    assert found["text.mojibake"][2] > 0
    assert found["text.mojibake"][[1, 3]].tolist() == [0, -1]


def test_mixture():
    pytest.importorskip("py3langid")
    two = "I would like to know when my card arrives. Ich möchte gerne wissen, wann meine Karte ankommt."
    found = by_field("text.second_margin").measure(pa.array([two, "One sentence here. And another one there.", None]))
    assert found["text.second_language"][0] in ("en", "de")
    assert found["text.second_margin"][0] > 20
    assert 0.3 < found["text.second_fraction"][0] < 0.7
    assert found["text.second_margin"][1] < 5
    assert np.isnan(found["text.second_margin"][2])
    spans = parts(two)
    assert [two[a:b][:5] for a, b in spans] == ["I wou", "Ich m"]
    assert max(b - a for a, b in parts("word " * 200)) <= 140
