"""Reports of trainers to the sampler that adapts: mean losses and recalls by class, and going on from a checkpoint."""

import numpy as np
import pytest
import torch
from test_transformers import train, trainer
from tiny import Averaging, bert, numbers, texts, tokenizer
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.trainers import Reporter, accelerated, accumulate

ADAPTIVE = {"sampler": "adaptive", "adaptive": {"floor": 0.0, "momentum": 0.0}}


def plain(curated, follows="loss", epochs=2):
    """A plain loop without steps; the loader, and the (losses, hits, codes) of its last epoch but one."""
    options = {**ADAPTIVE, "adaptive": {**ADAPTIVE["adaptive"], "follows": follows}}
    loader, loss, model = curated.loader(batch_size=8, tokenizer=tokenizer(), **options), curated.loss(), bert().eval()
    reporter, seen = Reporter(loader, loss), []
    for _ in range(epochs):
        seen = []
        for batch in loader:
            with torch.no_grad():
                logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            reporter.add(logits, batch)
            each = -(batch["soft_labels"] * functional.log_softmax(logits, 1)).sum(1)
            seen.append(torch.stack([each, (logits.argmax(1) == batch["labels"]).float(), batch["labels"]], 1))
        reporter.finish()
    return loader, torch.cat(seen).numpy()


@pytest.mark.parametrize("follows", ["loss", "recall"])
def test_a_plain_loop_reports_what_it_saw(follows):
    curated = texts(steps=[])
    loader, seen = plain(curated, follows)
    need = [seen[seen[:, 2] == k, 0].mean() for k in range(3)]
    if follows == "recall":
        need = [1 - seen[seen[:, 2] == k, 1].mean() for k in range(3)]
    shares = loader.requests.sampler.shares(2)
    assert [shares[name] for name in curated.label_names] == pytest.approx(np.array(need) / sum(need), rel=1e-4)
    assert loader.requests.sampler.shares(1) != shares


def test_other_samplers_are_left_alone_and_an_empty_epoch_is_refused():
    curated = texts()
    reporter = Reporter(curated.loader(tokenizer=tokenizer()), curated.loss())
    reporter.add(torch.zeros(2, 3), {})
    reporter.finish()
    assert reporter.state_dict() == {}
    reporter = Reporter(curated.loader(tokenizer=tokenizer(), **ADAPTIVE), curated.loss())
    with pytest.raises(ConfigError, match="nothing was added"):
        reporter.finish()


def rows_of(made):
    """The trainer's rows, step by step."""
    rows, inner = [], made.compute_loss

    def watching(model, inputs, **kwargs):
        rows.append(list(inputs["row_id"]))
        return inner(model, inputs, **kwargs)

    made.compute_loss = watching
    return rows


def test_the_trainer_reports_every_epoch_and_goes_on_from_a_checkpoint(tmp_path):
    options = {"trainer_options": {"loader_options": ADAPTIVE, "eval_split": "none"}, "num_train_epochs": 3}
    whole = trainer(tmp_path / "whole", save_strategy="epoch", **options)
    rows = rows_of(whole)
    train(whole)
    shares = [whole.loader.requests.sampler.shares(epoch) for epoch in (1, 2)]
    assert shares[0] != shares[1]
    assert len({round(share, 6) for share in shares[0].values()}) == 3
    each = len(rows) // 3
    checkpoint = next(p for p in (tmp_path / "whole").iterdir() if p.name == f"checkpoint-{2 * each}")
    again = trainer(tmp_path / "whole", save_strategy="no", **options)
    rest = rows_of(again)
    train(again, resume_from_checkpoint=str(checkpoint))
    assert rest == rows[2 * each :]


@pytest.mark.parametrize("by", ["classes", "rows"])
def test_the_trainer_goes_on_from_any_step(by, tmp_path):
    adaptive = {"sampler": "adaptive", "adaptive": {"by": by, "floor": 0.0, "momentum": 0.0}}
    options = {
        "trainer_options": {"loader_options": adaptive, "eval_split": "none"}, "num_train_epochs": 3,
        "gradient_accumulation_steps": 2,
    }  # fmt: skip
    whole = trainer(tmp_path / "whole", save_strategy="steps", save_steps=1, **options)
    rows = rows_of(whole)
    train(whole)
    assert (len(whole.loader), len(rows), whole.state.global_step) == (5, 15, 9)
    for step in (1, 2, 3, 4, 6, 8):
        again = trainer(tmp_path / "again", save_strategy="no", **options)
        rest = rows_of(again)
        train(again, resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
        assert rest == rows[step // 3 * 5 + step % 3 * 2 :]
        assert again.loader.requests.sampler.shares(3) == whole.loader.requests.sampler.shares(3)
        for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
            assert torch.equal(one, other)


def test_the_trainer_s_epochs_with_batches_that_have_no_row_left(tmp_path):
    from test_transformers import arguments
    from tiny import pictures

    from curate.feed.trainers import CuratedTrainer

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Averaging(3, "pixel_values")

        def forward(self, pixel_values):
            return {"logits": self.inner({"pixel_values": pixel_values})}

    made = CuratedTrainer(
        Model(), arguments(tmp_path, per_device_train_batch_size=1, num_train_epochs=3),
        curated=pictures(tmp_path, n=12, damage=(3,)), loader_options={"sampler": "adaptive"},
    )  # fmt: skip
    train(made)
    assert set(made.loader.skipped) == {"r3"}
    following = made.loader.requests.sampler.following.reports
    assert [following.before, *following.recent] == [1, 1, 2]


def test_counts_that_are_none_are_refused():
    curated = texts()
    reporter = Reporter(curated.loader(tokenizer=tokenizer(), **ADAPTIVE), curated.loss())
    state = reporter.state_dict()
    for unfinished in (3, {"epoch": 0}, {"epoch": 0, "tally": {"drawn": 1, "totals": [1], "classes": [], "rows": []}}):
        with pytest.raises(ConfigError, match="what was counted of an epoch can't be read"):
            reporter.load_state_dict(state | {"unfinished": unfinished})


def needs(seen):
    """(3,) mean losses by class of the (losses, codes) of an epoch."""
    seen = torch.cat(seen).numpy()
    return np.array([seen[seen[:, 1] == k, 0].mean() for k in range(3)])


def each(logits, batch):
    """(B, 2) losses and codes, by hand."""
    losses = -(batch["soft_labels"] * functional.log_softmax(logits.detach(), 1)).sum(1)
    return torch.stack([losses, batch["labels"].float()], 1)[batch["soft_labels"].sum(1) > 0]


@pytest.mark.parametrize("steps", [1, 4, 99])
@pytest.mark.parametrize("where", ["plain", "device", "accelerate"])
def test_accumulate_reports_every_epoch_by_itself(where, steps, tmp_path):
    curated, model = numbers(tmp_path), Averaging(3, "features")
    loader = curated.loader(batch_size=4, **ADAPTIVE)
    if where == "device":
        loader = loader.prefetch_to("cpu")
    elif where == "accelerate":
        accelerate = pytest.importorskip("accelerate")
        loader = accelerated(accelerate.Accelerator(cpu=True), curated, batch_size=4, **ADAPTIVE)
    sampler, loss, solver = inner(loader).requests.sampler, curated.loss(), torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(3):
        loader.set_epoch(epoch)
        seen = []
        for group in accumulate(loader, loss, steps):
            for batch in group:
                logits = model(batch)
                loss(logits, batch).backward()
                seen.append(each(logits, batch))
            solver.step()
            solver.zero_grad()
            with torch.no_grad():  # an evaluation in between says nothing
                loss(-100 * logits, batch)
        expected = needs(seen)
        shares = sampler.shares(epoch + 1)
        assert list(shares.values()) == pytest.approx(expected / expected.sum(), rel=1e-5)
        assert loss.listener is None


def inner(loader):
    return getattr(loader, "loader", loader)


def test_rows_are_reported_by_their_losses(tmp_path):
    curated, model = numbers(tmp_path), Averaging(3, "features")
    options = {"sampler": "adaptive", "adaptive": {"by": "rows", "floor": 0.0, "momentum": 0.0}}
    loader, loss, told = curated.loader(batch_size=4, **options), curated.loss(), {}
    for group in accumulate(loader, loss):
        for batch in group:
            losses, weights = loss.terms(model(batch), batch)
            told |= dict(zip(batch["row_id"], torch.where(weights > 0, losses, 0.0).tolist()))
            loss(model(batch), batch).backward()
    following = loader.requests.sampler.following.reports
    reported = dict(zip(following.names, following.recent[0].tolist()))
    assert {row: value for row, value in reported.items() if value == value} == pytest.approx(told)


def test_what_a_loop_tells_itself_stands_and_a_loss_that_is_not_called_is_an_error(tmp_path):
    curated, model = numbers(tmp_path), Averaging(3, "features")
    loader, loss = curated.loader(batch_size=8, **ADAPTIVE), curated.loss()
    for group in accumulate(loader, loss, report=False):
        loss(model(group[0]), group[0])
    loader.report(0, classes={"ask": 1.0, "buy": 1.0, "sell": 2.0})
    assert list(loader.requests.sampler.shares(1).values()) == pytest.approx([0.25, 0.25, 0.5])
    other = curated.loss()
    groups = accumulate(loader, loss)
    for _ in range(len(loader)):
        [batch] = next(groups)
        other(model(batch), batch)
    with pytest.raises(ConfigError, match="report=False"):
        next(groups)
    for _, group in zip(range(1), accumulate(loader, loss)):  # an epoch that is left says nothing
        loss(model(group[0]), group[0])
    assert loader.requests.sampler.shares(3) == loader.requests.sampler.shares(2)


def test_a_run_that_goes_on_between_epochs_draws_the_same(tmp_path):
    curated = numbers(tmp_path)

    def run(model, loader, loss, epochs):
        rows, states = [], []
        solver = torch.optim.SGD(model.parameters(), lr=0.2)
        for _ in range(epochs):
            for group in accumulate(loader, loss, 2):
                for batch in group:
                    rows.append(batch["row_id"])
                    loss(model(batch), batch).backward()
                solver.step()
                solver.zero_grad()
            states.append((loader.state_dict(), {k: v.clone() for k, v in model.state_dict().items()}))
        return rows, states

    def fresh():
        torch.manual_seed(0)
        return Averaging(3, "features"), curated.loader(batch_size=4, **ADAPTIVE), curated.loss()

    rows, states = run(*fresh(), 4)
    model, loader, loss = fresh()
    loader.load_state_dict(states[1][0])
    model.load_state_dict(states[1][1])
    rest, _ = run(model, loader, loss, 2)
    assert rest == rows[len(rows) // 2 :]


def test_a_copy_of_a_loss_has_no_listener(tmp_path):
    import copy
    import pickle

    curated = numbers(tmp_path)
    loss = curated.loss()
    Reporter(curated.loader(**ADAPTIVE), loss).listen()
    assert loss.listener is not None
    assert copy.deepcopy(loss).listener is None
    assert pickle.loads(pickle.dumps(loss)).listener is None  # noqa: S301


def test_a_trainer_that_is_told_not_to_report_leaves_that_to_others(tmp_path):
    options = {"loader_options": ADAPTIVE, "eval_split": "none", "report": False}
    made = trainer(tmp_path, save_strategy="no", num_train_epochs=1, trainer_options=options)
    train(made)
    sampler = made.loader.requests.sampler
    assert sampler.shares(1) == sampler.shares(0)
    made.loader.report(0, classes={"ask": 3.0, "buy": 1.0, "sell": 0.0})
    assert list(sampler.shares(1).values()) == pytest.approx([0.75, 0.25, 0.0])
