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


def count(predicted):
    return {"rows": len(predicted.label_ids)}


if __name__ == "__main__":
    folder, curated = Path(sys.argv[1]), texts()
    told = {}
    # The Trainer sets up the processes, so it goes first.
    for kind, run in (
        ("transformers", lambda model: trainer(curated, model, folder)),
        ("plain", lambda m: plain(curated, m)),
    ):
        model = bert()
        told[kind] = run(model) | {"weights": model.classifier.weight.detach().tolist()}
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()
