"""Evidence as steps see it: computed once, kept, independent of the order of rows, and safe on every degenerate set."""

import numpy as np
import pytest

import curate
from curate.errors import DataError
from curate.evidence import Evidence, EvidenceSettings

CLASSIC = EvidenceSettings(encoder="classic")
ANIMALS = ["the cat purrs softly", "a dog barks loudly", "small birds sing songs"]


def animals(n=60, seed=0):
    """Texts about three animals, told apart by their words."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 3, n)
    return {"text": [f"{ANIMALS[k]} {rng.integers(1000)}" for k in kinds], "label": [f"k{k}" for k in kinds]}


def table_of(columns, **task):
    return curate.load(columns, task=curate.Task(**{"text": "text", "label": "label", "kind": "classification"} | task))


def features(x, label=None, **task):
    roles = {"features": "x", "label": "label", "kind": "classification"} | task
    return curate.load({"x": np.asarray(x, dtype=np.float64), "label": label}, task=curate.Task(**roles))


def test_all_estimates_of_a_simple_table():
    evidence = Evidence(table_of(animals()), CLASSIC)
    probabilities, noise, codes = evidence.probabilities(), evidence.noise(), evidence.labels.codes
    assert (probabilities.values.argmax(1) == codes).mean() > 0.95
    assert set(probabilities.folds) == set(range(5))
    assert noise.rate < 0.05
    near = evidence.neighbours(3)
    assert (codes[near.indices] == codes[:, None]).mean() > 0.9
    facts = evidence.facts()
    assert {"embedding", "probabilities", "noise", "neighbours"} <= facts["estimates"].keys()
    assert "n-grams" in facts["encoder"]


def test_planted_errors_are_seen():
    columns = animals(150)
    true = list(columns["label"])
    for row in range(0, 150, 10):
        columns["label"][row] = "k0" if true[row] != "k0" else "k1"
    evidence = Evidence(table_of(columns), CLASSIC)
    posterior, codes = evidence.noise().posterior, evidence.labels.codes
    flagged = posterior.argmax(1) != codes
    assert set(np.flatnonzero(flagged)) == set(range(0, 150, 10))
    assert evidence.noise().rate == pytest.approx(0.1, abs=0.03)


def test_rows_in_another_order_give_the_same_numbers():
    table = table_of(animals())
    shuffled = np.random.default_rng(3).permutation(len(table))
    one, other = Evidence(table, CLASSIC), Evidence(table.select(shuffled), CLASSIC)
    assert np.array_equal(one.embedding().vectors[shuffled], other.embedding().vectors)
    assert np.array_equal(one.probabilities().values[shuffled], other.probabilities().values)
    assert np.array_equal(one.noise().posterior[shuffled], other.noise().posterior)
    assert np.array_equal(one.neighbours(4).indices[shuffled], shuffled[other.neighbours(4).indices])


def test_same_seed_same_folds_other_seed_others():
    table = table_of(animals())
    folds = [Evidence(table, CLASSIC, seed=seed).probabilities().folds for seed in (0, 0, 1)]
    assert np.array_equal(folds[0], folds[1])
    assert not np.array_equal(folds[0], folds[2])


def test_estimates_come_from_the_cache_the_second_time(tmp_path):
    table = table_of(animals())
    first = Evidence(table, CLASSIC, cache=tmp_path)
    numbers = first.probabilities().values, first.noise().posterior, first.neighbours(4).indices
    turned = np.arange(len(table))[::-1]
    second = Evidence(table.select(turned), CLASSIC, cache=tmp_path)
    assert np.array_equal(second.probabilities().values, numbers[0][turned])
    assert np.array_equal(second.noise().posterior, numbers[1][turned])
    assert np.array_equal(turned[second.neighbours(4).indices], numbers[2][turned])
    assert all(facts["from_cache"] for facts in second.facts()["estimates"].values())


def test_other_labels_and_other_rows_are_other_estimates(tmp_path):
    table = table_of(animals())
    evidence = Evidence(table, CLASSIC, cache=tmp_path)
    before = evidence.probabilities()
    codes = evidence.labels.codes.copy()
    codes[:5] = (codes[:5] + 1) % 3
    active = np.arange(len(table)) != 7
    after = evidence.following(active, evidence.labels.with_codes(codes))
    assert after.embedding() is evidence.embedding()
    assert not np.array_equal(after.probabilities().values, before.values)
    assert after.probabilities().folds[7] == -1
    assert after.probabilities().valid[7]
    assert not (after.neighbours(3).indices == 7).any()
    assert np.array_equal(evidence.probabilities().values, before.values)


def test_validation_and_test_rows_have_no_say():
    columns = animals(90)
    columns["split"] = ["train"] * 60 + ["validation"] * 15 + ["test"] * 15
    changed = columns | {"label": columns["label"][:60] + ["k0"] * 30}
    one, other = (
        Evidence(table_of(c, split="split", id="id"), CLASSIC) for c in (with_ids(columns), with_ids(changed))
    )
    assert np.array_equal(one.probabilities().values, other.probabilities().values)
    assert np.array_equal(one.noise().joint, other.noise().joint)
    assert (one.probabilities().folds[60:] == -1).all()
    assert (one.probabilities().values[60:].argmax(1) == one.labels.codes[60:]).mean() > 0.9


def with_ids(columns):
    return columns | {"id": [f"r{i}" for i in range(len(columns["text"]))]}


def test_duplicates_and_groups_are_not_torn_apart():
    columns = animals(60)
    columns["text"] += columns["text"][:20]
    columns["label"] += columns["label"][:20]
    columns["group"] = [f"g{i // 4}" for i in range(60)] + [f"g{i // 4}" for i in range(60, 80)]
    evidence = Evidence(table_of(columns, group="group"), CLASSIC)
    folds = evidence.probabilities().folds
    assert np.array_equal(folds[:20], folds[60:])
    groups = np.array(columns["group"])
    assert all(len(set(folds[groups == name])) == 1 for name in set(columns["group"]))
    numbers = evidence.duplicate_groups()
    assert np.array_equal(numbers[:20], numbers[60:])
    assert (numbers[20:60] == -1).all()


def test_small_classes_are_named():
    columns = animals(40)
    columns["label"][0] = "lone"
    evidence = Evidence(table_of(columns), CLASSIC)
    assert np.isfinite(evidence.probabilities().values).all()
    assert any("'lone' (1)" in note for note in evidence.notes)


@pytest.mark.parametrize("cache", [False, True])
def test_neighbours_among_some_rows(tmp_path, cache):
    vectors = np.random.default_rng(0).normal(size=(2_500, 6)).astype(np.float32)
    rows = np.random.default_rng(1).permutation(2_500)[:2_100]
    columns = {"emb": vectors, "text": [f"row {row}" for row in range(2_500)], "label": ["a", "b"] * 1_250}
    found = np.arange(2_100) >= 300
    for _ in range(2):  # by a search, then by the lists that it left
        evidence = Evidence(table_of(columns, embedding="emb"), cache=tmp_path if cache else None)
        near = evidence.neighbours_among("some", rows, found, 3)
        unit = vectors[rows] / np.linalg.norm(vectors[rows], axis=1, keepdims=True)
        expected = unit[:40] @ unit.T
        expected[:, ~found] = -np.inf
        expected[np.arange(40), np.arange(40)] = -np.inf
        np.testing.assert_array_equal(near.indices[:40], np.argsort(-expected, axis=1)[:, :3])
        assert near.indices.shape == (2_100, 3)


def test_own_embedding():
    vectors = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    vectors[4] = np.nan
    columns = animals(20) | {"emb": vectors}
    evidence = Evidence(table_of(columns, embedding="emb"))
    embedding = evidence.embedding()
    assert np.allclose(embedding.vectors[5], vectors[5] / np.linalg.norm(vectors[5]), atol=1e-6)
    assert np.flatnonzero(~embedding.valid).tolist() == [4]
    assert "'emb'" in embedding.encoder
    assert np.isnan(evidence.probabilities().values[4]).all()
    assert not evidence.probabilities().valid[4]
    assert np.isnan(evidence.noise().posterior[4]).all()


def test_own_probabilities():
    columns = animals(30)
    codes = np.array([int(label[1]) for label in columns["label"]])
    given = np.where(np.eye(3)[codes] > 0, 0.8, 0.1)
    given[2] = [0.9, 0.9, 0.9]
    columns["p"] = given
    evidence = Evidence(table_of(columns, probabilities="p"))
    found = evidence.probabilities()
    assert np.allclose(found.values[3], given[3])
    assert np.flatnonzero(~found.valid).tolist() == [2]
    assert "'p'" in found.method
    assert np.isfinite(evidence.noise().posterior[3:]).all()


@pytest.mark.parametrize("given", [np.full((30, 2), 0.5), np.full((30, 3), 7.0)])
def test_own_probabilities_that_are_none(given):
    evidence = Evidence(table_of(animals(30) | {"p": given}, probabilities="p"))
    with pytest.raises(DataError, match="'p'"):
        evidence.probabilities()


def test_regression_has_predictions_and_no_probabilities():
    x = np.random.default_rng(0).normal(size=(200, 5))
    table = features(x, x @ np.arange(5.0) + 0.05, kind="regression")
    evidence = Evidence(table)
    predicted = evidence.predictions()
    assert np.corrcoef(predicted, evidence.labels.values)[0, 1] > 0.95
    assert evidence.probabilities().values.shape == (200, 0)
    assert not evidence.probabilities().valid.any()
    assert evidence.noise().rate == 0


def test_several_labels_per_row():
    rng = np.random.default_rng(0)
    on = rng.random((200, 3)) < 0.4
    texts = [" ".join(text for text, yes in zip(ANIMALS, row) if yes) + f" {i}" for i, row in enumerate(on)]
    columns = {"text": texts, "label": [[f"k{k}" for k in np.flatnonzero(row)] for row in on]}
    evidence = Evidence(table_of(columns, kind="multilabel", label_names=("k0", "k1", "k2")), CLASSIC)
    values = evidence.probabilities().values
    assert ((values > 0.5) == on).mean() > 0.95
    assert np.isfinite(evidence.noise().posterior).all()


def test_prepare_takes_measures_and_unknown_ones_are_named(tmp_path):
    evidence = Evidence(table_of(animals(12)), cache=tmp_path)
    evidence.prepare(["text.statistics"])
    assert len(evidence.facts()["passes"]) == 1
    with pytest.raises(curate.errors.ConfigError, match="no measure"):
        evidence.measure("text.wrods")


def test_unreadable_images_are_broken_and_not_active(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    for name, value in (("dark", 40), ("light", 200)):
        (tmp_path / name).mkdir()
        for number in range(8):
            pixels = np.random.default_rng(number).integers(value, value + 30, (12, 12)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "dark" / "9.png").write_bytes((tmp_path / "dark" / "1.png").read_bytes()[:40])
    table = curate.load(tmp_path)
    evidence = Evidence(table)
    [bad] = evidence.broken
    assert not evidence.active[bad]
    assert evidence.active.sum() == 16
    embedding = evidence.embedding()
    assert np.flatnonzero(~embedding.valid).tolist() == [bad]
    assert np.isnan(evidence.probabilities().values[bad]).all()
    assert (evidence.neighbours(3).indices[bad] == -1).all()
    assert any("tiny and grey" in note for note in evidence.notes)


DEGENERATE = {
    "one row": ([[1.0, 2.0]], ["a"]),
    "three rows": ([[1.0, 2.0], [2.0, 1.0], [0.0, 0.0]], ["a", "b", "a"]),
    "one class": (np.random.default_rng(0).normal(size=(12, 3)), ["a"] * 12),
    "a class of one row": (np.random.default_rng(0).normal(size=(12, 3)), ["a"] * 11 + ["b"]),
    "all rows identical": (np.ones((12, 3)), ["a", "b"] * 6),
    "all labels missing": (np.random.default_rng(0).normal(size=(6, 3)), [None] * 6),
    "two rows of two classes": ([[1.0], [2.0]], ["a", "b"]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_sets(name):
    x, label = DEGENERATE[name]
    evidence = Evidence(features(x, label, label_names=("a", "b")))
    assert evidence.embedding().valid.all()
    probabilities, noise = evidence.probabilities(), evidence.noise()
    near = evidence.neighbours(5)
    assert near.indices.shape == (len(x), 5)
    if "missing" not in name:
        assert np.allclose(probabilities.values.sum(1), 1, atol=1e-5)
        assert np.allclose(noise.posterior.sum(1), 1, atol=1e-5)
    assert np.isfinite(noise.joint).all()
    assert 0 <= noise.rate <= 1
    assert evidence.predictions().shape == (len(x),)


def test_no_rows_at_all():
    table = table_of(animals(5)).select(np.zeros(0, dtype=np.int64))
    evidence = Evidence(table, CLASSIC)
    assert evidence.embedding().vectors.shape[0] == 0
    assert evidence.neighbours(3).indices.shape == (0, 3)
    assert evidence.probabilities().values.shape == (0, 3)
    assert evidence.noise().posterior.shape == (0, 3)
    assert evidence.duplicate_groups().shape == (0,)
