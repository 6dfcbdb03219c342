"""Two workers of Ray Train draw from one result; what they drew goes to files. Argument: a folder."""

import json
import os
import sys
from pathlib import Path

os.environ |= {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
import ray
import ray.train.torch
import torch
from ray.train import RunConfig, ScalingConfig

import curate
from curate.feed.trainers import accumulate, worker_loader

ROWS = 60


def table():
    rng = np.random.default_rng(0)
    kind = np.arange(ROWS) % 4 == 0
    points = rng.normal(kind * 3.0, 1.0, (2, ROWS))
    columns = {"x": points[0].tolist(), "y": points[1].tolist(), "label": np.where(kind, "rare", "common").tolist()}
    task = curate.Task(kind="classification", features=("x", "y"), label="label", label_names=("common", "rare"))
    return curate.load(columns, task=task)


def work(config):
    torch.manual_seed(0)
    folder = Path(config["folder"])
    curated = curate.open(folder)
    options = {"sampler": "adaptive", "adaptive": {"floor": 0.0, "momentum": 0.0}} if config["adaptive"] else {}
    loader, loss = worker_loader(curated, batch_size=8, **options), curated.loss()
    model = ray.train.torch.prepare_model(torch.nn.Linear(2, 2))
    drawn, weights = [], 0.0
    for epoch in range(2):
        loader.set_epoch(epoch)
        drawn.append([])
        for group in accumulate(loader, loss, steps=2):
            for batch in group:
                loss(model(batch["features"]), batch).backward()
                drawn[-1] += list(batch["row_id"])
                weights += float(batch["weights"].sum())
    gradient = [parameter.grad.tolist() for parameter in model.parameters()]
    rank = ray.train.get_context().get_world_rank()
    told = {"drawn": drawn, "weights": weights, "gradient": gradient, "state": loader.state_dict()}
    name = f"adaptive{rank}.json" if config["adaptive"] else f"{rank}.json"
    (folder.parent / name).write_text(json.dumps(told))


def main(folder):
    ray.init(address="local", num_cpus=3, object_store_memory=100 << 20, include_dashboard=False, logging_level="ERROR")
    try:
        curated = curate.Pipeline([curate.steps.ClassWeights()]).run(table(), folder / "curated", cache=False)
        for adaptive in (False, True):
            ray.train.torch.TorchTrainer(
                work,
                train_loop_config={"folder": str(curated.folder), "adaptive": adaptive},
                scaling_config=ScalingConfig(num_workers=2),
                run_config=RunConfig(storage_path=str(folder / "ray")),
            ).fit()
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
