"""Lightning: accumulation, every draw once per epoch, resuming in the second epoch, held-out splits."""

import warnings

import pytest
import torch
from tiny import Averaging, numbers, texts

from curate.errors import ConfigError

lightning = pytest.importorskip("pytorch_lightning")
from curate.feed.trainers import CuratedDataModule  # noqa: E402


class Model(lightning.LightningModule):
    def __init__(self, classes=3, rate=0.5):
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.rate = Averaging(classes, "features"), rate
        self.rows, self.values, self.held_out = [], [], []

    def training_step(self, batch, index):
        value = self.trainer.datamodule.loss(self.inner(batch), batch)
        self.rows.append(batch["row_id"])
        self.values.append(value.item())
        self.log("loss", value)
        return value

    def validation_step(self, batch, index):
        self.held_out += batch["row_id"]

    test_step = validation_step

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.rate)


def fit(folder, model, data, ckpt_path=None, callbacks=(), **settings):
    with warnings.catch_warnings():
        # Advice about workers and loggers.
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
            enable_checkpointing=bool(callbacks), callbacks=list(callbacks), default_root_dir=folder, **settings,
        )  # fmt: skip
        trainer.fit(model, datamodule=data, ckpt_path=ckpt_path, weights_only=False)
    return trainer


def test_one_step_whatever_the_accumulation(tmp_path):
    curated = numbers(tmp_path)
    found = []
    for size, steps in ((12, 1), (3, 4)):
        model = Model()
        fit(
            tmp_path, model, CuratedDataModule(curated, batch_size=size), max_steps=1, accumulate_grad_batches=steps,
            limit_val_batches=0,
        )  # fmt: skip
        found.append((sum(model.values) / steps, model.inner.layer.weight.detach()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-6, rtol=1e-5)
    batch = next(iter(curated.loader(batch_size=12)))
    with torch.no_grad():
        assert found[0][0] == pytest.approx(float(curated.loss()(Model().inner(batch), batch)), rel=1e-6)


def test_every_draw_once_per_epoch(tmp_path):
    curated, model = numbers(tmp_path), Model()
    fit(
        tmp_path, model, CuratedDataModule(curated, batch_size=8), max_epochs=2, accumulate_grad_batches=3,
        limit_val_batches=0,
    )  # fmt: skip
    assert len(model.rows) == 8
    epochs = [[r for batch in model.rows[i : i + 4] for r in batch] for i in (0, 4)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(curated.plan["row_id"].to_pylist())
    assert epochs[0] != epochs[1]


def test_who_overfits_gets_the_same_batches_in_every_epoch(tmp_path):
    model = Model()
    fit(tmp_path, model, CuratedDataModule(numbers(tmp_path), batch_size=4), max_epochs=3, overfit_batches=2)
    assert model.rows[:2] == model.rows[2:4] == model.rows[4:]
    assert model.rows[0] != model.rows[1]


def test_resuming_in_the_second_epoch_is_exact(tmp_path):
    curated = numbers(tmp_path)
    saving = lightning.callbacks.ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=7, save_top_k=-1)
    whole, again = Model(), Model(rate=0.1)
    settings = {"max_epochs": 3, "limit_val_batches": 0}
    fit(tmp_path, whole, CuratedDataModule(curated, batch_size=6), callbacks=[saving], **settings)
    assert len(whole.rows) == 15
    fit(tmp_path, again, CuratedDataModule(curated, batch_size=6), ckpt_path=str(tmp_path / "step=7.ckpt"), **settings)
    assert whole.rows[:5] != whole.rows[5:10]
    assert again.rows == whole.rows[7:]
    assert again.values == whole.values[7:]
    assert torch.equal(again.inner.layer.weight, whole.inner.layer.weight)


@pytest.mark.parametrize("steps", [2, 4])
def test_a_checkpoint_within_an_accumulated_step_loses_no_batch(steps, tmp_path):
    curated = numbers(tmp_path)
    saving = lightning.callbacks.ModelCheckpoint(
        tmp_path / "saved", filename="{epoch}-{step}", save_top_k=-1, save_on_train_epoch_end=False
    )

    class Validated(CuratedDataModule):
        def val_dataloader(self):
            return [0]

    class Plain(Model):
        def validation_step(self, batch, index):
            """Nothing to see."""

    settings = {
        "max_epochs": 2, "accumulate_grad_batches": steps, "val_check_interval": 3, "num_sanity_val_steps": 0,
    }  # fmt: skip
    whole = Plain()
    fit(tmp_path, whole, Validated(curated, batch_size=4), callbacks=[saving], **settings)
    assert len(whole.rows) == 16
    found = []
    for file in sorted((tmp_path / "saved").iterdir()):
        state = torch.load(file, weights_only=True)
        done = state["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["ready"]
        again = Plain()
        fit(tmp_path, again, Validated(curated, batch_size=4), ckpt_path=str(file), **settings)
        assert again.rows == whole.rows[done:]
        left = steps - done % 8 % steps if done % 8 % steps else 0
        assert again.values[:left] == whole.values[done : done + left]  # by the mass of the whole group
        exact = torch.equal(again.inner.layer.weight, whole.inner.layer.weight)
        found.append((done, exact))
    # Nothing is saved before the first step.
    assert found == [(done, done % 8 % steps == 0) for done in (3, 6, 11, 14) if done >= steps]


def test_held_out_rows_are_seen_once_and_in_order(tmp_path):
    from tiny import tokenizer

    class Words(Model):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.EmbeddingBag(16, 3)

        def training_step(self, batch, index):
            return self.trainer.datamodule.loss(self.inner(batch["input_ids"]), batch)

    curated, model = texts(), Words()
    data = CuratedDataModule(curated, batch_size=4, tokenizer=tokenizer(), sampler="balanced")
    fit(tmp_path, model, data, max_epochs=1, num_sanity_val_steps=0)
    plan = curated.plan
    expected = [r for r, s in zip(plan["row_id"].to_pylist(), plan["split"].to_pylist()) if s == "validation"]
    assert model.held_out == expected
    assert data.test_dataloader() == []


ADAPTIVE = {"sampler": "adaptive", "adaptive": {"floor": 0.0, "momentum": 0.0}}


class Telling(Model):
    """Keeps what each epoch's losses were of each class."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seen, self.epochs = [], []

    def training_step(self, batch, index):
        logits = self.inner(batch)
        losses = -(batch["soft_labels"] * torch.log_softmax(logits.detach(), 1)).sum(1)
        known = batch["soft_labels"].sum(1) > 0
        self.seen.append(torch.stack([losses, batch["labels"].float()], 1)[known])
        return super().training_step(batch, index)

    def on_train_epoch_end(self):
        seen = torch.cat(self.seen)
        self.epochs.append([float(seen[seen[:, 1] == k, 0].mean()) for k in range(3)])
        self.seen.clear()


@pytest.mark.parametrize("steps", [1, 3])
def test_every_epoch_is_reported_and_a_checkpoint_at_its_end_knows_it(steps, tmp_path):
    curated = numbers(tmp_path)
    saving = lightning.callbacks.ModelCheckpoint(
        tmp_path, filename="{epoch}", every_n_epochs=1, save_top_k=-1, save_on_train_epoch_end=True
    )
    whole, data = Telling(), CuratedDataModule(curated, batch_size=6, **ADAPTIVE)
    settings = {"max_epochs": 3, "limit_val_batches": 0, "accumulate_grad_batches": steps}
    fit(tmp_path, whole, data, callbacks=[saving], **settings)
    for epoch in (1, 2):
        shares = list(data.loader.requests.sampler.shares(epoch + 1).values())
        assert shares == pytest.approx([one / sum(whole.epochs[epoch]) for one in whole.epochs[epoch]], rel=1e-5)
    assert data.loss.listener is None
    again, rest = Telling(), CuratedDataModule(curated, batch_size=6, **ADAPTIVE)
    fit(tmp_path, again, rest, ckpt_path=str(tmp_path / "epoch=0.ckpt"), **settings)
    assert again.rows == whole.rows[5:]
    assert again.epochs == whole.epochs[1:]


@pytest.mark.parametrize("by", ["classes", "rows"])
def test_a_checkpoint_in_the_middle_of_an_epoch_knows_what_was_counted(by, tmp_path):
    curated = numbers(tmp_path)
    options = {"sampler": "adaptive", "adaptive": {"by": by, "floor": 0.0, "momentum": 0.0}}
    saving = lightning.callbacks.ModelCheckpoint(
        tmp_path / "saved", filename="{step}", every_n_train_steps=1, save_top_k=-1
    )
    settings = {"max_epochs": 3, "limit_val_batches": 0}
    whole = Model()
    fit(tmp_path, whole, CuratedDataModule(curated, batch_size=6, **options), callbacks=[saving], **settings)
    for step in (3, 5, 7, 10):
        again, file = Model(), str(tmp_path / "saved" / f"step={step}.ckpt")
        fit(tmp_path, again, CuratedDataModule(curated, batch_size=6, **options), ckpt_path=file, **settings)
        assert again.rows == whole.rows[step:]
        assert again.values == whole.values[step:]


def test_a_path_in_place_of_what_it_holds():
    with pytest.raises(ConfigError, match="curated is the path 'curated/': pass what it holds"):
        CuratedDataModule("curated/")


def test_loaders_made_anew_for_every_epoch_keep_the_reports(tmp_path):
    curated, model = numbers(tmp_path), Telling()
    data = CuratedDataModule(curated, batch_size=6, **ADAPTIVE)
    fit(tmp_path, model, data, max_epochs=3, limit_val_batches=0, reload_dataloaders_every_n_epochs=1)
    shares = list(data.loader.requests.sampler.shares(3).values())
    assert shares == pytest.approx([one / sum(model.epochs[2]) for one in model.epochs[2]], rel=1e-5)
    assert len(data.loader.requests.sampler.following.reports.recent) == 2


def test_a_module_that_is_told_not_to_report_leaves_that_to_others(tmp_path):
    class Own(Model):
        def on_train_epoch_end(self):
            self.trainer.datamodule.loader.report(self.current_epoch, classes={"ask": 3.0, "buy": 1.0, "sell": 0.0})

    data = CuratedDataModule(numbers(tmp_path), batch_size=6, report=False, **ADAPTIVE)
    fit(tmp_path, Own(), data, max_epochs=2, limit_val_batches=0)
    assert list(data.loader.requests.sampler.shares(2).values()) == pytest.approx([0.75, 0.25, 0.0])


@pytest.mark.parametrize("limit", [1.0, 2])
def test_a_plain_loader_gives_another_order_in_every_epoch(limit, tmp_path):
    """Lightning counts batches and never asks for the end of an epoch."""
    curated = numbers(tmp_path)

    class Plain(Model):
        def training_step(self, batch, index):
            self.rows.append(batch["row_id"])
            return loss(self.inner(batch), batch)

    loss, model = curated.loss(), Plain()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
            enable_checkpointing=False, default_root_dir=tmp_path, max_epochs=3, limit_train_batches=limit,
        )  # fmt: skip
        trainer.fit(model, curated.loader(batch_size=8))
    expected, loader = [], curated.loader(batch_size=8)
    for epoch in range(3):
        loader.set_epoch(epoch)
        rows = [batch["row_id"] for batch in loader]
        expected += rows if limit == 1.0 else rows[:limit]
    assert model.rows == expected
