import sys

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
        ({"lowercase": True}, "ÀB ẞ", "àb ß"),
        ({"mojibake": True}, "schÃ¶n â€“ ok", "schön – ok"),
        ({}, "  <b>ÀB</b>\u200b ", "  <b>ÀB</b>\u200b "),
    ],
)  # fmt: skip
def test_each_rule_alone(table_of, settings, before, after):
    assert cleaned(table_of, [before, "plain"], **{**OFF, **settings}) == [after, "plain"]


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
