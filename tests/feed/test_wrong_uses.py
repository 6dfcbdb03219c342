"""What newcomers do wrong with loaders and losses is said in a sentence that helps."""

import subprocess
import sys

import pytest
import torch

import curate
from curate.errors import ConfigError
from curate.feed.trainers import accelerated
from curate.losses import SoftCrossEntropy


def texts(labels, **options):
    rows = {"text": [f"some words of row {i}" for i in range(len(labels))], "label": labels}
    return curate.Pipeline([]).run(curate.load(rows, text="text", label="label", **options), cache=False)


@pytest.fixture(scope="module")
def curated():
    return texts(["a", "b"] * 8)


@pytest.fixture(scope="module")
def batch(curated):
    return next(iter(curated.loader(batch_size=4)))


def test_a_loader_goes_into_no_other_loader(curated):
    with pytest.raises(TypeError, match="is a DataLoader already"):
        next(iter(torch.utils.data.DataLoader(curated.loader(batch_size=4))))


@pytest.mark.parametrize("options", [{}, {"batch_size": 4, "shuffle": True}, {"batch_size": None}])
def test_a_result_goes_into_no_loader_of_torch(curated, options):
    with pytest.raises(ConfigError, match=r"use curated\.loader\(batch_size=\.\.\.\) in the place of a DataLoader"):
        next(iter(torch.utils.data.DataLoader(curated, **options)))
    assert curated


@pytest.mark.parametrize("options", [{}, {"batch_size": 4, "shuffle": True}])
def test_the_dataset_of_a_loader_goes_into_no_loader_of_torch(curated, options):
    dataset = curated.loader(batch_size=4).dataset
    with pytest.raises(ConfigError, match=r"use curated\.loader\(batch_size=\.\.\.\) in the place of a DataLoader"):
        next(iter(torch.utils.data.DataLoader(dataset, **options)))


@pytest.mark.parametrize("whole", [True, False])
def test_a_plain_trainer_is_told_of_ours(curated, tmp_path, whole):
    transformers = pytest.importorskip("transformers")
    given = curated if whole else curated.loader(batch_size=4).dataset
    args = transformers.TrainingArguments(tmp_path, report_to=[], use_cpu=True)
    with pytest.raises(ConfigError, match=r"CuratedTrainer\(model, args, curated=curated\) in the place of a Trainer"):
        transformers.Trainer(torch.nn.Linear(2, 2), args, train_dataset=given).train()


def test_a_setting_is_named_once_among_those_that_are_known(curated):
    with pytest.raises(ConfigError, match="unknown setting 'shufle'") as refused:
        curated.loader(shufle=True)
    known = str(refused.value).partition("known: ")[2].split(", ")
    assert len(known) == len(set(known))


def test_a_tokenizer_that_takes_no_settings(curated):
    loader = curated.loader(tokenizer=lambda texts: {"length": torch.tensor([len(text) for text in texts])})
    with pytest.raises(ConfigError, match=r"padding=True, truncation=True, .*pass a function that does"):
        next(iter(loader))


class Output(dict):
    """As models of transformers give it."""


def test_losses_say_what_they_take(batch):
    loss, logits = SoftCrossEntropy(), torch.zeros(4, 2)
    with pytest.raises(ConfigError, match=r"logits are a tensor, such as output.logits, not Output"):
        loss(Output(logits=logits), batch)
    with pytest.raises(ConfigError, match=r"logits are a tensor.*, not dict"):
        loss(batch, logits)
    with pytest.raises(ConfigError, match="the batch is the loader's dict, with labels and weights, not Tensor"):
        loss(logits, batch["labels"])


def test_sets_of_labels_are_not_taken_for_soft_ones():
    curated = texts([["a", "b"], ["c"]] * 8)
    batch = next(iter(curated.loader(batch_size=4)))
    with pytest.raises(ConfigError, match=r"\(4, 3\) are sets of classes, and SoftCrossEntropy is for one class"):
        SoftCrossEntropy()(torch.zeros(4, 3), batch)
    assert curated.loss()(torch.zeros(4, 3), batch).isfinite()


def test_without_a_label_there_is_nothing_to_learn():
    curated = texts([None] * 8, kind="classification")
    with pytest.raises(ConfigError, match=r"no row has a label \(column 'label'\)"):
        curated.loss()
    with pytest.raises(ConfigError, match="no row has a label"):
        curate.fit(torch.nn.Linear(2, 2), curated, epochs=1)


def test_accelerator_and_result_in_the_wrong_order(curated):
    with pytest.raises(ConfigError, match=r"accelerator must be an accelerate\.Accelerator, not Curated"):
        accelerated(curated, None)


def test_a_script_without_a_guard_is_told_so(tmp_path):
    """Each spawned worker runs it anew, and ends as it can't start workers of its own."""
    script = tmp_path / "train.py"
    script.write_text(
        "import curate\n"
        "rows = {'text': [f'row {i}' for i in range(8)], 'label': ['a', 'b'] * 4}\n"
        "curated = curate.Pipeline([]).run(curate.load(rows, text='text', label='label'), cache=False)\n"
        "for batch in curated.loader(batch_size=4, num_workers=1, multiprocessing_context='spawn'):\n"
        "    pass\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "must stand below if __name__ == '__main__'" in done.stderr.splitlines()[-1]
