"""Train on a curated table with Ray Train, on two workers: offline, on CPUs. Needs Ray.

    python examples/ray_tables.py

Every worker opens the result and draws its own share; the parts of a step add up over the workers.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import ray.train
import ray.train.torch
import torch
from ray.train import RunConfig, ScalingConfig

import curate
from curate.feed.trainers import accumulate, worker_loader


def table(rows=200, seed=0):
    """Two clusters of points, one of them rare."""
    rng = np.random.default_rng(seed)
    rare = np.arange(rows) % 8 == 0
    points = rng.normal(np.where(rare[:, None], 3.0, 0.0), 1.0, (rows, 2))
    columns = {
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
        "label": np.where(rare, "rare", "common").tolist(),
    }
    task = curate.Task(kind="classification", features=("x", "y"), label="label", label_names=("common", "rare"))
    return curate.load(columns, task=task)


def work(config):
    """What each worker does."""
    torch.manual_seed(0)
    curated = curate.open(config["folder"])
    loader, loss = worker_loader(curated, batch_size=8), curated.loss()
    model = ray.train.torch.prepare_model(torch.nn.Linear(2, len(curated.label_names)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for epoch in range(config["epochs"]):
        loader.set_epoch(epoch)
        right, seen = 0, 0
        for group in accumulate(loader, loss, steps=2):
            for batch in group:
                logits = model(batch["features"])
                loss(logits, batch).backward()
                right += int((logits.argmax(1) == batch["labels"]).sum())
                seen += len(batch["row_id"])
            optimizer.step()
            optimizer.zero_grad()
        ray.train.report({"accuracy": right / seen, "epoch": epoch})
    rank = ray.train.get_context().get_world_rank()
    Path(config["folder"], f"accuracy_{rank}").write_text(f"{right / seen:.3f}", encoding="utf-8")


def main(folder):
    curated = curate.Pipeline([curate.steps.ClassWeights()]).run(table()).save(Path(folder) / "curated")
    trainer = ray.train.torch.TorchTrainer(
        work,
        train_loop_config={"folder": str(curated.folder), "epochs": 5},
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(Path(folder) / "ray")),
    )
    trainer.fit()
    found = [float((curated.folder / f"accuracy_{rank}").read_text(encoding="utf-8")) for rank in range(2)]
    print(f"accuracy of the workers in the last epoch: {found[0]:.3f}, {found[1]:.3f}")
    return {"accuracy": min(found)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(f"usage: python {sys.argv[0]}")
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
