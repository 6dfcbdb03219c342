"""py3langid for many texts at once says what it says of each."""

import math

import numpy as np
import pytest

import curate
from curate.errors import StorageError
from curate.evidence import Evidence
from curate.evidence.cache import Cache
from curate.evidence.measures import text_languages
from curate.evidence.measures.text_languages import keep_languages, languages
from curate.evidence.measures.text_mixture import second_languages

TEXTS = [
    "Where is my new card, and what does it cost?",
    "Ich möchte gerne wissen, wann meine neue Karte endlich bei mir ankommt",
    "Je voudrais savoir pourquoi mon paiement a été refusé hier soir",
    "私のカードがいつ届くのか知りたいのですが",
    "أريد أن أعرف لماذا تم رفض عملية الدفع الخاصة بي",
    "ALL CAPITALS ARE READ AS SMALL LETTERS",
    "e\u0301te\u0301",
    "12345",
    "",
    "a much longer text of the same words " * 60,
]


@pytest.fixture(scope="module")
def identifiers():
    langid = pytest.importorskip("py3langid.langid")
    make = langid.LanguageIdentifier.from_model_file
    return make(langid.MODEL_FILE, norm_probs=True), make(langid.MODEL_FILE, norm_probs=False)


@pytest.mark.parametrize("copies", [1, 40])
def test_scores_are_those_of_the_package(identifiers, copies):
    sure, plain = identifiers
    model = languages()
    texts = [f"{text} {copy}" if copies > 1 else text for text in TEXTS for copy in range(copies)]
    shares, scores = model.probabilities(texts), model.scores(texts)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-4)
    for place, text in enumerate(texts):
        language, confidence = sure.classify(text)
        assert model.names[shares[place].argmax()] == language
        assert math.isclose(shares[place].max(), confidence, abs_tol=1e-4)
        theirs = dict(plain.rank(text))
        np.testing.assert_allclose(scores[place], [theirs[name] for name in model.names], rtol=1e-4, atol=1e-2)


@pytest.fixture
def kept_in(tmp_path, monkeypatch):
    """A cache that the model is kept in; the model is loaded anew in the test, and after it."""
    monkeypatch.setattr(text_languages, "_stores", [])
    languages.cache_clear()
    cache = Cache(tmp_path)
    keep_languages(cache)
    yield cache
    languages.cache_clear()


def test_a_kept_model_says_the_same_and_is_not_unpacked_again(kept_in, monkeypatch):
    pytest.importorskip("py3langid")
    first = languages()
    assert kept_in.info().files == 7
    languages.cache_clear()
    monkeypatch.setattr(text_languages, "unpacked", lambda: pytest.fail("unpacked again"))
    kept = languages()
    assert kept is not first
    assert kept.names.tolist() == first.names.tolist()
    for copies in (1, 40):  # byte by byte, and many texts at once
        assert (kept.scores(TEXTS * copies) == first.scores(TEXTS * copies)).all()


def test_a_damaged_model_is_unpacked_anew(kept_in):
    pytest.importorskip("py3langid")
    expected = languages().scores(TEXTS)
    [path] = kept_in.folder.rglob("found.npy")
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    languages.cache_clear()
    assert (languages().scores(TEXTS) == expected).all()
    assert kept_in.verify()


def test_a_cache_that_takes_nothing_leaves_the_model(kept_in, monkeypatch):
    def full(key, arrays):
        raise StorageError("the disk is full")

    pytest.importorskip("py3langid")
    monkeypatch.setattr(kept_in, "put", full)
    assert "en" in languages().names


def test_without_a_cache_nothing_is_kept_in_that_of_others(kept_in):
    pytest.importorskip("py3langid")
    Evidence(curate.load({"text": TEXTS}, text="text"))
    languages()
    assert not kept_in.info().files


def test_texts_do_not_depend_on_each_other():
    model = languages()
    together = model.scores(TEXTS * 30)
    for place, text in enumerate(TEXTS):
        np.testing.assert_allclose(together[place + len(TEXTS)], model.scores([text])[0], rtol=1e-5)


def test_a_part_in_another_language():
    mixed = "The train leaves at nine from the main station. Ich möchte gerne wissen, wann meine neue Karte ankommt."
    rows, language, margin, fraction = second_languages([TEXTS[0], mixed, "", "one. two. three.", TEXTS[2]])
    assert rows.tolist() == [1]
    assert set(language) <= {"de", "en"}
    assert margin[0] > 8
    assert 0.2 < fraction[0] < 0.8
    assert [len(found) for found in second_languages([])] == [0, 0, 0, 0]
