import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import curate
from curate.augment import corpus_synonyms, coverage
from curate.augment._coverage import notes
from curate.augment.operations import build
from curate.errors import ConfigError, DataError, StorageError

CHEAP = ["what is the price of this card", "what is the cost of this card", "tell me the price of the ticket"]
OTHER = ["please cancel the order for me", "please stop the order for me", "can you cancel the ticket now"]


def table(texts, labels=None, **columns):
    return curate.load({"text": texts, "label": labels or ["a"] * len(texts), **columns})


def steps(*operations, **settings):
    return json.dumps([{"step": "augment", "text": list(operations), **settings}])


def test_what_an_operation_leaves_unchanged_is_counted():
    texts = (
        [f"this is the question number {i}" for i in range(60)]
        + [f"第{i}个问题是什么呢" for i in range(40)]
        + ["ab"] * 9
    )
    made = coverage(
        table(texts), steps("swap_words", {"random_case": {"p": 0.1}}, {"mask_words": {"keep": ["urls"]}}), rows=500
    )
    assert [one.operation for one in made] == ["swap_words", "random_case", "mask_words"]
    words, case, _ = made
    assert (words.rows, words.changed, words.share) == (100, 100, 1.0)
    assert (case.rows, case.changed, case.unsuited, case.scripts) == (100, 60, 40, ("han",))
    [note] = notes(made)
    assert note == (
        "augment: augment[0].text[1].random_case changes 60 of 100 texts of 6 characters or more (60%); 40 are in"
        " a script that it is not for (han)"
    )


def test_what_it_finds_nothing_to_change_in_has_an_example():
    given = {"synonyms": {"synonyms": {"price": ["cost"]}}}
    [one] = coverage(table([*CHEAP, *OTHER]), steps(given))
    assert (one.rows, one.changed, one.unsuited) == (6, 2, 0)
    assert one.example in [*CHEAP, *OTHER]
    assert "in 4 it finds nothing to change, such as" in notes([one])[0]
    assert notes([one], least=0.3) == []


def test_only_rows_that_it_is_for_count():
    labels = ["a", "a", "b", "b", "b", "b"]
    own = table([*CHEAP, *OTHER], labels)
    assert coverage(own, steps("swap_words", classes=["a"]))[0].rows == 2
    assert coverage(own, steps("swap_words", only={"swap_words": ["b"]}))[0].rows == 4
    held = table([*CHEAP, *OTHER], labels, split=["train"] * 3 + ["test"] * 3)
    assert coverage(held, steps("swap_words"))[0].rows == 3


def test_the_sample_does_not_follow_the_order():
    texts = [f"{word} {i} times over" for i in range(300) for word in ("heard", "seen")]
    made = coverage(table(texts), steps({"synonyms": {"synonyms": {"seen": ["met"]}}}), rows=50)
    turned = coverage(table(texts[::-1]), steps({"synonyms": {"synonyms": {"seen": ["met"]}}}), rows=50)
    assert made[0].rows == turned[0].rows == 50
    assert made[0].changed == turned[0].changed


def test_no_text_no_operation_no_rows():
    assert coverage(curate.load({"x": [1.0, 2.0], "label": ["a", "b"]}), steps("swap_words")) == []
    assert coverage(table(["some text here"] * 3), "[]") == []
    assert coverage(table(["ab"] * 3), steps("swap_words"))[0].share == 1.0
    with pytest.raises(ConfigError, match="recipe"):
        coverage(table(CHEAP), "{")


def test_synonyms_of_a_corpus(tmp_path):
    rng = np.random.default_rng(0)
    subjects, verbs = ["dogs", "cats", "birds"], ["chase", "follow", "hunt"]
    things, places = ["mice", "flies", "worms"], ["garden", "forest", "meadow"]
    pick = [[str(rng.choice(words)) for words in (subjects, verbs, things, places)] for _ in range(600)]
    texts = [f"{a} often {b} small {c} in a {d}" for a, b, c, d in pick]
    found = corpus_synonyms(texts, tmp_path / "own.tsv", max_share=0.5)
    for group in (subjects, verbs, things, places):
        for word in group:
            assert set(found[word]) <= set(group) - {word}, (word, found[word])
    assert "small" not in found
    operation = build("text", {"synonyms": {"path": str(tmp_path / "own.tsv")}})
    changed = [operation.apply(text, operation.draw(rng, text)) for text in texts]
    assert all(a != b for a, b in zip(texts, changed))
    assert corpus_synonyms(texts, max_share=0.5) == found
    assert corpus_synonyms(texts, neighbours=1, max_share=0.5) == {word: near[:1] for word, near in found.items()}


def test_words_of_other_classes_are_no_synonyms():
    good = [f"the {thing} was great and we will come again" for thing in ("food", "room", "staff", "view")] * 20
    bad = [f"the {thing} was awful and we will come again" for thing in ("food", "room", "staff", "view")] * 20
    own = table(good + bad, ["good"] * 80 + ["bad"] * 80, id=[f"r{i}" for i in range(160)])
    kept = {"max_class_distance": 1.0, "min_similarity": 0.2, "max_share": 0.5}
    assert "awful" in corpus_synonyms(own, **kept)["great"] or "great" in corpus_synonyms(own, **kept).get("awful", ())
    apart = corpus_synonyms(own, min_similarity=0.2, max_share=0.5)
    assert "awful" not in apart.get("great", ())
    assert "great" not in apart.get("awful", ())


def test_a_corpus_without_words_is_said(tmp_path):
    with pytest.raises(DataError, match="2 texts have 0 words that occur 5 times and in no more than 20%"):
        corpus_synonyms(["one", "two"])
    with pytest.raises(DataError, match="no text to learn synonyms from"):
        corpus_synonyms(curate.load({"x": [1.0, 2.0], "label": ["a", "b"]}))
    with pytest.raises(ConfigError, match="counts are at least 1"):
        corpus_synonyms(["one"], neighbours=0)
    with pytest.raises(StorageError, match="can't be written"):
        corpus_synonyms(
            ["aa bb cc dd"] * 3 + ["x"] * 30, tmp_path / "none" / "own.tsv", min_count=1, min_similarity=0.01
        )


def test_synonyms_of_chinese_questions(shared_data):
    path = shared_data / "xsid_multilingual" / "valid.parquet"
    if not path.is_file():
        pytest.skip("xsid_multilingual is missing")
    rows = pq.read_table(path, columns=["lang", "text"]).to_pylist()
    texts = [row["text"] for row in rows if row["lang"] == "zh"]
    found = corpus_synonyms(texts, min_count=2, min_similarity=0.3)
    assert len(found) > 100
    [one] = coverage(table(texts), steps({"synonyms": {"synonyms": found}}), rows=300)
    assert one.share >= 0.95
