"""Lightning: accumulation, every draw once per epoch, resuming in the second epoch, held-out splits."""

import warnings

import pytest
import torch
from tiny import Averaging, numbers, texts

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


def test_resuming_in_the_second_epoch_is_exact(tmp_path):
    curated = numbers(tmp_path)
    saving = lightning.callbacks.ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=7, save_top_k=-1)
    whole, again = Model(), Model(rate=0.1)
    settings = {"max_epochs": 3, "limit_val_batches": 0}
    fit(tmp_path, whole, CuratedDataModule(curated, batch_size=6), callbacks=[saving], **settings)
    assert len(whole.rows) == 15
    fit(tmp_path, again, CuratedDataModule(curated, batch_size=6), ckpt_path=str(tmp_path / "step=7.ckpt"), **settings)
    assert again.rows == whole.rows[7:]
    assert again.values == whole.values[7:]
    assert torch.equal(again.inner.layer.weight, whole.inner.layer.weight)


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
