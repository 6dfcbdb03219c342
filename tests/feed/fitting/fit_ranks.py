"""One process of fits on several: ``fit_ranks.py RANK WORLD FOLDER`` writes what each case ended with."""

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import torch  # noqa: E402  the folders above come first
from tiny_fits import Result, parameters  # noqa: E402

import curate  # noqa: E402


def model():
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))


CASES = {
    "plain": {"rows": 120, "batch_size": 10, "accumulate": 2},
    "tail": {"rows": 45, "batch_size": 1},
}


def train(case, world, folder=None):
    """A fit of 2 epochs; the rows of a step are the same for any number of processes that divides the batch."""
    settings = dict(CASES[case])
    data = Result(n=settings.pop("rows"))
    if world == 1:
        settings["batch_size"] *= 2
    found = curate.fit(model, data, epochs=2, learning_rate=0.01, device="cpu", folder=folder, **settings)
    said = {
        "parameters": parameters(found.model).tolist(),
        "loss": [one.loss for one in found.history],
        "rows": [one.rows for one in found.history],
        "accuracy": found.metrics["accuracy"],
        "measured": found.metrics.rows,
        "validation": [one.validation["loss"] for one in found.history],
    }
    return said


if __name__ == "__main__":
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=world)
    said = {case: train(case, world, folder / case) for case in CASES}
    (folder / f"{rank}.json").write_text(json.dumps(said))
    torch.distributed.destroy_process_group()
