import io
from collections import Counter

import numpy as np
import pytest

import curate
from curate.balance.select import Select
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings

RNG = np.random.default_rng


def evidence_of(table):
    return Evidence(table, EvidenceSettings(encoder="classic", folds=3), seed=0)


@pytest.fixture(scope="module")
def points():
    """Classes a (120), b (60), c (12) around three centres, 30 rows without a label, 20 held out."""
    rng = RNG(0)
    names = ["a"] * 120 + ["b"] * 60 + ["c"] * 12 + [None] * 30 + ["a"] * 20
    centre = np.array([{"a": 0, "b": 1, "c": 2}.get(n, int(rng.integers(3))) for n in names])
    x = (np.eye(3)[centre] * 1.5 + rng.normal(size=(len(names), 3))).astype(np.float32)
    columns = {
        "x": x,
        "text": [" ".join(["word"] * (1 + i % 7)) for i in range(len(names))],
        "label": names,
        "split": ["train"] * 222 + ["test"] * 20,
        "id": [f"r{i}" for i in range(len(names))],
    }
    task = curate.Task(
        kind="classification", features="x", label="label", label_names=("a", "b", "c"), split="split", id="id"
    )
    return evidence_of(curate.load(columns, task=task))


def kept(step, evidence, seed=0):
    """Labels of the rows of the pool that stay."""
    decided = step.decide(evidence.labels, evidence, RNG(seed)).table
    assert set(decided["action"].to_pylist()) <= {"drop"}
    gone = set(decided["row_id"].to_pylist())
    pool = step.pool(evidence.labels, evidence)
    assert gone <= set(evidence.table.row_ids[pool].tolist())
    rows = [int(r) for r in pool if str(evidence.table.row_ids[r]) not in gone]
    return rows, Counter(evidence.labels.name(r) for r in rows)


METHODS = ["random", "stratified", "k_centre", "facility_location", "herding", "uncertainty", "diversity"]


@pytest.mark.parametrize("method", METHODS)
def test_sizes(points, method):
    assert sum(kept(Select(method=method, rows=40), points)[1].values()) == 40
    assert sum(kept(Select(method=method, share=0.25), points)[1].values()) == 48
    assert kept(Select(method=method, rows=8, per_class=True), points)[1] == {"a": 8, "b": 8, "c": 8}
    assert kept(Select(method=method, share=0.5, per_class=True), points)[1] == {"a": 60, "b": 30, "c": 6}
    least = kept(Select(method=method, rows=30, min_per_class=7), points)[1]
    assert sum(least.values()) == 30
    assert min(least.values()) >= 7
    everything = kept(Select(method=method, rows=10_000), points)[1]
    assert everything == {"a": 120, "b": 60, "c": 12}


def test_stratified_keeps_the_shares(points):
    assert kept(Select(method="stratified", share=0.25), points)[1] == {"a": 30, "b": 15, "c": 3}


@pytest.mark.parametrize("method", ["k_centre", "facility_location", "herding", "diversity"])
def test_ways_of_spreading_do_what_they_say(points, method):
    vectors = points.embedding().vectors
    rows, _ = kept(Select(method=method, rows=12), points)
    pool = Select(rows=1).pool(points.labels, points)

    def cover(chosen):
        likeness = vectors[pool] @ vectors[chosen].T
        return {
            "k_centre": likeness.max(1).min(),
            "diversity": likeness.max(1).min(),
            "facility_location": np.maximum(likeness, 0).max(1).mean(),
            "herding": -np.linalg.norm(vectors[chosen].mean(0) - vectors[pool].mean(0)),
        }[method]

    by_chance = [cover(RNG(i).choice(pool, 12, replace=False)) for i in range(30)]
    assert cover(rows) > np.quantile(by_chance, 0.9)


def test_uncertainty_takes_the_hard_the_easy_or_the_middle(points):
    values = points.probabilities().values
    margin = np.diff(np.sort(values, axis=1)[:, -2:], axis=1)[:, 0]
    pool = Select(rows=1).pool(points.labels, points)
    order = pool[np.argsort(margin[pool])]
    assert set(kept(Select(method="uncertainty", rows=20), points)[0]) == set(order[:20])
    assert set(kept(Select(method="uncertainty", rows=20, keep="easiest"), points)[0]) == set(order[-20:])
    middle, _ = kept(Select(method="uncertainty", rows=20, keep="middle"), points)
    assert set(middle) == set(order[86:106])
    decided = Select(method="uncertainty", rows=20).decide(points.labels, points, RNG(0)).table
    assert "difficulty by margin" in decided["reason"][0].as_py()


def test_wrong_labels_are_hard():
    wrong = RNG(3).choice(120, 10, replace=False)
    x = RNG(0).normal(size=(200, 3)).astype(np.float32)
    label = np.where(x[:, 0] > 0, "a", "b")
    label[wrong] = np.where(label[wrong] == "a", "b", "a")
    task = curate.Task(kind="classification", features="x", label="y", label_names=("a", "b"))
    hard, _ = kept(
        Select(method="uncertainty", by="el2n", rows=20), evidence_of(curate.load({"x": x, "y": label}, task=task))
    )
    assert len(set(wrong.tolist()) & set(hard)) >= 8


def test_unlabelled_rows_are_ranked_for_review_and_none_is_dropped(points):
    step = Select(method="uncertainty", among="unlabelled", rows=10)
    decided = step.decide(points.labels, points, RNG(0)).table.to_pylist()
    assert [e["action"] for e in decided] == ["review"] * 10
    assert decided[0]["reason"].startswith("rank 1 of 10 by difficulty by margin")
    assert [e["row_id"] for e in decided] == step.ranking(points.labels, points, RNG(0))
    margin = np.diff(np.sort(points.probabilities().values, axis=1)[:, -2:], axis=1)[:, 0]
    pool = step.pool(points.labels, points)
    assert len(pool) == 30
    assert [e["row_id"] for e in decided] == [f"r{i}" for i in pool[np.argsort(margin[pool], kind="stable")][:10]]
    dropping = Select(method="random", among="unlabelled", rows=10, fix="drop")
    assert dropping.decide(points.labels, points, RNG(0)).table.num_rows == 20


def test_a_table_is_ranked_as_a_pipeline_would(points):
    step = Select(method="uncertainty", by="entropy", among="unlabelled", rows=10)
    settings = EvidenceSettings(encoder="classic", folds=3)
    ranked = step.rank(points.table, seed=3, settings=settings)
    run = curate.Pipeline([step], evidence=settings, seed=3).run(points.table, cache=None)
    assert ranked == run.ledger["row_id"].to_pylist()
    assert set(run.ledger["action"].to_pylist()) == {"review"}
    assert run.plan.num_rows == len(points.table)
    with pytest.raises(ConfigError, match="needs texts"):
        Select(tokens=3).rank(points.table)


def test_rows_to_label_are_far_from_labelled_ones():
    rng = RNG(0)
    near, far = rng.normal([5, 0, 0], 0.1, (40, 3)), rng.normal([0, 5, 0], 0.1, (10, 3))
    x = np.concatenate([near, far]).astype(np.float32)
    label = ["a" if i % 2 else "b" for i in range(20)] + [None] * 30
    task = curate.Task(kind="classification", features="x", label="y", label_names=("a", "b"), id="id")
    table = curate.load({"x": x, "y": label, "id": [f"r{i}" for i in range(50)]}, task=task)
    evidence = evidence_of(table)
    for method in ("k_centre", "facility_location"):
        step = Select(method=method, among="unlabelled", rows=1)
        assert int(step.ranking(evidence.labels, evidence, RNG(0))[0][1:]) >= 40


@pytest.mark.parametrize("method", ["random", "stratified", "k_centre", "facility_location", "uncertainty"])
def test_a_budget_in_tokens(method):
    texts = [" ".join(RNG(i).choice(["one", "two", "three", "four"], 1 + i % 9)) for i in range(120)]
    task = curate.Task(kind="classification", text="text", label="y", label_names=("a", "b"))
    table = curate.load({"text": texts, "y": ["a", "b"] * 60}, task=task)
    evidence = evidence_of(table)
    rows, _ = kept(Select(method=method, tokens=100), evidence)
    words = np.array([len(t.split()) for t in texts])
    assert 100 - words.max() < words[rows].sum() <= 100


def test_a_budget_in_seconds():
    soundfile = pytest.importorskip("soundfile")

    def clip(seconds):
        out = io.BytesIO()
        soundfile.write(out, RNG(int(seconds * 10)).normal(0, 0.1, int(8000 * seconds)), 8000, format="WAV")
        return {"bytes": out.getvalue(), "path": None}

    lengths = [0.5 + 0.1 * (i % 10) for i in range(20)]
    task = curate.Task(kind="unlabeled", audio="audio")
    evidence = evidence_of(curate.load({"audio": [clip(s) for s in lengths]}, task=task))
    rows, _ = kept(Select(seconds=6.0), evidence)
    assert 5.4 < sum(lengths[r] for r in rows) <= 6.01


def test_diversity_takes_one_of_near_rows():
    rng = RNG(0)
    words = [f"w{i}" for i in range(400)]
    texts = []
    for _ in range(30):
        line = rng.choice(words, 20)
        texts += [" ".join(line), " ".join([*line[:-1], "other"]), " ".join(line)]
    task = curate.Task(kind="classification", text="text", label="y", label_names=("a", "b"))
    evidence = evidence_of(curate.load({"text": texts, "y": ["a", "b"] * 45}, task=task))
    rows, _ = kept(Select(method="diversity", rows=60), evidence)
    assert sorted(r // 3 for r in rows) == list(range(30))
    decided = Select(method="diversity", rows=60).decide(evidence.labels, evidence, RNG(0)).table
    assert all("equal or almost equal" in reason for reason in decided["reason"].to_pylist())


def test_quality_by_a_measure_and_by_checks():
    texts = [f"this is a plain sentence about thing number {i}" for i in range(40)]
    texts[5], texts[17] = "@@@@ ###### $$$$ %%%% ^^^^ &&&& ****", "buy buy buy buy buy buy buy buy buy buy buy buy"
    texts[9] = texts[9] + " with a few more words than the others have"
    task = curate.Task(kind="classification", text="text", label="y", label_names=("a", "b"))
    evidence = evidence_of(curate.load({"text": texts, "y": ["a", "b"] * 20}, task=task))
    assert kept(Select(method="quality", measure="text.characters", rows=1), evidence)[0] == [9]
    lowest, _ = kept(Select(method="quality", measure="text.characters", prefer="lowest", rows=1), evidence)
    assert lowest == [5]
    good, _ = kept(Select(method="quality", checks=("text_quality",), rows=38), evidence)
    assert not {5, 17} & set(good)
    with pytest.raises(ConfigError, match="no single number"):
        kept(Select(method="quality", measure="text.language", rows=1), evidence)


def test_regression_and_multilabel():
    x = RNG(0).normal(size=(100, 3)).astype(np.float32)
    y = x[:, 0] * 2
    y[7] += 40
    task = curate.Task(kind="regression", features="x", label="y")
    evidence = evidence_of(curate.load({"x": x, "y": y}, task=task))
    hard, _ = kept(Select(method="uncertainty", by="el2n", rows=5), evidence)
    assert 7 in hard
    rows, _ = kept(Select(method="stratified", rows=20), evidence)
    tenth = np.argsort(np.argsort(y)) // 10
    assert Counter(tenth[rows]) == dict.fromkeys(range(10), 2)

    sets = [["a"] if i % 2 else ["a", "b"] for i in range(96)] + [["c"]] * 4
    task = curate.Task(kind="multilabel", features="x", label="y", label_names=("a", "b", "c"))
    evidence = evidence_of(curate.load({"x": x, "y": sets}, task=task))
    rows, _ = kept(Select(method="k_centre", rows=4, per_class=True), evidence)
    assert set(range(96, 100)) <= set(rows)
    assert len(kept(Select(method="uncertainty", rows=10), evidence)[0]) == 10


def test_unlabelled_tasks_have_subsets_too():
    task = curate.Task(kind="unlabeled", features="x")
    evidence = evidence_of(curate.load({"x": RNG(0).normal(size=(50, 3)).astype(np.float32)}, task=task))
    assert len(kept(Select(method="k_centre", rows=10), evidence)[0]) == 10


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "name one size"),
        ({"rows": 3, "share": 0.5}, "rows and share"),
        ({"rows": 3, "tokenizer": "x"}, "name the budget in tokens"),
        ({"rows": 3, "method": "quality"}, "either a measure or checks"),
        ({"rows": 3, "method": "quality", "checks": ["oversample"]}, "oversample is a balance step, not a check"),
    ],
)
def test_settings_that_do_not_fit(settings, why):
    with pytest.raises(ConfigError, match=why):
        Select(**settings)


def test_refusals():
    bare = curate.Task(kind="unlabeled", text="t")
    number = curate.Task(kind="regression", features="x", label="y")
    assert "needs labels" in (Select(rows=1, among="unlabelled").refuses(bare) or "")
    assert "need labels" in (Select(rows=1, method="stratified").refuses(bare) or "")
    assert "el2n" in (Select(rows=1, method="uncertainty").refuses(number) or "")
    assert "needs texts" in (Select(tokens=1).refuses(number) or "")
    assert "audio or video" in (Select(seconds=1).refuses(bare) or "")
    assert Select(tokens=1).refuses(bare) is None


def test_tokens_by_a_tokenizer(tmp_path):
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "a test")
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokens = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Split("", "isolated")  # a token per character
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokens, unk_token="[UNK]").save_pretrained(tmp_path)
    task = curate.Task(kind="unlabeled", text="text")
    evidence = evidence_of(curate.load({"text": ["abcd"] * 5 + ["abcdefgh"] * 5}, task=task))
    step = Select(tokens=20, tokenizer=str(tmp_path), method="quality", measure="text.characters", prefer="lowest")
    assert kept(step, evidence)[0] == [0, 1, 2, 3, 4]
    with pytest.raises(ConfigError, match="can't be loaded"):
        kept(Select(tokens=20, tokenizer=str(tmp_path / "none")), evidence)


def test_a_size_that_can_not_be_met_is_said():
    evidence = evidence_of(
        curate.load({"text": ["one two three"] * 6}, task=curate.Task(kind="unlabeled", text="text"))
    )
    with pytest.raises(ConfigError, match="none of the 6 rows fits into the budget `tokens: 2`"):
        kept(Select(tokens=2), evidence)
    assert len(kept(Select(tokens=6), evidence)[0]) == 2
    assert len(kept(Select(rows=7), evidence)[0]) == 6
    assert "select: `rows: 7` asks for more than the 6 rows that there are; all are selected" in evidence.notes


def test_nothing_to_select_from_is_said(points):
    none = evidence_of(points.table.select(np.flatnonzero(points.table.labels.known)))
    assert Select(rows=3, among="unlabelled").decide(none.labels, none, RNG(0)).table.num_rows == 0
    assert "select: there are no unlabelled rows to select from; nothing is done" in none.notes
