import random

import numpy as np
import pytest

from curate.augment.operations import build
from curate.augment.operations.texts import wordnet
from curate.augment.operations.texts.spelling import dictionary_file
from curate.augment.operations.words import split
from curate.errors import ConfigError, DataError

INDEX = """  1 This software and database
car n 2 2 @ ~ 2 1 00000100 00000200
automobile n 1 2 @ ~ 1 0 00000100
motorcar n 1 2 @ ~ 1 0 00000100
railcar n 1 1 @ 1 0 00000200
motor_vehicle n 1 1 @ 1 0 00000100
be n 1 1 @ 1 0 00000100
"""
DATA = """  1 This software and database
00000100 06 n 04 car 0 automobile 0 motorcar 0 motor_vehicle 0 002 @ 00000900 n 0000 ~ 00000901 n 0000 | a machine
00000200 06 n 02 car 1 railcar 0 001 @ 00000900 n 0000 | a wheeled vehicle
"""
INDEX_ADJ = "glad a 1 1 & 1 1 00000300\nhappy a 1 1 & 1 3 00000300\n"
DATA_ADJ = "00000300 00 a 02 happy(p) 0 glad 0 001 & 00000301 a 0000 | feeling pleasure\n"


def edits(name, text, count=30, **settings):
    operation = build("text", {name: settings})
    return [operation.apply(text, operation.draw(np.random.default_rng(seed), text)) for seed in range(count)]


@pytest.fixture
def database(tmp_path):
    for name, text in [
        ("index.noun", INDEX), ("data.noun", DATA), ("index.adj", INDEX_ADJ), ("data.adj", DATA_ADJ),
    ]:  # fmt: skip
        (tmp_path / name).write_text(text)
    return str(tmp_path)


def test_given_synonyms_keep_the_case():
    given = {"synonyms": {"rain": ["pour"], "today": ["this day"]}, "fraction": 1.0}
    assert set(edits("synonyms", "RAIN today, Rain rainy", count=100, **given)) >= {"POUR this day, Pour rainy"}
    assert set(edits("synonyms", "nothing known", **given)) == {"nothing known"}
    assert set(edits("synonyms", "Rain", synonyms={"rain": ["Rain", "pour"]})) == {"Pour"}


def test_synonyms_of_a_file(tmp_path):
    path = tmp_path / "own.tsv"
    path.write_text("# own list\nrain\tpour\tshower\n\n天气\t气候\n", encoding="utf-8")
    assert set(edits("synonyms", "rain", path=str(path))) == {"pour", "shower"}
    assert set(edits("synonyms", "今天天气很好", path=str(path))) == {"今天气候很好"}
    assert set(edits("synonyms", "rain", path=str(path), synonyms={"rain": ["drops"]})) == {"drops"}
    path.write_text("rain\n")
    other = tmp_path / "other.tsv"
    other.write_text("rain pour\n")
    with pytest.raises(ConfigError, match=r"other.tsv, line 1: a word and its others, separated by tabs.*'rain pour'"):
        build("text", {"synonyms": {"path": str(other)}})
    with pytest.raises(ConfigError, match="can't be read"):
        build("text", {"eda": {"path": str(tmp_path / "none.tsv")}})


def test_synonyms_must_be_told_where_they_are():
    with pytest.raises(ConfigError, match="corpus_synonyms"):
        build("text", "synonyms")
    with pytest.raises(ConfigError, match="has no synonyms"):
        build("text", {"synonyms": {"synonyms": {"rain": []}}})


def test_wordnet_takes_the_commonest_sense(database):
    table = wordnet.synonyms(database)
    assert table["car"] == ("automobile", "motorcar", "motor vehicle")
    assert table["railcar"] == ("car",)
    assert table["glad"] == ("happy",)
    assert "be" not in table
    assert set(edits("synonyms", "My Car", wordnet=database)) == {"My Automobile", "My Motorcar", "My Motor vehicle"}


def test_wordnet_that_is_not_installed_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))
    with pytest.raises(DataError, match="no WordNet database"):
        build("text", {"synonyms": {"wordnet": str(tmp_path)}})


def test_wordnet_is_found_in_the_usual_places(database, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", database)
    assert str(wordnet.folder("auto")) == database


def test_eda_makes_its_four_edits():
    text, seen = "one two three four", set()
    for changed in edits("eda", text, count=200, synonyms={"two": ["zwei"]}):
        words = changed.split()
        seen.add("replaced" if "two" not in words and len(words) == 4 else "more" if len(words) == 5 else
                 "fewer" if len(words) == 3 else "swapped")  # fmt: skip
        assert changed != text
    assert seen == {"replaced", "more", "fewer", "swapped"}
    assert {len(changed.split()) for changed in edits("eda", text, count=100)} == {3, 4, 5}
    assert set(edits("eda", "word", count=5)) == {"word word"}


def test_spelling_errors_are_those_of_the_list(tmp_path):
    listed = {}
    for line in dictionary_file().read_text(encoding="utf-8").splitlines():
        word, *wrong = line.split(" ")
        listed.setdefault(word, set()).update(wrong)
    text = "because their beautiful friends definitely believe it"
    for changed in edits("spelling_errors", text, fraction=0.5):
        pairs = list(zip(text.split(), changed.split()))
        assert all(a == b or b in listed[a] for a, b in pairs if len(text.split()) == len(changed.split()))
        assert changed != text
    path = tmp_path / "de.tsv"
    path.write_text("nämlich\tnähmlich\n", encoding="utf-8")
    assert set(edits("spelling_errors", "Nämlich so", path=str(path), language="de")) == {"Nähmlich so"}


def test_entities_change_within_their_list():
    lists = {"city": ["Berlin", "Paris", "New York"], "day": ["Monday", "Friday"]}
    for changed in edits(
        "replace_entities", "from berlin to New York on monday, not Parisian", entities=lists, count=60
    ):
        assert changed.endswith("not Parisian")
        assert split(changed)[0][0] == "from"
    together = {changed.split(" to ")[0] for changed in edits("replace_entities", "Berlin to go", entities=lists)}
    assert together == {"Paris", "New York"}
    assert set(edits("replace_entities", "on Monday", entities=lists)) == {"on Friday"}
    assert set(edits("replace_entities", "no names", entities=lists)) == {"no names"}
    assert set(edits("replace_entities", "to {city}", entities=lists)) == {"to Berlin", "to Paris", "to New York"}
    assert set(edits("replace_entities", "on [DAY]", entities=lists)) == {"on Monday", "on Friday"}
    assert set(edits("replace_entities", "on [DAY]", entities=lists, placeholders=False)) == {"on [DAY]"}
    assert set(edits("replace_entities", "Berlin", entities={"city": ["Berlin"]})) == {"Berlin"}
    assert set(edits("replace_entities", "https://x.example/Berlin", entities=lists)) == {"https://x.example/Berlin"}


def test_many_entities_and_chinese(tmp_path):
    path = tmp_path / "lists.tsv"
    path.write_text("\n".join(f"name\tperson{i:03d}" for i in range(300)) + "\n城市\t北京\t上海\n", encoding="utf-8")
    changed = edits("replace_entities", "ask Person007 and person0070", path=str(path))
    assert all(text.endswith("and person0070") and "Person007 " not in text for text in changed)
    assert set(edits("replace_entities", "我在北京工作", path=str(path))) == {"我在上海工作"}
    with pytest.raises(ConfigError, match="needs lists"):
        build("text", "replace_entities")
    with pytest.raises(ConfigError, match="has no names"):
        build("text", {"replace_entities": {"entities": {"city": []}}})


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("nlpaug")


def test_nlpaug_leaves_the_global_generators_as_they_were(library):
    operation = build("text", {"nlpaug": {"augmenter": "RandomCharAug", "parameters": {"action": "swap"}}})
    random.seed(1)
    np.random.seed(1)
    before, numbers = random.getstate(), np.random.get_state()[1].tolist()
    text = "the quick brown fox jumps over the lazy dog"
    drawn = operation.draw(np.random.default_rng(0), text)
    first = operation.apply(text, drawn)
    random.seed(9)
    assert operation.apply(text, drawn) == first != text
    random.seed(1)
    assert random.getstate() == before
    assert np.random.get_state()[1].tolist() == numbers
    assert len(set(edits("nlpaug", text, augmenter="RandomCharAug"))) > 10
    assert set(edits("nlpaug", "", augmenter="RandomCharAug", count=3)) == {""}


def test_nlpaug_keeps_what_is_kept_and_is_refused_where_it_does_nothing(library):
    text = "please mail anna@example.com about it today"
    changed = edits("nlpaug", text, augmenter="KeyboardAug")
    assert all("anna@example.com" in one for one in changed)
    assert sum(one != text for one in changed) > 15
    with pytest.raises(ConfigError, match="nlpaug returns such texts as they are"):
        build("text", {"nlpaug": {"augmenter": "RandomWordAug", "language": "zh"}})
    with pytest.raises(ConfigError, match="AntonymAug"):
        build("text", {"nlpaug": {"augmenter": "WordEmbsAug"}})
    with pytest.raises(ConfigError, match="can't be made with"):
        build("text", {"nlpaug": {"augmenter": "KeyboardAug", "parameters": {"aug_q": 1}}})


def test_nlpaug_of_words(library):
    """Slow: nlpaug's words import torch and transformers."""
    with pytest.raises(ConfigError, match=r"(?i)nltk"):
        build("text", {"nlpaug": {"augmenter": "SynonymAug"}})
    tokens = {"reserved_tokens": [["card", "account"]]}
    assert set(edits("nlpaug", "my card", augmenter="ReservedAug", parameters=tokens)) == {"my account"}
