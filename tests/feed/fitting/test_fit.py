"""The reference loop learns, follows its settings, and hands weights and soft labels to the loss."""

import errno
import functools
import math
import os
import random

import numpy as np
import pytest
import small_tables
import torch
from tiny_fits import CLASSES, Result, network, parameters

import curate
from curate.errors import StorageError
from curate.feed import SoftCrossEntropy, make_loader, make_loss
from curate.feed.fitting.optimising import make_schedule
from curate.feed.fitting.settings import Settings
from curate.media.image import encode


def fit(model=network, data=None, **settings):
    return curate.fit(model, data or Result(), **{"epochs": 3, "learning_rate": 0.02, "device": "cpu"} | settings)


@pytest.mark.parametrize(
    ("kind", "metric"), [("classification", "accuracy"), ("multilabel", "f1_micro"), ("regression", "r2")]
)
def test_learns_each_kind(kind, metric):
    outputs = 1 if kind == "regression" else 3
    loss = Result(kind=kind).loss(**({"name": "squared"} if kind == "regression" else {}))
    found = fit(lambda: network(outputs, 0.0), Result(kind=kind, n=240), epochs=12, loss=loss, batch_size=16)
    assert found.metrics is not None
    assert found.metrics.kind == kind
    assert found.metrics[metric] > 0.8
    assert found.metrics.rows == 40
    assert len(found.history) == 12
    assert found.history[-1].loss < found.history[0].loss
    assert found.steps == 12 * math.ceil(200 / 16)


def test_one_step_is_what_pytorch_does_by_hand():
    data = Result()
    batch = next(iter(data.loader(batch_size=80)))
    by_hand = torch.nn.Linear(4, 3)
    start = {name: value.clone() for name, value in by_hand.state_dict().items()}
    model = torch.nn.Linear(4, 3)
    model.load_state_dict(start)
    logs = by_hand(batch["features"]).log_softmax(1)
    weighted = -(logs * batch["soft_labels"]).sum(1) * batch["weights"]
    value = weighted.sum() / batch["weights"].sum()
    value.backward()
    with torch.no_grad():
        for parameter in by_hand.parameters():
            parameter -= 0.1 * parameter.grad
    found = curate.fit(
        model, data, max_steps=1, batch_size=80, schedule="constant", warmup=0, clip_norm=None, validation=False,
        optimizer=lambda groups: torch.optim.SGD(groups, lr=0.1), weight_decay=0.0, device="cpu",
    )  # fmt: skip
    assert torch.allclose(parameters(found.model), parameters(by_hand), atol=1e-6)
    assert found.history[0].loss == pytest.approx(value.item(), abs=1e-5)


def test_accumulation_is_one_large_batch():
    start = network(dropout=0.0)
    start[1] = torch.nn.Identity()  # batch norm sees parts
    models = []
    for accumulate, batch_size in ((1, 40), (4, 10)):
        model = torch.nn.Sequential(*(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)))
        torch.manual_seed(0)
        for layer in (model[0], model[2]):
            layer.reset_parameters()
        found = fit(model, accumulate=accumulate, batch_size=batch_size, validation=False, epochs=2)
        assert found.steps == 4
        models.append(parameters(found.model))
    assert torch.allclose(*models, atol=1e-5)


def test_the_same_seed_gives_the_same_model_and_leaves_other_randomness_alone():
    before, others = torch.get_rng_state(), (random.getstate(), np.random.get_state()[1].tolist())
    one, again, other = (parameters(fit(seed=seed, validation=False).model) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())
    assert others == (random.getstate(), np.random.get_state()[1].tolist())


def test_warm_up_then_cosine():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make_schedule(optimizer, Settings(warmup=4, schedule="cosine"), 20)
    rates = []
    for _ in range(21):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates[4] == 1
    assert rates[12] == pytest.approx(0.5)
    assert rates[20] == pytest.approx(0, abs=1e-12)


def test_stops_early_and_gives_the_best_epoch_back():
    kept = []

    def keep(event):
        if event.kind == "epoch":
            kept.append((event.record.validation["accuracy"], parameters(event.model)))

    found = fit(monitor="accuracy", patience=3, epochs=60, learning_rate=0.05, callbacks=[keep], schedule="constant")
    assert len(found.history) < 60
    assert "accuracy has not got better for 3 epochs" in found.reason
    scores = [score for score, _ in kept]
    assert found.best == int(np.argmax(scores)) == len(scores) - 4
    assert torch.equal(parameters(found.model), kept[found.best][1])
    assert found.metrics["accuracy"] == pytest.approx(max(scores))


def test_moving_average_is_what_is_judged_and_given():
    found = fit(ema_decay=0.9, epochs=2, validation=False, batch_size=20)
    average, raw = None, []

    def keep(event):
        if event.kind == "step":
            raw.append(_copy(event.model))

    plain = fit(epochs=2, validation=False, batch_size=20, callbacks=[keep])
    for count, state in enumerate(raw):
        decay = min(0.9, (1 + count) / (10 + count))
        average = state if not count else {k: decay * average[k] + (1 - decay) * state[k] for k in state}
    weights = {k: v for k, v in found.model.state_dict().items() if "weight" in k}
    assert len(raw) == 8
    assert all(torch.allclose(weights[k], average[k], atol=1e-6) for k in weights)
    assert not torch.allclose(parameters(found.model), parameters(plain.model))


def _copy(model):
    return {k: v.clone() for k, v in model.state_dict().items() if v.is_floating_point()}


def test_bfloat16_on_the_cpu_learns_too():
    found = fit(precision="bfloat16", epochs=8, batch_size=16)
    assert found.metrics["accuracy"] > 0.8
    assert next(found.model.parameters()).dtype == torch.float32


class Named(torch.nn.Module):
    """Takes its input by name and gives a mapping, as models of transformers do."""

    def __init__(self):
        super().__init__()
        self.layer, self.seen = torch.nn.LazyLinear(3), set()

    def forward(self, features=None, labels=None, **others):
        self.seen |= {name for name, value in {"labels": labels, **others}.items() if value is not None}
        return {"loss": None, "logits": self.layer(features)}


def test_a_model_by_name_never_sees_labels():
    found = fit(Named, epochs=1)
    assert found.model.seen == set()


def test_a_transformers_model_from_a_config():
    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    transformers = pytest.importorskip("transformers")

    config = transformers.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=3
    )
    model = transformers.BertForSequenceClassification(config)

    def forward(module, inputs):
        assert "labels" not in inputs
        return module(input_ids=(inputs["features"].abs() * 8).long().clamp(0, 39))

    found = fit(model, epochs=1, forward=forward)
    assert found.metrics.rows == 40


def test_evaluates_splits_with_slices_by_the_tables_columns():
    found = fit(epochs=6, batch_size=16)
    measured = found.evaluate("validation", slices=["source"], resamples=50)
    assert [(one.value, one.rows) for one in measured.slices] == [("phone", 10), ("camera", 30)]
    assert measured["accuracy"] == found.metrics["accuracy"]
    said = found.predict("train")
    assert said.outputs.shape == (80, 3)
    assert np.allclose(said.outputs.sum(1), 1, atol=1e-5)
    assert list(said.row_ids) == [f"r{i}" for i in range(80)]
    assert found.to_dict()["metrics"]["rows"] == 40


def test_loaders_and_plain_batches_do_as_well():
    data = Result()
    train, held_out = data.loader(batch_size=16), data.loader(split="validation", batch_size=16)
    by_loader = curate.fit(network, train, validation=held_out, epochs=2, device="cpu")
    by_result = curate.fit(network, data, epochs=2, batch_size=16, device="cpu")
    assert torch.equal(parameters(by_loader.model), parameters(by_result.model))
    batches = list(data.loader(batch_size=16))
    plain = curate.fit(
        network, batches, validation=batches, loss=SoftCrossEntropy(label_names=CLASSES), epochs=2, device="cpu"
    )
    assert plain.metrics.rows == 80


def test_reports_to_the_adaptive_sampler():
    data = Result(uneven=True, n=200)
    shares = []
    loader = data.loader(batch_size=16, sampler="adaptive", adaptive={"follows": "recall", "floor": 0.05})

    def watch(event):
        if event.kind == "epoch":
            shares.append(loader.requests.sampler.shares(event.epoch + 1))

    curate.fit(network, loader, epochs=3, callbacks=[watch], device="cpu")
    assert all(set(one) == set(CLASSES) for one in shares)
    assert shares[0] != shares[2]
    by_rows = data.loader(batch_size=16, sampler="adaptive", adaptive={"by": "rows"})
    curate.fit(network, by_rows, epochs=2, device="cpu")
    rows = by_rows.requests.sampler.shares(2)
    assert len(rows) == 160
    assert max(rows.values()) > 2 * min(rows.values())


def test_callbacks_may_stop_it():
    found = fit(callbacks=[lambda event: event.stop() if event.step == 2 else None], batch_size=16)
    assert found.steps == 2
    assert "a callback stopped it" in found.reason


def test_two_passes_and_memories_of_losses():
    for name in ("consistency", "early_learning"):
        found = fit(loss=Result().loss(name=name), epochs=2)
        assert math.isfinite(found.history[-1].loss)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method. is deprecated:DeprecationWarning")  # torch's own modules
def test_compiled():
    found = fit(lambda: network(dropout=0.0), compile={"backend": "eager"}, epochs=1)
    plain = fit(lambda: network(dropout=0.0), epochs=1)
    assert torch.allclose(parameters(found.model), parameters(plain.model), atol=1e-5)


def test_writes_a_page(tmp_path):
    found = fit(epochs=2, monitor="f1_macro")
    found.write_html(tmp_path / "fit.html", train=found.evaluate("train", resamples=0))
    text = (tmp_path / "fit.html").read_text()
    assert "2 epochs, 6 steps" in text
    assert "F1 by class" in text
    assert "<script" not in text


def test_a_full_disk_leaves_the_page_that_was_there(tmp_path, monkeypatch):
    page = tmp_path / "fit.html"
    page.write_text("before")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        fit(epochs=1).write_html(page)
    assert [file.name for file in tmp_path.iterdir()] == ["fit.html"]
    assert page.read_text() == "before"


def test_images_that_are_handed_out_as_bytes_reach_the_model_normalised():
    rng, names = np.random.default_rng(0), ("dark", "light")
    labels = [names[i % 2] for i in range(16)]
    pictures = [(rng.random((8, 8, 3)) * 60 + (160 if label == "light" else 20)).astype(np.uint8) for label in labels]
    column = [{"bytes": encode(picture), "path": None} for picture in pictures]
    task = {"kind": "classification", "image": "image", "label": "label", "label_names": names}
    of = small_tables.table({"image": column, "label": labels}, **task)
    lines, seen = small_tables.plan(of, labels=labels), {}

    class Data:
        table, plan, label_names = of, lines, list(names)

        def loader(self, **options):
            return make_loader(of, lines, label_names=names, seed=3, **options)

        def loss(self):
            return make_loss("classification", label_names=names)

    class Looks(torch.nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.layer, self.kind = torch.nn.Linear(3, 2), kind

        def forward(self, pixel_values):
            seen.setdefault(self.kind, pixel_values.detach().clone())
            return self.layer(pixel_values.mean((2, 3)))

    for kind in ("uint8", "float32"):
        options = {"pixels": kind, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4), "sampler": "sequential"}
        made = functools.partial(Looks, kind)
        curate.fit(made, Data(), validation=False, epochs=1, batch_size=16, device="cpu", loader_options=options)
    loader = Data().loader(**options | {"pixels": "uint8"}, batch_size=16)
    made = functools.partial(Looks, "a loader")
    fitted = curate.fit(made, loader, validation=loader, epochs=1, device="cpu")
    assert fitted.predict(loader).outputs.shape == (16, 2)
    for kind in ("uint8", "a loader"):
        assert seen[kind].dtype == torch.float32
        torch.testing.assert_close(seen[kind], seen["float32"], atol=1e-5, rtol=1e-5)
