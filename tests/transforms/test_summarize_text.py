import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.transforms.summarize_text import SummarizeText
from curate.transforms.texts.ranking import central, words

ENGLISH = (
    "The council approved the new bridge. The bridge will cost 4 million. Mr. Smith spoke. Traffic on the old bridge is"
    " heavy. The council expects the new bridge to cut traffic. Lunch was served at noon."
)
CHINESE = "今天上海天气很好。我们去公园散步。公园里有很多人。天气好的时候公园人很多。晚上我们回家吃饭。"
JAPANESE = "東京は雨です。東京の雨は明日も続きます。猫が寝ている。"
THAI = "วันนี้อากาศดีมากและเราจะไปสวนสาธารณะ พรุ่งนี้ฝนอาจจะตกหนักในกรุงเทพ วันนี้เราจะไปสวนสาธารณะเพราะอากาศดีมาก"


def summed(table_of, given, **settings):
    return SummarizeText(**settings).apply(table_of({"text": given}, text="text"), {}).column("text").to_pylist()


@pytest.mark.parametrize("method", ["lexrank", "textrank", "embedding"])
def test_main_sentences_in_their_order(table_of, method):
    found = summed(table_of, [ENGLISH, None, "", "short."], method=method, sentences=2)
    assert found == [
        "The council approved the new bridge. The council expects the new bridge to cut traffic.",
        None,
        "",
        "short.",
    ]


def test_scripts_without_blanks(table_of):
    found = summed(table_of, [CHINESE, JAPANESE, THAI], sentences=2)
    assert found[0] == "我们去公园散步。天气好的时候公园人很多。"
    assert found[1] == "東京は雨です。東京の雨は明日も続きます。"
    assert len(found[2]) < len(THAI)
    assert words("今天好 cat 7") == ["今天", "天好", "cat", "7"]


def test_budgets(table_of):
    assert summed(table_of, [ENGLISH], method="lead", tokens=13) == [ENGLISH[: ENGLISH.index(" Mr.")]]
    assert summed(table_of, [ENGLISH], share=0.34) == summed(table_of, [ENGLISH], sentences=2)
    assert len(summed(table_of, [ENGLISH])[0].split(". ")) < 6
    assert summed(table_of, [ENGLISH], tokens=1) == ["Mr. Smith spoke."]
    assert summed(table_of, [ENGLISH], tokens=500) == [ENGLISH]


def test_what_was_said_is_not_said_again(table_of):
    text = "The red fox ran home. The red fox ran home! Rain fell on the town. The red fox saw rain."
    assert summed(table_of, [text], sentences=2, method="lead") == ["The red fox ran home. Rain fell on the town."]
    assert summed(table_of, [text], sentences=3, method="lead", max_similarity=0.99) == [
        text.replace(" The red fox ran home!", "")
    ]


def test_very_long_texts_are_ranked_by_their_mean(table_of):
    text = " ".join(f"Item {i} talks about {['ships', 'sea ships', 'cats'][i % 3]} again." for i in range(1600))
    assert summed(table_of, [text], sentences=2)[0].count(".") == 2


def test_walks_over_likeness_sum_to_one():
    similar = np.random.default_rng(0).random((20, 20))
    similar[3] = 0
    rank = central((similar + similar.T) / 2)
    assert rank.sum() == pytest.approx(1)
    assert central(np.ones((5, 5))) == pytest.approx(np.full(5, 0.2))


def test_beside_the_text(table_of):
    table = table_of({"text": [ENGLISH, "x"]}, text="text")
    made = SummarizeText(sentences=1, into="summary").apply(table, {})
    assert made.column("text").to_pylist()[0] == ENGLISH
    assert len(made.column("summary").to_pylist()[0]) < len(ENGLISH)
    assert made.content.tolist() == table.content.tolist()
    with pytest.raises(DataError, match="'summary' is there already"):
        SummarizeText(into="summary").apply(made, {})


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_model_writes(table_of, tiny_model, family):
    texts = ["the cat sat on the mat . " * 3, "the dog", None, "", "a big red dog ran ! " * 9]
    step = SummarizeText(method="abstractive", model=tiny_model(family), tokens=5, beams=2, prefix="the ")
    table = table_of({"text": texts}, text="text")
    made = step.apply(table, {})
    found = made.column("text").to_pylist()
    assert found[1:4] == ["the dog", None, ""]
    assert found[0] != texts[0]
    assert len(found[0].split()) <= 5
    assert made.notes[-1] == "summarize_text: 1 text was longer than the model reads; it saw the beginning"
    assert step.apply(table.select([0]), {}).column("text").to_pylist() == found[:1]


def test_settings_that_do_not_go_together():
    for wrong in ({"method": "abstractive"}, {"model": "x"}, {"method": "abstractive", "model": "x", "sentences": 2}):
        with pytest.raises(ConfigError):
            SummarizeText(**wrong)
    tags = curate.Task(kind="token_classification", tokens="t", text="text", label="l")
    assert "tag" in str(SummarizeText().refuses(tags))
    assert SummarizeText(into="s").refuses(tags) is None
