"""Ranks as real processes (gloo): every planned draw once, balanced shares, and exact continuation after SIGKILL."""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from curate.feed.sampler import Sampler

SCRIPT = Path(__file__).parent / "ranks.py"
ONCE = ("sequential", "shuffled")


def launched(folder, what, cases):
    (folder / "cases.json").write_text(json.dumps(cases))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), what], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def epochs(tmp_path_factory):
    """World size -> what every rank drew in two epochs of every case."""
    folder = tmp_path_factory.mktemp("epochs")
    cases = [
        {"n": n, "size": size, "mode": mode, "layout": layout}
        for n, size in ((1, 4), (3, 1), (3, 4), (97, 8), (103, 5), (1003, 16))
        for mode, layout in (("shuffled", None), ("balanced", None), ("shuffled", "rows"), ("shuffled", "tokens"))
    ]
    cases += [{"n": 1003, "size": 16, "mode": mode} for mode in ("sequential", "weighted", "group_balanced")]
    launched(folder, "epochs", cases)
    return {world: json.loads((folder / f"epochs{world}.json").read_text()) for world in (1, 2, 3, 4)}


def reference(case):
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        from ranks import make
    finally:
        sys.path.pop(0)
    return Counter(make({**case, "layout": None}, 0, 1).order(case["epoch"]).positions.tolist())


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_every_planned_draw_once_and_none_twice(epochs, world):
    assert len(epochs[world]) == 54
    for case in epochs[world]:
        drawn = Counter(p for _, batches in case["ranks"] for batch in batches for p in batch)
        if case["mode"] in ONCE:
            assert drawn == Counter(range(case["n"])), case
        else:
            assert drawn == reference(case), "the same draws for any world size"
        assert [promised for promised, _ in case["ranks"]] == [len(batches) for _, batches in case["ranks"]]
        counts = {len(batches) for _, batches in case["ranks"]}
        if case["n"] >= world and case["size"] > 1:
            assert len(counts) == 1, "every rank makes the same number of batches"
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_balanced_draws_classes_within_the_binomial_bound(epochs, world):
    labels = {}
    for case in epochs[world]:
        if case["mode"] != "balanced" or case["n"] < 90:
            continue
        n = case["n"]
        if n not in labels:
            sys.path.insert(0, str(SCRIPT.parent))
            from ranks import plan_of

            labels[n] = np.array(plan_of(n)["label"].to_pylist())
        drawn = [p for _, batches in case["ranks"] for batch in batches for p in batch]
        counts = np.array(list(Counter(labels[n][drawn].tolist()).values()))
        assert len(counts) == 4
        assert (np.abs(counts - n / 4) <= 1).all(), "over all ranks each class has its quota"
        for _, batches in case["ranks"]:
            own = list(itertools.chain(*batches))
            shares = Counter(labels[n][own].tolist())
            bound = 5 * np.sqrt(len(own) * 0.25 * 0.75)
            assert all(abs(shares[name] - len(own) / 4) <= bound for name in shares), (world, n, shares)


def test_killed_at_twenty_batches_the_rest_is_exactly_what_was_left(tmp_path):
    rng = np.random.default_rng(0)
    cases = []
    for number in range(20):
        world, other = rng.permutation([1, 2, 3, 4])[:2].tolist()
        n = int(rng.integers(60, 260))
        layout = ("tokens", None, "rows", "tokens")[number % 4]
        mode = ("shuffled", "balanced", "weighted", "shuffled")[number % 4] if layout is None else "shuffled"
        steps = len(Sampler(n, batch_size=6, world_size=world).batches())
        stop = {
            "step": int(rng.integers(steps - 1)), "rank": int(rng.integers(world)), "before": bool(rng.random() < 0.5)
        }  # fmt: skip
        cases.append({
            "name": f"case{number}", "n": n, "size": 6, "mode": mode, "layout": layout, "epoch": number % 3,
            "world": world, "other": other, "other_size": int(rng.integers(2, 10)), "stop": stop,
        })  # fmt: skip
    launched(tmp_path, "kills", cases)
    told = json.loads((tmp_path / "kills.json").read_text())
    assert len(told) == 20
    assert len({one["steps"] for one in told}) > 3
    for case, one in zip(cases, told):
        assert one["name"] == case["name"]
        assert Counter(one["before"] + one["after"]) == reference(case), case
        if case["mode"] == "shuffled":
            assert sorted(one["before"] + one["after"]) == list(range(case["n"]))
