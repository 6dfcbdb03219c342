"""Other models than the head, other kinds of tasks, and augmentation that the head sees or says that it does not."""

import numpy as np
import pytest

import curate
from curate.errors import ConfigError
from curate.pipeline.comparison.options import Options


def test_a_torch_module(blobs, steps):
    torch = pytest.importorskip("torch")

    def small():
        return torch.nn.Sequential(torch.nn.Linear(12, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))

    table = blobs(rows=300, test=200, noise=0.0)
    found = curate.Pipeline([steps["harmful"](share=0.9)]).compare(
        table, model=small, seeds=2, budget="60 steps", fit_options={"learning_rate": 0.02}
    )
    assert (found.model, found.steps, found.batch_size) == ("small", 60, 32)
    assert found.arm("raw").score > 0.7
    assert found.overall.verdict == "hurts"


def test_a_torch_module_on_test_rows_beside(blobs):
    torch = pytest.importorskip("torch")
    table = blobs(rows=200, test=100, noise=0.0)
    train, test = (table.select(np.flatnonzero(table.splits == name)) for name in ("train", "test"))
    model = torch.nn.Linear(12, 4)
    inside, beside = (
        curate.Pipeline([]).compare(*data, model=model, seeds=1, budget="40 steps", fit_options={"learning_rate": 0.05})
        for data in ((table,), (train, test))
    )
    assert inside.arm("raw").score == beside.arm("raw").score > 0.7


@pytest.fixture
def texts():
    """80 training and 40 test texts of two classes that single words tell apart."""
    data = {
        "text": [f"{('purr', 'bark')[i % 2]} {('meow', 'bone')[i % 2]} {i}" for i in range(120)],
        "label": ["cat" if i % 2 == 0 else "dog" for i in range(120)],
        "split": ["train"] * 80 + ["test"] * 40,
    }
    return curate.load(data, text="text", label="label", split="split")


@pytest.fixture
def bert(tmp_path):
    """Configuration of a small BERT, and the tokenizer in its folder."""
    pytest.importorskip("transformers")
    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[PAD]", "[UNK]", "purr", "meow", "bark", "bone"]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(
        tmp_path
    )
    return transformers.BertConfig(
        vocab_size=6, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=3
    )


def trained(table, folder):
    return curate.Pipeline([curate.steps.ClassWeights()]).compare(
        table, model=str(folder), seeds=1, budget="40 steps", fit_options={"learning_rate": 0.02}
    )


def test_a_model_of_transformers(texts, bert, tmp_path):
    import transformers

    transformers.BertForSequenceClassification(bert).save_pretrained(tmp_path)
    found = trained(texts, tmp_path)
    assert found.arm("raw").score > 0.9
    assert found.model == str(tmp_path)
    with pytest.raises(ConfigError, match="nothing"):
        curate.Pipeline([]).compare(texts, model=str(tmp_path / "nothing"))


def test_a_folder_without_weights_is_trained_from_random_ones(texts, bert, tmp_path):
    bert.save_pretrained(tmp_path)
    found = trained(texts, tmp_path)
    assert found.arm("raw").score > 0.9
    assert found.model == f"{tmp_path} (random weights)"
    assert f"the folder {tmp_path} holds no weights: the model starts from random ones" in found.notes
    (tmp_path / "pytorch_model.bin").write_bytes(b"code")
    with pytest.raises(ConfigError, match=r"no file named model\.safetensors"):
        trained(texts, tmp_path)


def test_a_folder_without_a_tokenizer_is_refused(texts, bert, tmp_path):
    bert.save_pretrained(tmp_path / "alone")
    with pytest.raises(ConfigError, match="has no tokenizer, or one that knows no word"):
        trained(texts, tmp_path / "alone")


def test_sets_of_labels():
    rng = np.random.default_rng(0)
    sets = rng.random((300, 3)) < 0.4
    x = (2 * sets + rng.normal(0, 0.6, sets.shape)).astype(np.float32)
    names = np.array(["red", "green", "blue"])
    data = {
        "x": list(x),
        "label": [names[row].tolist() for row in sets],
        "split": ["train"] * 200 + ["test"] * 100,
    }
    table = curate.load(data, features="x", label="label", split="split", kind="multilabel")
    found = curate.Pipeline([]).compare(table, seeds=2)
    assert (found.metric, found.class_metric) == ("mean_average_precision", "average_precision")
    assert found.arm("raw").score > 0.9
    assert {one.name for one in found.classes} == set(names.tolist())


def test_numbers_and_their_ranges():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)).astype(np.float32)
    y = 10 + x @ np.array([3, -2, 1, 0, 0.5]) + rng.normal(0, 0.3, 400)
    spoiled = y.copy()
    spoiled[:60] += 40
    data = {"x": list(x), "y": spoiled, "split": ["train"] * 300 + ["test"] * 100}
    table = curate.load(data, features="x", label="y", split="split", kind="regression")
    found = curate.Pipeline([curate.steps.LabelErrors(fix="drop")]).compare(table, seeds=2)
    assert found.metric == "rmse"
    assert not found.higher_is_better
    assert found.overall.difference < 0
    assert found.overall.verdict == "helps"
    assert len(found.classes) == 5
    assert " to " in found.classes[0].name


def test_augmented_texts_are_embedded_and_pairs_are_said_to_be_unseen(blobs):
    table = blobs(rows=200, test=100, noise=0.0)
    steps = [
        curate.steps.Augment(features=[{"jitter": {"max_sigma": 0.5, "p": 1.0}}]),
        curate.steps.Mix(mixup_alpha=0.4),
    ]
    found = curate.Pipeline(steps).compare(table, seeds=1)
    verdicts = {effect.name: effect for effect in found.effects}
    assert verdicts["mix"].verdict == "not seen"
    assert "--model" in verdicts["mix"].reason
    assert verdicts["augment"].disagree > 0
    assert sum("augmented draws are embedded" in note for note in found.notes) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seeds": 0}, "seeds must be a whole number"),
        ({"budget": "a week"}, "number of epochs"),
        ({"metric": "rmse"}, "unknown metric 'rmse' for a classification task"),
        ({"steps": ["label_error"]}, "did you mean 'label_errors'"),
        ({"model": ""}, "model must be"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_wrong_options(blobs, wrong, said):
    pipeline = curate.Pipeline([curate.steps.LabelErrors()])
    with pytest.raises(ConfigError, match=said):
        pipeline.compare(blobs(rows=60, test=40), **wrong)


def test_budgets():
    assert Options(budget="20 epochs").training_steps(100, 10) == 200
    assert Options(budget="7 steps").training_steps(100, 10) == 7
    assert Options().training_steps(10, 128) == 300
    assert Options().training_steps(10**6, 128) == 2000
    assert Options(model="some/model").training_steps(100, 10) == 30


def test_what_models_are_not_trained_for():
    with pytest.raises(ConfigError, match="this task is unlabeled"):
        curate.Pipeline([]).compare({"text": ["a b", "c d"], "split": ["train", "test"]})


def test_a_model_that_can_not_be_had_is_told_before_the_arms_are_run(texts, bert, tmp_path, monkeypatch):
    """Names before the data are read; what hangs on the task before anything is measured."""
    import curate.pipeline.comparison.study as study

    torch = pytest.importorskip("torch")

    def compared(data, model):
        return curate.Pipeline([]).compare(data, model=model, seeds=1, budget="1 steps")

    def no_time(*_, **__):
        raise AssertionError("the arms are run")

    monkeypatch.setattr(study, "run_arms", no_time)
    (tmp_path / "empty").mkdir()
    for name in ("no/such/folder/at/all", str(tmp_path / "empty"), "curate.losses:make"):
        with pytest.raises(ConfigError, match=r"the model .* can't be loaded"):
            compared("no data.csv", name)
    bert.save_pretrained(tmp_path / "alone")
    with pytest.raises(ConfigError, match="has no tokenizer"):
        compared(texts, str(tmp_path / "alone"))
    with pytest.raises(ConfigError, match="which needs in_features, out_features"):
        compared(texts, torch.nn.Linear)
    with pytest.raises(ConfigError, match="model must be a torch module, or a function that makes one, not dict"):
        compared(texts, dict)
