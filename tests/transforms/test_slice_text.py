import json

import numpy as np
import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.transforms.slice_text import SliceText

LONG = "The first one is here. Here is the second one! A third? And the last."
CHINESE = "今天天气很好。我们去公园吧！你来吗？好的。"


@pytest.fixture
def table(table_of):
    split = ["train", "test", "train", "train", "train", "train"]
    texts = [LONG, CHINESE, "short", None, "", LONG]
    ids = [f"r{i}" for i in range(6)]
    return table_of({"text": texts, "split": split, "id": ids}, text="text", split="split", id="id")


def texts(table, **settings):
    return SliceText(**settings).apply(table, {}).column("text").to_pylist()


def test_each_piece_is_a_row_that_knows_its_parent_and_its_place(table):
    made = SliceText(tokens=6).apply(table, {})
    assert made.row_ids.tolist()[:6] == ["r0#0", "r0#1", "r0#2", "r1#0", "r1#1", "r1#2"]
    assert made.parents.tolist()[:6] == ["r0"] * 3 + ["r1"] * 3
    assert made.column("id").to_pylist() == made.row_ids.tolist()
    starts, ends = (made.column(f"text_{name}").to_pylist() for name in ("start", "end"))
    originals = dict(zip(table.row_ids.tolist(), table.column("text").to_pylist()))
    for text, parent, start, end in zip(made.column("text").to_pylist(), made.parents.tolist(), starts, ends):
        assert text == (None if start is None else originals[parent][start:end])
    assert made.splits.tolist()[3:6] == ["test"] * 3
    assert made.task.group == "text_parent"
    assert made.groups[:3].tolist() == [0, 0, 0]


def test_short_missing_and_empty_texts_stay(table):
    made = SliceText(tokens=6).apply(table, {})
    kept = [i for i, name in enumerate(made.row_ids.tolist()) if "#" not in name]
    assert made.row_ids[kept].tolist() == ["r2", "r3", "r4"]
    assert made.column("text").take(kept).to_pylist() == ["short", None, ""]


def test_sentences_stay_whole(table):
    assert texts(table, tokens=9, by="sentence")[:2] == ["The first one is here.", "Here is the second one! A third?"]
    assert texts(table, tokens=8, by="sentence")[3:6] == ["今天天气很好。", "我们去公园吧！", "你来吗？好的。"]
    assert texts(table, sentences=1, by="sentence")[:4] == LONG.replace("! ", "!|").replace("? ", "?|").replace(
        ". ", ".|"
    ).split("|")
    overlapping = texts(table, sentences=2, by="sentence", overlap=1)[:3]
    assert overlapping == [
        "The first one is here. Here is the second one!",
        "Here is the second one! A third?",
        "A third? And the last.",
    ]


def test_a_sentence_longer_than_a_piece_is_cut_by_tokens(table_of):
    table = table_of({"text": ["one two three four five. Six.", "x"]}, text="text")
    assert texts(table, tokens=2, by="sentence") == ["one two", "three four", "five. Six.", "x"]


def test_paragraphs(table_of):
    table = table_of({"text": ["a b\n\nc d\n\ne f", "x"]}, text="text")
    assert texts(table, tokens=4, by="paragraph") == ["a b\n\nc d", "e f", "x"]


@pytest.mark.parametrize(
    ("policy", "labels"), [("copy", ["a", "a", "a"]), ("first", ["a", None, None]), ("none", [None, None, None])]
)
def test_labels_of_pieces(table, policy, labels):
    made = SliceText(tokens=6, label=policy).apply(table, {})
    assert made.column("label").to_pylist()[:3] == labels
    assert made.column("label").to_pylist()[made.position("r2")] == "a"


def test_pieces_of_a_training_text_share_its_weight(table):
    curated = curate.Pipeline(steps=[SliceText(tokens=6)]).run(table, cache=None)
    weights = dict(zip(curated.plan["row_id"].to_pylist(), curated.plan["weight"].to_pylist()))
    assert weights["r0#0"] == pytest.approx(1 / 3)
    assert weights["r1#0"] == weights["r2"] == 1
    assert "one of 3 pieces of row r0" in curated.explain("r0#1")
    same = curate.Pipeline(steps=[SliceText(tokens=6, weight="same")]).run(table, cache=None)
    assert set(same.plan["weight"].to_pylist()) == {1.0}


def test_a_dropped_text_has_dropped_pieces(table):
    curated = curate.Pipeline(steps=[{"exact_duplicates": {"fix": "drop"}}, SliceText(tokens=6)]).run(table, cache=None)
    drawn = curated.plan["row_id"].to_pylist()
    assert ("r0#0" in drawn) != ("r5#0" in drawn)


def test_groups_that_are_there_stay_and_gaps_are_filled(table_of):
    table = table_of({"text": [LONG, LONG, "x"], "author": ["me", None, None]}, text="text", group="author")
    made = SliceText(tokens=8).apply(table, {})
    own = table.row_ids.tolist()
    assert made.task.group == "author"
    assert made.column("author").to_pylist() == ["me"] * 2 + [own[1]] * 2 + [own[2]]


def test_cut_twice_places_are_those_of_the_first_text(table):
    once = SliceText(tokens=8).apply(table, {})
    twice = SliceText(tokens=3).apply(once, {})
    assert twice.row_ids.tolist()[:2] == ["r0#0#0", "r0#0#1"]
    starts, ends = (twice.column(f"text_{name}").to_pylist() for name in ("start", "end"))
    for text, start, end, group in zip(
        twice.column("text").to_pylist(), starts, ends, twice.column("text_parent").to_pylist()
    ):
        assert text is None or text == table.column("text").to_pylist()[table.position(group)][start:end]


def test_special_tokens_of_a_model_have_room(table_of, tiny_model):
    table = table_of({"text": ["the cat sat on the mat", "the dog"]}, text="text")
    assert texts(table, tokens=4, tokenizer=tiny_model()) == ["the cat sat", "on the mat", "the dog"]
    with pytest.raises(DataError, match="leaves no room"):
        SliceText(tokens=1, tokenizer=tiny_model()).apply(table, {})


def test_what_can_not_be_cut_is_said(table_of):
    with pytest.raises(ConfigError, match="overlap must be smaller"):
        SliceText(tokens=4, overlap=4)
    with pytest.raises(ConfigError, match="min_tokens"):
        SliceText(tokens=4, min_tokens=5)
    taken = table_of({"text": ["a", "b"], "text_start": [1, 2]}, text="text")
    with pytest.raises(DataError, match="'text_start' is there already"):
        SliceText().apply(taken, {})
    clash = table_of({"text": [LONG, "b"], "id": ["a", "a#0"]}, text="text", id="id")
    with pytest.raises(DataError, match="'a#0', which another row has"):
        SliceText(tokens=6).apply(clash, {})
    tags = curate.Task(kind="token_classification", tokens="t", text="text", label="l")
    assert "tag" in str(SliceText().refuses(tags))


def test_new_rows_are_cut_as_held_out_rows_were(table):
    curated = curate.Pipeline(steps=["clean_text", SliceText(tokens=8, by="sentence")]).run(table, cache=None)
    held = ~curated.table.training
    made = curated.transform({"text": [CHINESE], "id": ["r1"]})
    np.testing.assert_array_equal(made.content, curated.table.content[held])
    assert made.row_ids.tolist() == curated.table.row_ids[held].tolist()
    assert made.parents.tolist() == ["r1"] * 3
    assert set(made.dataset.column_names) == set(curated.table.dataset.column_names) - {"split"}


def test_real_texts_in_many_languages_lose_nothing(table_of, shared_data):
    import pyarrow.parquet as pq

    given = pq.read_table(shared_data / "xsid_multilingual" / "valid.parquet")["text"].to_pylist()
    table = table_of({"text": given}, text="text")
    for by in ("tokens", "sentence"):
        made = SliceText(tokens=5, by=by).apply(table, {})
        together: dict[str, str] = {}
        for parent, text in zip(made.parents.tolist(), made.column("text").to_pylist()):
            together[parent] = together.get(parent, "") + "".join(text.split())
        assert [together[row] for row in table.row_ids.tolist()] == ["".join(text.split()) for text in given]


def test_nothing_is_learned(table):
    assert json.dumps(SliceText().fit(table)) == "{}"
