import numpy as np
import pyarrow.parquet as pq
import pytest

from curate.augment import corpus_synonyms
from curate.augment.operations import build, known
from curate.augment.operations.texts.clusters import clusters
from curate.augment.operations.texts.hangul import beside, compose, decompose, heard
from curate.augment.operations.texts.homophones import common_characters, sounds
from curate.augment.operations.texts.kana import slips
from curate.augment.operations.texts.look_alikes import look_alikes
from curate.augment.operations.texts.scripts import SCRIPT_OF, script_of
from curate.augment.operations.texts.shapes import _other_width
from curate.augment.operations.words import jieba, split
from curate.errors import ConfigError

MODELS = {"contextual_words", "back_translate"}
"""Operations that need a model; see test_text_models.py."""
LISTS = {
    "replace_entities": {"entities": {"when": ["今天", "明天", "周末"], "thing": ["闹钟", "提醒", "天气"]}},
    "nlpaug": {"augmenter": "RandomCharAug"},
}
KOREAN = "오늘 날씨가 어때요? 내일 아침 일곱 시에 깨워 주세요"
JAPANESE = "明日の朝、パソコンでメールをチェックしてください"
TEXTS = {
    "th": "พรุ่งนี้ฝนจะตกไหมครับ ขอบคุณที่ช่วยเตือน",
    "ar": "هل ستُمطِر السماءُ اليوم في المدينة؟",
    "hi": "क्या आज प्रार्थना के समय बारिश होगी?",
    "ko": KOREAN,
    "ja": JAPANESE,
    "zh": "今天下午三点提醒我给妈妈打电话",
}


def edits(name, text, count=40, **settings):
    operation = build("text", {name: settings})
    return [operation.apply(text, operation.draw(np.random.default_rng(seed), text)) for seed in range(count)]


@pytest.fixture(scope="module")
def questions(shared_data):
    path = shared_data / "xsid_multilingual" / "valid.parquet"
    if not path.is_file():
        pytest.skip("xsid_multilingual is missing")
    rows = pq.read_table(path, columns=["lang", "text"]).to_pylist()
    return {lang: [row["text"] for row in rows if row["lang"] == lang] for lang in ("zh", "en", "de", "ar")}


def test_every_operation_changes_chinese_rows_or_is_refused(questions):
    own = questions["zh"]
    learned = corpus_synonyms(own, min_count=2, min_similarity=0.3)
    texts = [text for text in own if len(text) > 5]
    assert len(texts) > 250
    shares, refused = {}, []
    for name in set(known("text")) - MODELS:
        settings = {**LISTS.get(name, {}), "language": "zh"} | ({"synonyms": learned} if name == "synonyms" else {})
        try:
            operation = build("text", {name: settings})
        except ConfigError as error:
            refused.append((name, str(error)))
            continue
        rng = np.random.default_rng(0)
        shares[name] = np.mean([operation.apply(text, operation.draw(rng, text)) != text for text in texts])
    print(f"\nof {len(texts)} Chinese rows of more than 5 characters change:")
    print("\n".join(f"  {name:20} {share:.1%}" for name, share in sorted(shares.items())))
    assert all("can do nothing in this language; it is for" in said for _, said in refused), refused
    refused = sorted(name for name, _ in refused)
    print("refused:", ", ".join(refused))
    # Which names a list holds is the user's affair: what it misses is counted (see test_text_coverage.py).
    listed = shares.pop("replace_entities")
    assert listed > 0.2
    assert min(shares.values()) >= 0.95, shares
    assert len(shares) >= 18
    assert set(refused) == {
        "change_case", "random_case", "drop_accents", "homoglyphs", "width_forms", "keyboard_slips", "hangul_slips",
        "kana_slips", "spelling_errors", "nlpaug",
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "de", "ar"])
def test_typos_change_every_language(questions, lang):
    operation = build("text", "typos")
    rng = np.random.default_rng(1)
    texts = [text for text in questions[lang] if len(text) > 5]
    assert all(operation.apply(text, operation.draw(rng, text)) != text for text in texts)


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    "name",
    ["swap_characters", "delete_characters", "insert_characters", "replace_characters", "repeat_characters",
     "swap_words", "delete_words", "split_words",
     "punctuation_noise", "whitespace_noise", "typos", "eda", "shuffle_sentences"],
)  # fmt: skip
def test_characters_are_never_torn_apart(name, language):
    text = TEXTS[language]
    before = set(clusters(text))
    for changed in edits(name, text, language=language):
        assert changed != text
        new = [cluster for cluster in clusters(changed) if cluster not in before]
        # What is new is a letter that was put in (perhaps with the marks of the one it replaced), never a mark alone.
        assert all(cluster[0].isalnum() or not cluster.strip() or not is_mark(cluster[0]) for cluster in new), (
            changed,
            new,
        )


def is_mark(letter):
    import unicodedata

    return unicodedata.category(letter)[0] == "M"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("👨‍👩‍👧‍👦🇩🇪👍🏽", 3),
        ("e\u0301a", 2),
        ("กำลัง", 3),
        ("क्षत्रिय", 3),
        ("か\u3099", 1),
        ("\r\n", 1),
        ("각", 1),
        ("1️⃣", 1),
    ],
)
def test_characters_as_readers_count_them(text, count):
    assert len(clusters(text)) == count
    assert "".join(clusters(text)) == text


def test_characters_agree_with_unicode(questions):
    regex = pytest.importorskip("regex")
    texts = [text for own in questions.values() for text in own] + list(TEXTS.values())
    for text in texts:
        assert clusters(text) == regex.findall(r"\X", text)


@pytest.mark.parametrize(
    ("text", "script"),
    [("hello", "latin"), ("Grüße", "latin"), ("今天天气", "han"), ("東京に行く", "kana"),
     ("我 会 给 Half Life 6分 中 的 3分", "han"),
     ("안녕하세요 hello", "hangul"), ("привет", "cyrillic"), ("123 !?", None), ("", None),
     ("สวัสดี", "thai"), ("नमस्ते", "devanagari")],
)  # fmt: skip
def test_the_script_of_a_text(text, script):
    assert script_of(text) == script


def test_refusals_name_what_to_take_instead():
    with pytest.raises(ConfigError, match="use homophones or typos"):
        build("text", {"keyboard_slips": {"language": "zh"}})
    with pytest.raises(ConfigError, match="it is for en; give your own list"):
        build("text", {"spelling_errors": {"language": "fr"}})
    with pytest.raises(ConfigError, match="it is for zh"):
        build("text", {"homophones": {"language": "ja"}})
    assert build("text", "random_case").suits("hello")
    assert not build("text", "random_case").suits("今天天气")
    assert not build("text", {"swap_words": {"language": "en"}}).suits("今天天气")
    assert build("text", {"swap_words": {"language": "ja"}}).suits("東京")


def test_hangul_is_taken_apart_and_put_together():
    for syllable in "가각힣한글뷁":
        assert compose(*decompose(syllable)) == syllable
    assert decompose("한") == ("ㅎ", "ㅏ", "ㄴ")
    assert compose("ㅎ", "ㅏ") == "하"
    assert "호" in beside("하") + beside("후") or "허" in beside("하") + heard("하")
    assert "게" in heard("개")
    for changed in edits("hangul_slips", KOREAN):
        wrong = [(a, b) for a, b in zip(KOREAN, changed, strict=True) if a != b]
        assert wrong
        for a, b in wrong:
            assert sum(x != y for x, y in zip(decompose(a), decompose(b))) == 1


def test_kana_slips_stay_kana():
    for changed in edits("kana_slips", JAPANESE, fraction=0.5):
        assert changed != JAPANESE
        assert all(a == b or b in slips(("voicing", "size", "script", "sound"))[a] for a, b in zip(JAPANESE, changed))
    assert slips(("voicing",))["は"] == ["ば", "ぱ"]
    assert slips(("size",))["ッ"] == ["ツ"]
    assert slips(("script",))["あ"] == ["ア"]
    assert set(edits("kana_slips", "ずっと", kinds=["sound"])) == {"づっと"}


def test_homophones_sound_alike():
    pytest.importorskip("pypinyin")
    assert len(common_characters()) == 3755
    assert "她" in sounds(False, False)["他"]
    assert "再" in sounds(False, True)["在"]
    assert "再" not in sounds(False, True)["栽"]
    assert set(sounds(False, True)["在"]) <= set(sounds(False, False)["在"]) <= set(sounds(True, False)["在"])
    assert "四" in sounds(True, False)["是"]
    text = TEXTS["zh"]
    for changed in edits("homophones", text, fraction=0.3):
        assert all(a == b or b in sounds(False, False)[a] for a, b in zip(text, changed, strict=True))


def test_look_alikes_know_common_characters():
    table = look_alikes()
    assert "未" in table["末"]
    assert "O" in table["0"]
    assert "rn" in table["m"]
    assert sum(character in table for character in common_characters()) > 500
    assert all(letter not in others and others for letter, others in table.items())


def test_other_width():
    assert edits("width_forms", "A", count=1) == ["Ａ"]
    assert _other_width()["ガ"] == "ｶﾞ"
    assert _other_width()["，"] == ","


def test_chinese_words():
    pytest.importorskip("jieba")
    assert split("今天会下雨吗", "jieba")[0] == ["今天", "会", "下雨", "吗"]
    assert split("今天会下雨吗", "characters")[0] == list("今天会下雨吗")
    assert jieba() is jieba()
    changed = edits("delete_words", "今天会下雨吗", segmenter="jieba")
    assert {"会下雨吗", "今天下雨吗", "今天会吗", "今天会下雨"} == set(changed)


def test_japanese_words_are_runs_of_one_kind():
    assert split("東京タワーに行く", "auto")[0] == ["東京", "タワー", "に", "行", "く"]


def test_every_language_is_of_a_known_script():
    assert len(SCRIPT_OF) > 60
    for language in SCRIPT_OF:
        build("text", {"swap_words": {"language": language}})
        build("text", {"typos": {"language": language}})
