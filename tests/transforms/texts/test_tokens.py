import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import ConfigError
from curate.transforms.texts.pieces import Cut, packed, windows
from curate.transforms.texts.sentences import sentence_spans
from curate.transforms.texts.tokens import tokenizer


def tokens(text, name="words"):
    return [text[a:b] for a, b in tokenizer(name).spans([text])[0]]


def test_words_are_runs_or_single_characters_of_scripts_without_blanks():
    assert tokens("it's a state-of-the-art  thing, 今天OK。") == [
        "it's",
        "a",
        "state-of-the-art",
        "thing,",
        "今",
        "天",
        "OK。",
    ]
    assert tokens("กินข้าว") == ["กิ", "น", "ข้", "า", "ว"]
    assert tokens("날씨가 좋네요 데이터") == ["날씨가", "좋네요", "데이터"]
    assert tokens("データがガ") == ["デー", "タ", "が", "ガ"]
    assert tokens("今天 OK", "whitespace") == ["今天", "OK"]
    assert tokens("", "words") == []


def test_characters_are_what_people_see():
    assert tokens("ae\u0301b", "characters") == ["a", "e\u0301", "b"]
    assert tokens("👨\u200d👩\u200d👧🇩🇪🇫🇷👍🏽x\r\n", "characters") == [
        "👨\u200d👩\u200d👧",
        "🇩🇪",
        "🇫🇷",
        "👍🏽",
        "x",
        "\r\n",
    ]
    assert tokens("กิน हिन्दी", "characters") == ["กิ", "น", " ", "हि", "न्", "दी"]


def test_tokenizers_of_models(tiny_model, tmp_path):
    folder = tiny_model()
    of_folder, of_file = tokenizer(folder), tokenizer(f"{folder}/tokenizer.json")
    text = "the cat   sat."
    for one in (of_folder, of_file):
        assert [text[a:b] for a, b in one.spans([text, ""])[0]] == ["the", "cat", "sat", "."]
        assert one.special == 1
    for wrong in (str(tmp_path), str(tmp_path / "tokenizer.json")):
        with pytest.raises(ConfigError, match="words, whitespace, characters"):
            tokenizer(wrong)


@given(
    st.text(alphabet="ab .!\n。今ก", max_size=80), st.integers(1, 9), st.integers(0, 8), st.integers(1, 9),
    st.sampled_from(["extend", "join"]),
)  # fmt: skip
def test_pieces_hold_every_token_and_no_more_than_allowed(text, most, overlap, least, last):
    cut = Cut(most, min(overlap, most - 1), min(least, most), last)
    found = tokenizer("words").spans([text])[0]
    for pieces in (windows(found, cut), packed(sentence_spans(text), found, cut)):
        covered = set()
        for start, end in pieces:
            inside = [i for i, (a, _) in enumerate(found) if start <= a < end]
            covered |= set(inside)
            if last == "extend":
                assert len(inside) <= most
        assert covered == set(range(len(found)))
        assert [p[0] for p in pieces] == sorted({p[0] for p in pieces})
        assert [p[1] for p in pieces] == sorted({p[1] for p in pieces})


def test_windows_overlap_and_the_last_one_is_not_too_short():
    found = tokenizer("characters").spans(["0123456789"])[0]

    def texts(**settings):
        return ["0123456789"[a:b] for a, b in windows(found, Cut(**settings))]

    assert texts(most=4) == ["0123", "4567", "89"]
    assert texts(most=4, overlap=1) == ["0123", "3456", "6789"]
    assert texts(most=4, overlap=2) == ["0123", "2345", "4567", "6789"]
    assert texts(most=4, least=3) == ["0123", "4567", "6789"]
    assert texts(most=4, least=3, last="join") == ["0123", "456789"]
    assert texts(most=10) == ["0123456789"]
