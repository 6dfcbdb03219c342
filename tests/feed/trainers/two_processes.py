"""What each of two processes does in test_processes: one step over 16 draws, 4 to a batch."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from tiny import bert, texts, tokenizer


def plain(curated, model):
    from curate.feed.trainers import accumulate

    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    loader = curated.loader(batch_size=4, rank=rank, world_size=world, tokenizer=tokenizer())
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    loss, solver = curated.loss(), torch.optim.SGD(model.parameters(), lr=0.1)
    group = next(accumulate(loader, loss, 2))
    for batch in group[:-1]:
        with parallel.no_sync():
            backward(parallel, loss, batch)
    backward(parallel, loss, group[-1])
    solver.step()
    return {"rows": [row for batch in group for row in batch["row_id"]]}


def adaptive(curated, model):
    """An epoch with the sampler that adapts: what this process saw, what it reported, and what it draws next."""
    from curate.feed.trainers import accumulate

    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    options = {"sampler": "adaptive", "adaptive": {"floor": 0.0, "momentum": 0.0}}
    loader = curated.loader(batch_size=3, rank=rank, world_size=world, tokenizer=tokenizer(), **options)
    parallel, loss, seen = torch.nn.parallel.DistributedDataParallel(model), curated.loss(), []
    for group in accumulate(loader, loss, 2):
        for batch in group:
            logits = parallel(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            loss(logits, batch).backward()
            losses = -(batch["soft_labels"] * torch.log_softmax(logits.detach(), 1)).sum(1)
            seen += [pair for pair in zip(losses.tolist(), batch["labels"].tolist()) if pair[1] >= 0]
    shares = list(loader.requests.sampler.shares(1).values())
    return {"seen": seen, "shares": shares, "next": [row for batch in loader for row in batch["row_id"]]}


def backward(parallel, loss, batch):
    outputs = parallel(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    loss(outputs.logits, batch).backward()


def trainer(curated, model, folder):
    from transformers import TrainingArguments

    from curate.feed.trainers import CuratedTrainer

    rows = []

    class Watching(CuratedTrainer):
        def compute_loss(self, model, inputs, **kwargs):
            if model.training:
                rows.extend(inputs["row_id"])
            return super().compute_loss(model, inputs, **kwargs)

    args = TrainingArguments(
        str(folder / "run"), per_device_train_batch_size=4, gradient_accumulation_steps=2, max_steps=1, logging_steps=1,
        learning_rate=0.1, lr_scheduler_type="constant", optim="sgd", max_grad_norm=0.0, report_to=[], use_cpu=True,
        save_strategy="no", ddp_backend="gloo", per_device_eval_batch_size=3,
    )  # fmt: skip
    made = Watching(model, args, curated=curated, processing_class=tokenizer(), compute_metrics=count)
    made.train()
    held_out = curated.plan["split"].to_pylist().count("validation")
    assert made.evaluate()["eval_rows"] == held_out
    return {"rows": rows, "loss": made.state.log_history[0]["loss"]}


def resumed(curated, model, folder):
    """Rows of a run with the sampler that adapts, and of one that goes on from the middle of its second epoch."""
    from transformers import TrainingArguments

    from curate.feed.trainers import CuratedTrainer

    found = []
    for network, checkpoint in ((model, None), (bert(), str(folder / "adaptive" / "checkpoint-7"))):
        args = TrainingArguments(
            str(folder / "adaptive"), per_device_train_batch_size=4, num_train_epochs=3, learning_rate=0.1,
            lr_scheduler_type="constant", optim="sgd", report_to=[], use_cpu=True, ddp_backend="gloo",
            save_strategy="no" if checkpoint else "steps", save_steps=7, disable_tqdm=True,
        )  # fmt: skip
        made = CuratedTrainer(
            network, args, curated=curated, processing_class=tokenizer(),
            loader_options={"sampler": "adaptive", "adaptive": {"floor": 0.0, "momentum": 0.0}},
        )  # fmt: skip
        rows, inner = [], made.compute_loss

        def watching(model, inputs, rows=rows, inner=inner, **kwargs):
            rows.append(inputs["row_id"])
            return inner(model, inputs, **kwargs)

        made.compute_loss = watching
        made.train(resume_from_checkpoint=checkpoint)
        found.append({"rows": rows, "shares": list(made.loader.requests.sampler.shares(2).values())})
    return {"whole": found[0], "again": found[1]}


def accelerate(curated, model):
    """Rows of this process by `accelerated`, what prepare says of a training loader, and held-out rows as gathered."""
    from accelerate import Accelerator

    from curate.errors import ConfigError
    from curate.feed.trainers import accelerated

    accelerator = Accelerator(cpu=True)
    loader = accelerator.prepare(accelerated(accelerator, curated, batch_size=4, tokenizer=tokenizer()))
    refused = []
    for options in ({}, {"batch_tokens": 24}, {"rank": accelerator.process_index, "world_size": 2}):
        try:
            accelerator.prepare(curated.loader(batch_size=4, tokenizer=tokenizer(), **options))
        except ConfigError as error:
            refused.append(str(error))
    held_out = accelerator.prepare(curated.loader(split="validation", batch_size=4, tokenizer=tokenizer()))
    gathered = [label for batch in held_out for label in accelerator.gather_for_metrics(batch["labels"]).tolist()]
    return {"rows": [row for batch in loader for row in batch["row_id"]], "refused": refused, "gathered": gathered}


def count(predicted):
    return {"rows": len(predicted.label_ids)}


if __name__ == "__main__":
    folder, curated = Path(sys.argv[1]), texts()
    told = {}
    # The Trainer sets up the processes, so it goes first.
    for kind, run in (
        ("transformers", lambda model: trainer(curated, model, folder)),
        ("resumed", lambda model: resumed(curated, model, folder)),
        ("plain", lambda m: plain(curated, m)),
        ("adaptive", lambda m: adaptive(curated, m)),
        ("accelerate", lambda m: accelerate(curated, m)),
    ):
        model = bert()
        told[kind] = run(model) | {"weights": model.classifier.weight.detach().tolist()}
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()
