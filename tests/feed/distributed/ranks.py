"""What the processes of test_ranks do: one launcher imports torch once and forks the ranks of every case.

python ranks.py FOLDER epochs|kills
"""

import itertools
import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from curate.feed.sampler import Sampler
from curate.feed.sampling.lengths import Lengths

CLASSES = (60, 25, 10, 5)
"""Percent of the lines."""


def plan_of(n):
    """Lines of four classes in random order, with weights."""
    rng = np.random.default_rng(n)
    codes = rng.choice(len(CLASSES), n, p=np.array(CLASSES) / 100)
    codes[: min(n, 4)] = np.arange(min(n, 4))
    return pa.table({
        "row_id": [f"r{i}" for i in range(n)],
        "label": pa.array([f"class {code}" for code in codes]).dictionary_encode(),
        "weight": rng.gamma(2.0, 0.5, n).astype(np.float32),
    })  # fmt: skip


def lengths_of(n):
    """Between 1 and 64, few of them long."""
    return np.minimum(1 + np.random.default_rng(n + 1).lognormal(2.5, 0.8, n).astype(int), 64)


def make(case, rank, world):
    n, mode, layout = case["n"], case["mode"], case.get("layout")
    lengths = {
        None: None,
        "rows": Lengths(lengths_of(n), window=3),
        "tokens": Lengths(lengths_of(n), batch_tokens=case.get("tokens", 160), max_batch=9, window=3),
    }[layout]
    more = {"groups": [f"g{k % 3}" for k in range(n)]} if mode == "group_balanced" else {}
    return Sampler(plan_of(n), mode, case["size"], rank, world, seed=5, lengths=lengths, **more)


def joined(rank, world, folder, name):
    """A group of processes, through a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/{name}.store", rank=rank, world_size=world
    )


def epochs(rank, world, folder, cases):
    """Two epochs of every case, all ranks in step; rank 0 writes what each drew."""
    joined(rank, world, folder, f"epochs{world}")
    told = []
    for case in cases:
        sampler = make(case, rank, world)
        for epoch in range(2):
            promised, batches = len(sampler.batches()), []
            for batch in sampler.batches():
                batches.append(batch)
                if case["n"] >= world and case["size"] > 1:
                    # As gradients do: it waits for every rank, for ever where one has no batch.
                    torch.distributed.all_reduce(torch.ones(1))
            ranks = [None] * world
            torch.distributed.all_gather_object(ranks, (promised, batches))
            told.append({**case, "epoch": epoch, "ranks": ranks})
    if rank == 0:
        (folder / f"epochs{world}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()


def train(rank, world, folder, case, state, stop):
    """Draw in step with the others, save the state after every step, and be killed at one of them."""
    joined(rank, world, folder, f"{case['name']}.{world}")
    sampler = make(case, rank, world)
    if state is not None:
        sampler.load_state_dict(state)
    else:
        sampler.set_epoch(case["epoch"])
    with (folder / f"{case['name']}.{world}.{rank}.log").open("w") as log:
        for step, batch in enumerate(sampler.batches()):
            log.write(json.dumps(batch) + "\n")
            log.flush()
            if stop is not None and step == stop["step"] and rank == stop["rank"] and stop["before"]:
                os.kill(os.getpid(), signal.SIGKILL)
            if stop is not None:
                torch.distributed.barrier()
            if rank == 0:
                written = {"steps": step + 1, "state": sampler.state_dict()}
                (folder / f"{case['name']}.part").write_text(json.dumps(written))
                (folder / f"{case['name']}.part").replace(folder / f"{case['name']}.json")
            if stop is not None and step == stop["step"] and rank == stop["rank"]:
                os.kill(os.getpid(), signal.SIGKILL)
    # None leaves while another is still about to meet it.
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def forked(target, world, *arguments, victim=None):
    """Run the ranks; where one is a victim, kill the others when it is dead."""
    ranks = [FORK.Process(target=target, args=(rank, world, *arguments)) for rank in range(world)]
    for process in ranks:
        process.start()
    if victim is not None:
        ranks[victim].join(60)
        assert ranks[victim].exitcode == -signal.SIGKILL, ranks[victim].exitcode
        for process in ranks:
            process.kill()
    for process in ranks:
        process.join(60)
        assert victim is not None or process.exitcode == 0, process.exitcode


def drawn(folder, name, world, steps=None):
    """What was drawn up to a step by all ranks."""
    paths = [folder / f"{name}.{world}.{rank}.log" for rank in range(world)]
    # A rank may be killed before it has drawn anything.
    logs = [path.read_text().splitlines() for path in paths if path.exists()]
    return list(itertools.chain(*(json.loads(line) for log in logs for line in log[:steps])))


def kills(folder, cases):
    """Kill every case at its step and go on with another world size; what was drawn before, and after."""
    told = []
    for case in cases:
        world, other, name = case["world"], case["other"], case["name"]
        forked(train, world, folder, case, None, case["stop"], victim=case["stop"]["rank"])
        saved = folder / f"{name}.json"
        told_state = json.loads(saved.read_text()) if saved.exists() else {"steps": 0, "state": None}
        before = drawn(folder, name, world, told_state["steps"])
        resumed = {**case, "size": case["other_size"], "tokens": 200}
        forked(train, other, folder, resumed, told_state["state"], None)
        told.append({"name": name, "steps": told_state["steps"], "before": before, "after": drawn(folder, name, other)})
    (folder / "kills.json").write_text(json.dumps(told))


if __name__ == "__main__":
    FORK = multiprocessing.get_context("fork")
    place, what = Path(sys.argv[1]), sys.argv[2]
    asked = json.loads((place / "cases.json").read_text())
    if what == "kills":
        kills(place, asked)
    else:
        for size in (1, 2, 3, 4):
            forked(epochs, size, place, asked)
