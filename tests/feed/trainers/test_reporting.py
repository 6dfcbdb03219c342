"""Reports of trainers to the sampler that adapts: mean losses and recalls by class, and going on from a checkpoint."""

import numpy as np
import pytest
import torch
from test_transformers import train, trainer
from tiny import bert, texts, tokenizer
from torch.nn import functional

from curate.errors import ConfigError
from curate.feed.trainers import Reporter

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
