"""The Trainer of transformers: the loss by hand, accumulation, columns, float labels, resuming, evaluation."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from tiny import bert, texts, tokenizer
from torch.nn import functional

from curate.errors import ConfigError

transformers = pytest.importorskip("transformers")
from curate.feed.trainers import CuratedMixin, CuratedTrainer  # noqa: E402


def arguments(folder, **more):
    settings = {
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 4,
        "num_train_epochs": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "disable_tqdm": True,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "optim": "sgd",
        "max_grad_norm": 0.0,
    }
    return transformers.TrainingArguments(str(folder), **settings | more)


def trainer(folder, curated=None, model=None, loss=None, mixin=CuratedTrainer, trainer_options=None, **more):
    return mixin(
        model or bert(), arguments(folder, **more), curated=curated or texts(), loss=loss,
        processing_class=tokenizer(), **trainer_options or {},
    )  # fmt: skip


def train(made, **how):
    with warnings.catch_warnings():
        # Trainer asks for pinned memory where there is no GPU, and such.
        warnings.simplefilter("ignore")
        made.train(**how)
    return made


def by_hand(curated, model, batches):
    """Sum of weight times class weight times cross-entropy on the soft label, over that of the weights."""
    total = mass = 0.0
    for batch in batches:
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        each = -(batch["soft_labels"] * functional.log_softmax(logits, 1)).sum(1)
        weight = batch["weights"] * torch.from_numpy(curated.class_weights)[batch["labels"]]
        total, mass = total + float((weight * each).sum()), mass + float(weight.sum())
    return total / mass


def losses(made):
    return [line["loss"] for line in made.state.log_history if "loss" in line]


@pytest.mark.parametrize("accumulation", [1, 4])
def test_the_logged_loss_is_the_one_by_hand(tmp_path, accumulation):
    curated = texts()
    batches = list(curated.loader(batch_size=8, tokenizer=tokenizer()))
    assert {"labels", "soft_labels", "weights"} <= set(batches[0])
    assert batches[0]["weights"].unique().numel() > 2
    assert float(batches[0]["soft_labels"].min()) > 0.0
    made = train(
        trainer(tmp_path, curated, gradient_accumulation_steps=accumulation, max_steps=1, remove_unused_columns=True)
    )
    expected = by_hand(curated, bert(), batches[:accumulation])
    assert losses(made)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw_torch"])
def test_parameters_after_a_step_do_not_depend_on_accumulation(tmp_path, optimiser):
    found = []
    for size, accumulation in ((32, 1), (8, 4)):
        made = trainer(
            tmp_path, per_device_train_batch_size=size, gradient_accumulation_steps=accumulation, max_steps=1,
            optim=optimiser, learning_rate=0.1 if optimiser == "sgd" else 1e-3,
        )  # fmt: skip
        train(made)
        found.append(torch.cat([p.detach().flatten() for p in made.model.parameters()]))
    start = torch.cat([p.detach().flatten() for p in bert().parameters()])
    assert float((found[0] - start).abs().max()) > 1e-4
    assert float((found[0] - found[1]).abs().max()) < (1e-6 if optimiser == "sgd" else 1e-4)


def test_a_step_is_that_of_plain_torch(tmp_path):
    curated, model = texts(), bert()
    made = train(trainer(tmp_path, curated, max_steps=1, learning_rate=0.1))
    batch = next(iter(curated.loader(batch_size=8, tokenizer=tokenizer())))
    solver = torch.optim.SGD(model.parameters(), lr=0.1)
    curated.loss()(model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits, batch).backward()
    solver.step()
    for theirs, ours in zip(made.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(theirs, ours, atol=1e-6, rtol=1e-5)


def test_the_model_never_sees_labels_and_never_trains_as_multilabel(tmp_path):
    seen = []

    class Watched(transformers.BertForSequenceClassification):
        def forward(self, input_ids=None, attention_mask=None, labels=None, **kwargs):
            seen.append((labels, sorted(kwargs)))
            return super().forward(input_ids=input_ids, attention_mask=attention_mask, **kwargs)

    model = Watched(bert().config)
    assert model.config.problem_type is None
    train(trainer(tmp_path, model=model, max_steps=2))
    assert model.config.problem_type is None
    assert all(labels is None for labels, _ in seen)


def test_resuming_in_the_second_epoch_is_exact(tmp_path):
    settings = {"num_train_epochs": 3, "save_strategy": "steps", "save_steps": 7, "optim": "adamw_torch"}
    whole = train(trainer(tmp_path / "whole", model=bert(dropout=0.1), **settings))
    per_epoch = len(whole.loader)
    assert per_epoch < 7 < 2 * per_epoch
    again = trainer(tmp_path / "again", model=bert(dropout=0.1, seed=9), **settings)
    train(again, resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-7"))
    assert losses(again) == losses(whole)
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_every_draw_once_per_epoch_and_other_order_in_the_next(tmp_path):
    rows = []

    class Watching(CuratedTrainer):
        def compute_loss(self, model, inputs, **kwargs):
            rows.append(inputs["row_id"])
            return super().compute_loss(model, inputs, **kwargs)

    curated = texts()
    made = train(trainer(tmp_path, curated, mixin=Watching, num_train_epochs=2))
    per_epoch = len(made.loader)
    epochs = [[r for batch in rows[i : i + per_epoch] for r in batch] for i in (0, per_epoch)]
    planned = [r for r, s in zip(curated.plan["row_id"].to_pylist(), curated.plan["split"].to_pylist()) if s == "train"]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(planned)
    assert epochs[0] != epochs[1]


def test_evaluation_and_prediction(tmp_path):
    curated = texts()
    made = trainer(
        tmp_path, curated, eval_strategy="epoch",
        trainer_options={"compute_metrics": lambda p: {"rows": len(p.label_ids), "dim": p.label_ids.ndim}},
    )  # fmt: skip
    train(made)
    [line] = [line for line in made.state.log_history if "eval_loss" in line]
    held_out = curated.plan["split"].to_pylist().count("validation")
    assert line["eval_rows"] == held_out
    batches = curated.loader(split="validation", batch_size=3, tokenizer=tokenizer())
    assert held_out % 4
    assert line["eval_loss"] == pytest.approx(by_hand(curated, made.model.eval(), batches), rel=1e-5)
    assert line["eval_dim"] == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = made.predict(made.split("validation"))
    assert predicted.predictions.shape == (held_out, 3)
    names = curated.loader(split="validation", batch_size=99, tokenizer=tokenizer())
    np.testing.assert_array_equal(predicted.label_ids, next(iter(names))["labels"].numpy())


def test_evaluation_on_other_data_in_the_trainer_s_own_way(tmp_path):
    rows = tokenizer()(["what why", "take get a", "give the offer", "how", "price"], padding=True)
    other = [
        {"input_ids": rows["input_ids"][i], "attention_mask": rows["attention_mask"][i], "labels": i % 3}
        for i in range(5)
    ]
    curated = texts()
    made = trainer(tmp_path, curated, loss=curated.loss(class_weights=None), trainer_options={"eval_dataset": other})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = made.evaluate()["eval_loss"]
        by_name = made.predict(other)
    assert by_name.predictions.shape == (5, 3)
    logits, labels = torch.from_numpy(by_name.predictions), torch.tensor([0, 1, 2, 0, 1])
    assert found == pytest.approx(float(functional.cross_entropy(logits, labels)), rel=1e-5)


@pytest.mark.parametrize("name", ["focal", "early_learning", "consistency", "ldam"])
def test_other_losses(tmp_path, name):
    curated = texts()
    loss = curated.loss(name=name)
    made = train(trainer(tmp_path, curated, model=bert(dropout=0.1), loss=loss, num_train_epochs=2))
    assert np.isfinite(losses(made)).all()


def test_early_learning_goes_on_from_its_checkpoint(tmp_path):
    curated = texts()
    settings = {"num_train_epochs": 2, "save_strategy": "steps", "save_steps": 7}
    whole = train(trainer(tmp_path / "a", curated, loss=curated.loss(name="early_learning"), **settings))
    again = trainer(tmp_path / "b", curated, loss=curated.loss(name="early_learning"), **settings)
    train(again, resume_from_checkpoint=str(tmp_path / "a" / "checkpoint-7"))
    assert losses(again) == losses(whole)
    plain = trainer(tmp_path / "c", curated, num_train_epochs=2, save_strategy="steps", save_steps=7)
    train(plain)
    lost = trainer(tmp_path / "d", curated, loss=curated.loss(name="early_learning"), **settings)
    with pytest.raises(ConfigError, match="not saved with early-learning"):
        lost.train(resume_from_checkpoint=str(tmp_path / "c" / "checkpoint-7"))


def test_deferred_weights_begin_with_their_epoch(tmp_path):
    curated = texts()
    loss = curated.loss(name="ldam", reweight_from=1, class_weights=[1.0, 2.0, 8.0])
    seen = []

    class Watching(CuratedTrainer):
        def compute_loss(self, model, inputs, **kwargs):
            own = inputs["weights"][inputs["labels"] == 2]
            weighed = self.curated_loss.row_weights(inputs)[inputs["labels"] == 2]
            seen.extend((int(self.state.epoch), float(w / o)) for w, o in zip(weighed, own))
            return super().compute_loss(model, inputs, **kwargs)

    train(trainer(tmp_path, curated, loss=loss, mixin=Watching, num_train_epochs=2))
    assert {(0, 1.0), (1, 8.0)} == {(epoch, round(factor, 4)) for epoch, factor in seen}


def test_rows_that_cannot_be_read_are_skipped_and_counted_also_after_resuming(tmp_path):
    from tiny import Averaging, pictures

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.inner = Averaging(3, "pixel_values")

        def forward(self, pixel_values):
            return {"logits": self.inner({"pixel_values": pixel_values})}

    curated = pictures(tmp_path, damage=(3, 7, 11))

    def made(folder, **more):
        return CuratedTrainer(Model(), arguments(folder, per_device_train_batch_size=4, **more), curated=curated)

    settings = {"num_train_epochs": 2, "save_strategy": "steps", "save_steps": 9}
    whole = train(made(tmp_path / "a", **settings))
    assert set(whole.loader.skipped) == {"r3", "r7", "r11"}
    again = made(tmp_path / "b", **settings)
    train(again, resume_from_checkpoint=str(tmp_path / "a" / "checkpoint-9"))
    assert losses(again) == losses(whole)
    assert set(again.loader.skipped) <= {"r3", "r7", "r11"}


@pytest.mark.parametrize("workers", [2])
def test_workers_change_nothing(tmp_path, workers):
    curated = texts()
    settings = {"num_train_epochs": 2, "save_strategy": "steps", "save_steps": 7, "max_steps": 9}
    alone = train(trainer(tmp_path / "a", curated, **settings))
    helped = trainer(tmp_path / "b", curated, dataloader_num_workers=workers, **settings)
    train(helped, resume_from_checkpoint=str(tmp_path / "a" / "checkpoint-7"))
    assert losses(helped) == losses(alone)


@pytest.mark.parametrize("kind", ["multilabel", "regression"])
def test_sets_and_numbers(tmp_path, kind):
    import curate

    rng = np.random.default_rng(0)
    rows = [" ".join(rng.choice(["what", "why", "take", "get", "give"], 4)) for _ in range(16)]
    if kind == "multilabel":
        labels = [["ask"] if i % 3 else ["buy", "sell"] for i in range(16)]
        task = curate.Task(kind=kind, text="text", label="label", label_names=("ask", "buy", "sell"))
    else:
        labels = rng.normal(size=16).tolist()
        task = curate.Task(kind=kind, text="text", label="label")
    curated = curate.Pipeline([]).run(curate.load({"text": rows, "label": labels}, task=task))
    model = bert(classes=3 if kind == "multilabel" else 1)
    made = train(trainer(tmp_path, curated, model=model, max_steps=1))
    batch = next(iter(curated.loader(batch_size=8, tokenizer=tokenizer())))
    with torch.no_grad():
        fresh = bert(classes=3 if kind == "multilabel" else 1)
        logits = fresh(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    if kind == "multilabel":
        expected = functional.binary_cross_entropy_with_logits(logits, batch["labels"])
    else:
        expected = functional.huber_loss(logits[:, 0], batch["labels"])
    assert losses(made)[0] == pytest.approx(float(expected), rel=1e-5)


def test_a_mixin_for_other_trainers(tmp_path):
    class Mine(CuratedMixin, transformers.Seq2SeqTrainer):
        pass

    made = Mine(
        bert(),
        transformers.Seq2SeqTrainingArguments(
            str(tmp_path), max_steps=1, report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True
        ),
        curated=texts(),
        processing_class=tokenizer(),
    )
    train(made)
    assert made.state.global_step == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"label_smoothing_factor": 0.1}, "smooth_labels"),
        ({"ignore_data_skip": True}, "draw rows twice"),
        ({"train_sampling_strategy": "group_by_length"}, "order is the loader's; .*{'bucket_by_length': True}"),
        ({"train_sampling_strategy": "sequential"}, "order is the loader's; .*{'sampler': 'sequential'}"),
        ({"trainer_options": {"data_collator": len}}, "loader_options"),
        ({"trainer_options": {"compute_loss_func": len}}, "pass `loss`"),
        ({"trainer_options": {"train_dataset": [1]}}, "rows come from"),
    ],
)
def test_arguments_that_would_do_harm(tmp_path, more, says):
    with pytest.raises(ConfigError, match=says):
        trainer(tmp_path, **more)


def test_texts_without_a_tokenizer_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'text' as plain text.*give processing_class=tokenizer, or loader_options"):
        CuratedTrainer(bert(), arguments(tmp_path), curated=texts())
    made = CuratedTrainer(
        bert(), arguments(tmp_path, max_steps=1), curated=texts(), loader_options={"transform": lambda batch: batch}
    )
    with pytest.raises(ConfigError, match="the batch has text as plain text"):
        train(made)

    class Reads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(1, 3)

        def forward(self, text):
            return self.inner(torch.tensor([[float(len(one))] for one in text]))

    own = train(CuratedTrainer(Reads(), arguments(tmp_path, max_steps=1), curated=texts(), eval_split="none"))
    assert np.isfinite(losses(own)).all()

    def tokens(batch):
        return batch | dict(tokenizer()(batch.pop("text"), padding=True, return_tensors="pt"))

    train(
        CuratedTrainer(bert(), arguments(tmp_path, max_steps=1), curated=texts(), loader_options={"transform": tokens})
    )


def test_the_first_epoch_after_a_checkpoint_is_one_of_the_loader_itself(tmp_path):
    import transformers.trainer as module

    settings = {"num_train_epochs": 2, "save_strategy": "steps", "save_steps": 7}
    theirs = module.skip_first_batches
    train(trainer(tmp_path / "a", **settings))
    places = []

    class Watching(CuratedTrainer):
        def compute_loss(self, model, inputs, **kwargs):
            places.append((self.loader.epoch, self.loader.state_dict()["drawn"]))
            return super().compute_loss(model, inputs, **kwargs)

    for name in ("with", "without"):
        checkpoint = tmp_path / "a" / "checkpoint-7"
        if name == "without":
            (checkpoint / "curate_loader.json").unlink()
        train(trainer(tmp_path / name, mixin=Watching, **settings), resume_from_checkpoint=str(checkpoint))
    assert places == 2 * [(1, 24), (1, 32), (1, 39)]
    assert module.skip_first_batches is theirs
    (checkpoint / "curate_loader.json").write_text("[1]")
    with pytest.raises(ConfigError, match=r"curate_loader\.json holds list"):
        trainer(tmp_path / "b", **settings).train(resume_from_checkpoint=str(checkpoint))


def test_a_model_that_takes_nothing_of_the_batch(tmp_path):
    class Other(torch.nn.Module):
        def forward(self, waveform):
            return waveform

    made = trainer(tmp_path, model=Other(), max_steps=1, optim="sgd")
    with pytest.raises(ConfigError, match="takes waveform, and the batch has"):
        made.compute_loss(made.model, next(iter(made.get_train_dataloader())))
    with pytest.raises(ConfigError, match="no split 'tset'"):
        made.split("tset")
    with pytest.raises(ConfigError, match="no split 'tset'"):
        made.predict("tset")


def test_splits_are_predicted_and_evaluated_by_name(tmp_path):
    curated = texts()
    made = trainer(tmp_path, curated)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named, chosen = made.predict("validation"), made.predict(made.split("validation"))
        found = made.evaluate("validation")
    np.testing.assert_array_equal(named.predictions, chosen.predictions)
    assert found["eval_loss"] == pytest.approx(named.metrics["test_loss"])


def test_what_can_t_be_is_refused_before_training(tmp_path):
    whole = (
        r"eval_strategy='epoch' needs held-out rows, and the result has no split 'validation', but train: pass eval_s"
    )
    with pytest.raises(ConfigError, match=whole):
        trainer(tmp_path, texts(splits=False), eval_strategy="epoch")
    with pytest.raises(ConfigError, match=r"curated is the path .*: pass what it holds, curate.open\(path\)"):
        trainer(tmp_path, curated=str(tmp_path))
    with pytest.raises(ConfigError, match=r"curated must be a curated result .* not a Table"):
        trainer(tmp_path, curated=texts().table)


def test_a_torchaudio_of_another_build_does_no_harm_to_processors():
    script = "import curate.feed.trainers, transformers; transformers.ViTImageProcessorPil()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
