import json

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.balance.synthesize import Synthesize
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence, EvidenceSettings
from curate.made import Made


def by(method, **of_vae):
    """The method with settings that are the autoencoder's alone."""
    return {"method": method} | (of_vae if method == "vae" else {})


def evidence_of(table):
    return Evidence(table, EvidenceSettings(encoder="classic", folds=3), seed=0)


def made(step, table, seed=0):
    evidence = evidence_of(table)
    return step.decide(evidence.labels, evidence, np.random.default_rng(seed)), evidence


@pytest.fixture(scope="module")
def mixed():
    """70 rows of a, 20 of b, 3 of c: numbers, whole numbers, a category, a date, gaps; and a test split."""
    rng = np.random.default_rng(0)
    label = ["a"] * 70 + ["b"] * 20 + ["c"] * 3 + ["b"] * 10
    n = len(label)
    columns = {
        "size": [None if i % 11 == 5 else float(v) for i, v in enumerate(rng.gamma(2, 3, n))],
        "rooms": rng.integers(1, 40, n),
        "colour": [None if i % 9 == 1 else str(c) for i, c in enumerate(rng.choice(["red", "green", "blue"], n))],
        "day": pa.array(rng.integers(15_000, 19_000, n).astype(np.int32)).cast(pa.date32()),
        "label": label,
        "split": ["train"] * 93 + ["test"] * 10,
        "id": [f"r{i}" for i in range(n)],
        "note": ["kept out"] * n,
    }
    task = curate.Task(
        kind="classification",
        features=("size", "rooms", "colour", "day"),
        label="label",
        label_names=("a", "b", "c"),
        split="split",
        id="id",
    )
    columns = {k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in columns.items()}
    import datasets

    return curate.load(datasets.Dataset(pa.table(columns)), task=task)


@pytest.mark.parametrize("method", ["gaussian_copula", "vae"])
def test_the_run_takes_the_new_rows(mixed, method):
    run = curate.Pipeline([Synthesize(**by(method, epochs=20))]).run(mixed, cache=None)
    plan = run.plan.to_pandas()
    train = plan[plan.split == "train"]
    assert train.label.value_counts().to_dict() == {"a": 70, "b": 70, "c": 3}
    new = train[train.origin == "synthetic"]
    assert len(new) == 50
    rows = run.table.rows(new.row.to_numpy()).to_pydict()
    real = mixed.rows(np.arange(70, 90)).to_pydict()
    assert {type(v) for v in rows["rooms"]} == {int}
    assert set(rows["colour"]) <= {"red", "green", "blue", None}
    known = [v for v in real["size"] if v is not None]
    if method == "gaussian_copula":
        assert all(v is None or min(known) <= v <= max(known) for v in rows["size"])
        assert min(real["day"]) <= min(rows["day"]) <= max(rows["day"]) <= max(real["day"])
    assert rows["note"] == [None] * 50
    assert any("50 rows of class 'b'" in note and "closest real row" in note for note in run.notes)
    assert any("fewer than 5 real rows get no new ones: 'c' (3)" in note for note in run.notes)


def test_every_new_row_says_how_it_was_made(mixed):
    found, _ = made(Synthesize(to=30), mixed)
    assert isinstance(found, Made)
    entries = found.decisions.table.to_pylist()
    assert len(entries) == len(set(found.row_ids)) == 10
    for entry in entries:
        about = json.loads(entry["after"])
        assert about["distance"] >= about["least_distance"] > 0
        assert about["closest"] in mixed.row_ids[mixed.training].tolist()
        assert "from the closest real row" in entry["reason"]
    assert found.parents == found.row_ids


def test_other_order_same_rows_other_seed_other_rows(mixed):
    one, _ = made(Synthesize(), mixed)
    there, _ = made(Synthesize(), mixed.select(np.random.default_rng(1).permutation(len(mixed))))
    assert one.decisions.table.equals(there.decisions.table)
    assert one.rows.equals(there.rows)
    other, _ = made(Synthesize(), mixed, seed=5)
    assert not set(other.row_ids) & set(one.row_ids)
    assert not other.rows.equals(one.rows)


def macro_f1(train_x, train_y, test_x, test_y):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import f1_score

    model = RandomForestClassifier(200, random_state=0).fit(train_x, train_y)
    return f1_score(test_y, model.predict(test_x), average="macro")


@pytest.mark.parametrize(
    ("method", "name"), [("gaussian_copula", "wine"), ("gaussian_copula", "cancer"), ("vae", "cancer")]
)
def test_trained_on_synthetic_tested_on_real(method, name):
    from sklearn.datasets import load_breast_cancer, load_wine
    from sklearn.model_selection import train_test_split

    x, y = {"wine": load_wine, "cancer": load_breast_cancer}[name](return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.4, random_state=0, stratify=y)
    names = tuple(str(k) for k in np.unique(y))
    task = curate.Task(kind="classification", features="x", label="y", label_names=names)
    table = curate.load({"x": train_x.astype(np.float32), "y": [str(k) for k in train_y]}, task=task)
    found, _ = made(Synthesize(**by(method, epochs=100), to=int(np.bincount(train_y).max()) + 100), table)
    new_x, new_y = np.array(found.rows["x"].to_pylist()), np.array(found.rows["y"].to_pylist()).astype(int)
    assert np.bincount(new_y).min() >= 95
    real, synthetic = macro_f1(train_x, train_y, test_x, test_y), macro_f1(new_x, new_y, test_x, test_y)
    assert synthetic >= 0.9 * real, (synthetic, real)


def test_refusals(mixed):
    text = curate.Task(kind="classification", text="t", label="y")
    assert "makes rows of features" in (Synthesize().refuses(text) or "")
    assert Synthesize(method="transformers:x").refuses(text) is None
    assert "makes texts" in (Synthesize(method="transformers:x").refuses(mixed.task) or "")
    assert "can't hold" in (Synthesize(method="python:f").refuses(mixed.task) or "")
    with pytest.raises(ConfigError, match="gaussian_copula, vae or"):
        Synthesize(method="gan")
    with pytest.raises(ConfigError, match="neither"):
        Synthesize(prompt="write something")


def test_free_text_is_no_category():
    task = curate.Task(kind="classification", features=("size", "words"), label="y", label_names=("a", "b"))
    columns = {"size": np.arange(200.0), "words": [f"text {i}" for i in range(200)], "y": ["a"] * 150 + ["b"] * 50}
    with pytest.raises(DataError, match=r"'words' .* holds free text"):
        made(Synthesize(), curate.load(columns, task=task))


@pytest.fixture
def texts():
    task = curate.Task(kind="classification", text="text", label="y", label_names=("ham", "spam"))
    lines = [f"good day number {i}" for i in range(20)] + [f"buy thing {i}" for i in range(6)]
    return curate.load({"text": lines, "y": ["ham"] * 20 + ["spam"] * 6}, task=task)


def test_a_function_makes_texts_and_copies_are_asked_for_again(texts):
    asked = []

    def write(label, examples, count, rng):
        asked.append((label, examples.column_names, examples.num_rows, count))
        real = examples["text"][0].as_py()
        return ["", f"  {real.upper()} ", *[f"buy {rng.integers(1000)} now" for _ in range(count - 2)]]

    found, evidence = made(Synthesize.of(write, examples=3), texts)
    assert found.rows.num_rows == 14
    assert set(found.rows["y"].to_pylist()) == {"spam"}
    assert not {t.lower().strip() for t in found.rows["text"].to_pylist()} & {f"buy thing {i}" for i in range(6)}
    assert all(a[:3] == ("spam", ["text"], 3) for a in asked)
    assert any("were empty or there already" in note for note in evidence.notes)
    assert len(json.loads(found.decisions.table["after"][0].as_py())["from"]) == 3


def test_a_function_that_repeats_itself_is_given_up(texts):
    found, evidence = made(Synthesize.of(lambda label, examples, count, rng: ["the same"] * count), texts)
    assert found.rows["text"].to_pylist() == ["the same"]
    assert any("1 row of class 'spam' of the 14 wanted" in note for note in evidence.notes)


@pytest.mark.parametrize("wrong", [7, "text", pa.table({"other": ["x"]}), [1.5]])
def test_functions_that_give_something_else(texts, wrong):
    with pytest.raises(ConfigError, match="synthesize: the generator"):
        made(Synthesize.of(lambda label, examples, count, rng: wrong), texts)


def test_a_function_makes_pictures():
    import io

    from PIL import Image

    def picture(level):
        out = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), level, dtype=np.uint8)).save(out, "PNG")
        return out.getvalue()

    task = curate.Task(kind="classification", image="image", label="y", label_names=("a", "b"))
    images = [{"bytes": picture(i), "path": None} for i in range(18)]
    table = curate.load({"image": images, "y": ["a"] * 12 + ["b"] * 6}, task=task)
    levels = iter(range(100, 200))
    step = Synthesize.of(lambda label, examples, count, rng: [picture(next(levels)) for _ in range(count)])
    plan = curate.Pipeline([step]).run(table, cache=None).plan.to_pandas()
    assert (plan.origin == "synthetic").sum() == 6
    with pytest.raises(ConfigError, match="encoded files as bytes"):
        made(Synthesize.of(lambda label, examples, count, rng: ["x"] * count), table)


@pytest.fixture
def tiny_writer(tmp_path):
    """A random GPT-2 of one layer."""
    import torch

    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", "a test")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[UNK]", "[EOS]", "buy", "thing", "good", "day", "now", "new", "old", "red"]
    tokens = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokens, unk_token="[UNK]", eos_token="[EOS]", pad_token="[EOS]"
    )
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=10, n_positions=128, n_embd=16, n_layer=1, n_head=2, eos_token_id=1)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_language_model_from_a_folder(texts, tiny_writer):
    import torch

    step = Synthesize(method=f"transformers:{tiny_writer}", max_tokens=6)
    state = torch.random.get_rng_state()
    one, _ = made(step, texts)
    assert torch.equal(torch.random.get_rng_state(), state)
    again, _ = made(step, texts)
    assert one.rows.num_rows == 14
    assert one.rows.equals(again.rows)
    assert all(text.strip() for text in one.rows["text"].to_pylist())
    with pytest.raises(ConfigError, match="no room for a prompt"):
        made(Synthesize(method=f"transformers:{tiny_writer}", max_tokens=127), texts)
    with pytest.raises(ConfigError, match="can't be loaded"):
        made(Synthesize(method=f"transformers:{tiny_writer}/none"), texts)


@pytest.mark.parametrize("method", ["gaussian_copula", "vae"])
@pytest.mark.parametrize("state", ["empty", "one_row", "tied", "one_class", "no_labels", "gaps"])
def test_tables_of_which_little_can_be_made(mixed, method, state):
    rows = {"empty": [], "one_row": [0], "one_class": range(70)}.get(state, range(93))
    table = mixed.select(list(rows))
    if state in ("tied", "no_labels", "gaps"):
        columns = table.rows(range(93)).to_pydict()
        if state == "tied":
            for name in ("size", "rooms", "colour", "day"):
                columns[name] = [columns[name][1]] * 93
        if state == "no_labels":
            columns["label"] = [None] * 93
        if state == "gaps":
            columns["size"] = [None] * 93
        table = curate.load(columns, task=mixed.task)
    found, evidence = made(Synthesize(**by(method, epochs=3)), table)
    if state == "gaps":
        assert found.rows["size"].null_count == found.rows.num_rows == 50
        assert not set(found.rows["rooms"].to_pylist()) - set(range(1, 40))
    else:
        assert not isinstance(found, Made)
        assert not len(found)
    if state == "tied":
        assert any("0 rows of class 'b' of the 50 wanted" in note for note in evidence.notes)


def test_rows_that_another_step_made_are_no_real_ones():
    rng = np.random.default_rng(0)
    columns = {"x": rng.normal(size=(40, 3)).astype(np.float32), "label": ["a"] * 30 + ["b"] * 10}
    table = curate.load(columns, task=curate.Task(features="x", label="label"))
    steps = [{"resample": {"method": "smote", "to": 0.5}}, {"synthesize": {"to": 25}}]
    ledger = curate.Pipeline(steps).run(table, cache=False).ledger.to_pylist()
    later = [line for line in ledger if line["step"] == "synthesize"]
    assert len(later) == 10
    assert {line["before"] for line in later if line["before"]} <= set(table.row_ids.tolist())
    assert all(set(json.loads(line["after"]).get("from", [])) <= set(table.row_ids.tolist()) for line in later)
