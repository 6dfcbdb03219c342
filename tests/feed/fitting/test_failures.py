"""What can't work is refused with a sentence that says what to do."""

import sys

import pytest
import torch
from tiny_fits import Result, network

import curate
from curate.errors import ConfigError, DataError, StorageError


def fit(model=network, data=None, **settings):
    return curate.fit(model, data or Result(), **{"epochs": 2, "device": "cpu", "batch_size": 16} | settings)


class Breaks(torch.nn.Module):
    def __init__(self, after=2):
        super().__init__()
        self.layer, self.calls, self.after = torch.nn.Linear(4, 3), 0, after

    def forward(self, features):
        self.calls += 1
        return self.layer(features) * (float("nan") if self.calls == self.after + 1 else 1.0)


def test_a_loss_that_is_not_finite_names_the_rows():
    data = Result()
    rows = [batch["row_id"] for batch in data.loader(batch_size=16)][2]
    with pytest.raises(DataError, match="the loss is nan in epoch 0, near step") as error:
        fit(Breaks(), data)
    assert ", ".join(rows[:8]) in str(error.value)


def test_a_model_of_another_width():
    with pytest.raises(ConfigError, match=r"gives 5 outputs per row, and there are 3 classes \(c0, c1, c2\)"):
        fit(lambda: network(5))
    with pytest.raises(ConfigError, match="one per row"):
        fit(lambda: network(2), Result(kind="regression"))


def test_early_stopping_without_held_out_rows():
    with pytest.raises(ConfigError, match="need held-out rows, and the result has the splits train"):
        fit(data=Result(held_out=0), patience=3)
    with pytest.raises(ConfigError, match="no split 'valdation' \\(did you mean 'validation'"):
        fit(validation="valdation")
    # Before an epoch is spent on it.
    with pytest.raises(
        ConfigError, match=r"no metric 'f1_macr' to follow \(did you mean 'f1_macro'\?\); there is loss"
    ):
        fit(lambda: Breaks(after=0), monitor="f1_macr")
    data = Result()
    loaders = {"data": data.loader(), "validation": data.loader(split="validation")}
    with pytest.raises(ConfigError, match="no metric 'f1' to follow; there is loss, accuracy"):
        fit(**loaders, monitor="f1")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("largest", [pytest.param(100, id="of safetensors"), pytest.param(2_000, id="of torch")])
def test_a_disk_that_is_full_is_one_clear_error_and_leaves_nothing(largest, tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        with pytest.raises(StorageError, match="can't be written"):
            fit(folder=tmp_path / "checkpoints", epochs=1, monitor="accuracy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.suffix for path in (tmp_path / "checkpoints").iterdir()} <= {".safetensors"}
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_options_of_the_loader_and_slips_of_the_pen():
    with pytest.raises(ConfigError) as error:
        fit(num_workers=2, learning_rat=0.1)
    assert "num_workers is an option of the loader: loader_options={'num_workers': 2}" in str(error.value)
    assert "unknown setting 'learning_rat' (did you mean 'learning_rate'?)" in str(error.value)


def test_settings_are_refused_all_at_once():
    with pytest.raises(ConfigError) as error:
        fit(learning_rate=-1, accumulate=0, schedule="cosin", optimizer="adam", save_every=3, ema_decay=1.0)
    said = str(error.value)
    assert all(f"{name} must be" in said for name in ("learning_rate", "accumulate", "ema_decay"))
    assert all(part in said for part in ("did you mean 'cosine'", "unknown optimizer 'adam'", "save_every needs a f"))
    with pytest.raises(ConfigError, match="float16 needs a CUDA device"):
        fit(precision="float16")
    with pytest.raises(ConfigError) as error:
        fit(compile="yes", evaluation={"level": 0.9, "quantile": (0.5,)})
    said = str(error.value)
    assert "compile must be True, False or a mapping" in said
    assert "unknown setting 'quantile' of evaluation (did you mean 'quantiles'?)" in said
    with pytest.raises(ConfigError, match="callbacks must be a list of functions of an Event, not 3"):
        fit(callbacks=3)
    with pytest.raises(ConfigError, match=r"no device 'cudda' \(did you mean 'cuda'\?\)"):
        fit(device="cudda")


def test_losses_models_and_data_of_other_kinds():
    with pytest.raises(ConfigError, match="loss must be one of curate"):
        fit(loss=torch.nn.CrossEntropyLoss())
    with pytest.raises(ConfigError, match=r"not 'focal': pass curated.loss\(name='focal'\)"):
        fit(loss="focal")
    with pytest.raises(ConfigError, match=r"not the class Focal: pass what it makes, Focal\(...\)"):
        fit(loss=curate.losses.Focal)
    with pytest.raises(ConfigError, match=r"labels must be .rows, classes. of 0 and 1 for sets of classes, not .16,."):
        fit(loss=curate.losses.SoftBinaryCrossEntropy())
    with pytest.raises(ConfigError, match=r"labels must be \(rows,\) numbers, not \(16, 3\)"):
        fit(loss=curate.losses.WeightedRegression())
    with pytest.raises(ConfigError, match=r"a batch must be a dict with 'labels'.* not a tuple"):
        fit(data=[(torch.zeros(2, 4), torch.zeros(2))], loss=Result().loss())
    with pytest.raises(ConfigError, match="reduction 'mean'"):
        fit(loss=Result().loss(reduction="sum"))
    with pytest.raises(ConfigError, match="model must be a torch module"):
        fit(lambda: 3)
    needs = r"model is the class Linear, which needs in_features, out_features: pass what it makes, Linear\(...\), or"
    with pytest.raises(ConfigError, match=needs):
        fit(torch.nn.Linear)
    with pytest.raises(ConfigError, match="model is the function <lambda>, which needs width"):
        fit(lambda width: network(width))
    with pytest.raises(ConfigError, match="data must be a curated result"):
        fit(data=3.5)
    frozen = network()
    frozen.requires_grad_(False)
    with pytest.raises(ConfigError, match="no parameter that requires a gradient"):
        fit(frozen)


def narrow():
    layers = [torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.ReLU(), torch.nn.Linear(8, 3)]
    return torch.nn.Sequential(*layers)


def test_a_checkpoint_of_another_fit(tmp_path):
    fit(folder=tmp_path)
    with pytest.raises(ConfigError, match=r"other settings \(learning_rate was 0.001, is 0.5\)"):
        fit(folder=tmp_path, learning_rate=0.5)
    with pytest.raises(ConfigError, match=r"is of another model: '.*' has another shape"):
        fit(narrow, folder=tmp_path)
    newest = sorted(tmp_path.glob("checkpoint-*"))[-1]
    (newest / "state.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(StorageError, match="delete it to go on with an earlier one"):
        fit(folder=tmp_path)
    assert fit(folder=tmp_path, learning_rate=0.5, resume=False).steps == 10


def test_checkpoints_hold_no_code(tmp_path):
    fit(folder=tmp_path, loss=Result().loss(name="early_learning"), ema_decay=0.9)
    newest = sorted(tmp_path.glob("checkpoint-*"))[-1]
    assert sorted(p.name for p in newest.iterdir()) == ["model.safetensors", "progress.json", "state.pt"]
    state = torch.load(newest / "state.pt", weights_only=True)
    assert {"optimizer", "schedule", "scaler", "average", "loss", "tallies"} == set(state)


def test_batches_that_are_used_up_end_the_fit_and_not_in_a_loop_for_ever():
    used_up = (batch for batch in Result().loader(batch_size=32))
    with pytest.raises(DataError, match="epoch 1 has no batch"):
        fit(data=used_up, loss=Result().loss(), epochs=None, max_steps=10)
    with pytest.raises(ConfigError, match="drop_last leaves no batch: 80 draws"):
        fit(batch_size=500, loader_options={"drop_last": True})


def test_rows_of_which_none_counts_train_nothing():
    batches = [batch | {"weights": torch.zeros(16)} for batch in Result().loader(batch_size=16)]
    with pytest.raises(DataError, match="not one of the 80 rows of epoch 0 counts: every weight is 0, or no row has a"):
        fit(data=batches, loss=Result().loss())


def test_held_out_rows_are_drawn_once_whatever_the_training_draws_by():
    options = {"sampler": "group_balanced", "grouping": {"column": "source"}, "on_error": "replace"}
    assert fit(epochs=1, loader_options=options).metrics.rows == 40


def test_what_a_model_breaks_on_is_shown():
    with pytest.raises(RuntimeError) as error:
        fit(torch.nn.Linear(5, 3))
    assert error.value.__notes__ == ["Linear was given features (16, 4) float32"]
    with pytest.raises(ConfigError, match="the model gives no logits, but hidden, scores"):
        fit(Named())


class Named(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

    def forward(self, features):
        return {"hidden": features, "scores": super().forward(features)}


def test_an_optimiser_is_a_class_or_a_function_and_not_made_already():
    assert fit(optimizer=torch.optim.RMSprop, learning_rate=0.25, schedule="constant").history[-1].learning_rate == 0.25
    with pytest.raises(ConfigError, match=r"optimizer must be adamw, sgd, a class, .* not a SGD that is made already"):
        fit(optimizer=torch.optim.SGD(network().parameters(), lr=0.1))


def test_a_file_in_place_of_a_folder_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"folder must be one, for checkpoints, and .*file is a file"):
        fit(lambda: Breaks(after=0), folder=tmp_path / "file")


def test_a_path_in_place_of_what_it_holds(tmp_path):
    with pytest.raises(ConfigError, match=r"data is the path .* pass what it holds, curate.open\(path\)"):
        fit(data=str(tmp_path))


def test_another_setting_of_the_loss_is_another_fit(tmp_path):
    fit(loss=curate.losses.Focal(gamma=2.0), folder=tmp_path, epochs=1)
    with pytest.raises(ConfigError, match=r"loss was .Focal.*gamma=2.0.*, is .Focal.*gamma=1.0"):
        fit(loss=curate.losses.Focal(gamma=1.0), folder=tmp_path, epochs=1)


def test_a_fit_is_shown_in_one_line():
    shown = repr(fit(epochs=1))
    assert shown.startswith("Fitted(epochs=1, steps=")
    assert len(shown) < 400
    assert "\n" not in shown


def test_texts_without_a_tokenizer_are_no_input_of_a_model_that_takes_a_tensor():
    table = curate.load({"text": [f"text {row} of them" for row in range(12)], "label": ["a", "b"] * 6})
    curated = curate.Pipeline([]).run(table, cache=False)
    with pytest.raises(ConfigError, match=r"'text' as a list, and Linear takes a tensor: .*options=.'tokenizer'"):
        curate.fit(torch.nn.Linear(4, 2), curated, epochs=1)
