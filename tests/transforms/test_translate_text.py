import pytest

import curate
from curate.errors import ConfigError, DataError
from curate.transforms import translate_text
from curate.transforms.translate_text import TranslateText

TEXTS = ["the cat sat", "a dog ran", None, "", "same", "the cat sat"]


def stub(texts, source, target):
    return [None if text == "a dog ran" else text if text == "same" else f"{target}:{text}" for text in texts]


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(translate_text, "_TRANSLATORS", {"stub": stub})


@pytest.fixture
def table(table_of):
    split = ["train", "train", "train", "train", "train", "test"]
    ids = [f"r{i}" for i in range(6)]
    return table_of({"text": TEXTS, "split": split, "id": ids}, text="text", split="split", id="id")


def test_copies_of_training_rows_stand_behind_them(table):
    made = TranslateText(languages=("de", "zh"), translator="stub").apply(table)
    assert made.row_ids.tolist() == ["r0", "r0#0", "r0#1", "r1", "r2", "r3", "r4", "r5"]
    assert made.column("text").to_pylist()[:4] == ["the cat sat", "de:the cat sat", "zh:the cat sat", "a dog ran"]
    assert made.column("text_language").to_pylist() == [None, "de", "zh", None, None, None, None, None]
    assert made.column("id").to_pylist() == made.row_ids.tolist()
    assert made.parents.tolist() == ["r0", "r0", "r0", "r1", "r2", "r3", "r4", "r5"]
    assert made.groups[:3].tolist() == [0, 0, 0]
    assert made.column("label").to_pylist()[:3] == ["a", "a", "a"]
    assert [note for note in made.notes if "translate_text" in note] == [
        "translate_text: 2 of 3 texts came back empty or unchanged for 'de' and are left out",
        "translate_text: 2 of 3 texts came back empty or unchanged for 'zh' and are left out",
    ]


def test_texts_of_all_splits_are_replaced(table):
    step = TranslateText(languages=("de",), translator="stub", mode="replace")
    made = step.apply(table)
    assert made.column("text").to_pylist() == ["de:the cat sat", "a dog ran", None, "", "same", "de:the cat sat"]
    assert made.row_ids.tolist() == table.row_ids.tolist()
    assert made.task == table.task
    assert "stay as they are" in made.notes[-1]


def test_in_a_run_copies_are_trained_on_and_new_rows_are_not_copied(table):
    steps = [TranslateText(languages=("de", "fr"), translator="stub", weight="share"), "exact_duplicates"]
    curated = curate.Pipeline(steps=steps).run(table, cache=None)
    drawn = {line["row_id"]: line["weight"] for line in curated.plan.to_pylist()}
    assert drawn["r0"] == drawn["r0#0"] == drawn["r0#1"] == pytest.approx(1 / 3)
    assert drawn["r1"] == drawn["r5"] == 1
    new = curated.transform({"text": ["the cat sat"]})
    assert new.column("text").to_pylist() == ["the cat sat"]


def test_a_share_is_chosen_by_ids(table_of):
    texts = [f"text {i}" for i in range(400)]
    table = table_of({"text": texts}, text="text")
    step = TranslateText(languages=("de", "fr"), translator="stub", share=0.25)
    made = step.apply(table)
    german, french = ({r for r in made.row_ids.tolist() if r.endswith(end)} for end in ("#0", "#1"))
    assert 60 <= len(german) <= 140
    assert {r[:-2] for r in german} != {r[:-2] for r in french}
    again = step.apply(table.select(range(399, -1, -1)))
    assert set(again.row_ids.tolist()) == set(made.row_ids.tolist())


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_model_from_a_folder(table_of, tiny_model, family):
    texts = ["the cat sat on the mat .", "a big dog ran .", "今 天 好", "the red dog sat !"]
    table = table_of({"text": texts}, text="text")
    step = TranslateText(languages=("de",), model=tiny_model(family), mode="replace", max_new_tokens=6, beams=2)
    made = step.apply(table).column("text").to_pylist()
    assert made != texts
    alone = [step.apply(table.select([i])).column("text").to_pylist()[0] for i in range(4)]
    assert alone == made


def test_long_texts_go_through_a_model_by_sentences(table_of, tiny_model):
    text = " ".join(["the cat sat on the mat .", "The big dog ran ."] * 20)
    seen = []
    step = TranslateText(languages=("de",), model=tiny_model(), mode="replace", max_new_tokens=30)
    model = translate_text.writer(tiny_model(), "translate_text")

    class Spy:
        limit, tokenizer, tokens = model.limit, model.tokenizer, staticmethod(model.tokens)

        @staticmethod
        def write(texts, *_):
            seen.extend(texts)
            return [t.upper() for t in texts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translate_text, "writer", lambda *_: Spy)
        made = step.apply(table_of({"text": [text, "the cat"]}, text="text")).column("text").to_pylist()
    assert made == [text.upper(), "THE CAT"]
    assert all(model.tokens([part])[0] <= 31 for part in seen)
    assert len(seen) > 2


def test_what_can_not_be_done_is_said(table, tmp_path):
    assert "languages" in str(TranslateText().refuses(table.task))
    assert "model" in str(TranslateText(languages=("de",)).refuses(table.task))
    with pytest.raises(ConfigError, match="did you mean 'stub'"):
        TranslateText(languages=("de",), translator="stubb").apply(table)
    with pytest.raises(ConfigError, match="can't be loaded"):
        TranslateText(languages=("de",), model=str(tmp_path)).apply(table)
    translate_text.register("short", lambda texts, source, target: ["x"])
    with pytest.raises(DataError, match="'short' gave 1 values for 3 texts"):
        TranslateText(languages=("de",), translator="short").apply(table)
    for wrong in (
        {"model": "a", "translator": "b"},
        {"mode": "replace", "languages": ("a", "b")},
        {"languages": ("a", "a")},
    ):
        with pytest.raises(ConfigError):
            TranslateText(**wrong)
