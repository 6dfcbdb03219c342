"""Samplers on plans of up to 10^8 lines: start-up, peak memory, and milliseconds per batch, beside torch's samplers.

Every figure comes from a process of its own, which maps the plan from an Arrow file; torch's processes get the same
labels and weights as arrays. Start-up is CPU seconds from the mapped file to the first batch; peak memory is that of
the process, pages of the mapped file that were touched included, and what the imports alone take is shown beside it.
Batches of ours are asked for at random places of random epochs; torch's come one after the other, as it has no other
way.

    python -m benchmarks.sampler [--lines 100000000] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

BATCH, BATCHES, CLASSES = 256, 200, 10
MODES = ("shuffled", "weighted", "balanced", "group_balanced", "sequential")
PEERS = {
    "shuffled": ("RandomSampler", "DistributedSampler"),
    "weighted": ("WeightedRandomSampler",),
    "balanced": ("WeightedRandomSampler, weights 1/size of class",),
}
PART = 1 << 22


def build(lines: int, file: Path) -> None:
    """Write a plan of so many lines: 10 classes from 30 % to 1 %, weights from a gamma distribution."""
    share = np.geomspace(0.3, 0.01, CLASSES)
    share /= share.sum()
    names = pa.array([f"class {k}" for k in range(CLASSES)])
    fields = [("row", pa.int64()), ("row_id", pa.string()), ("label", pa.dictionary(pa.int32(), pa.string())),
              ("weight", pa.float32()), ("copy", pa.int32())]  # fmt: skip
    schema, rng = pa.schema(fields), np.random.default_rng(0)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for start in range(0, lines, PART):
            row = np.arange(start, min(lines, start + PART))
            ids = np.char.mod("%012x", row).astype("S12")
            offsets = pa.py_buffer(np.arange(len(row) + 1, dtype=np.int32) * 12)
            codes = rng.choice(CLASSES, len(row), p=share).astype(np.int32)
            columns = [
                pa.array(row),
                pa.Array.from_buffers(pa.string(), len(row), [None, offsets, pa.py_buffer(ids)]),
                pa.DictionaryArray.from_arrays(codes, names),
                pa.array(rng.gamma(2.0, 0.5, len(row)).astype(np.float32)),
                pa.array(np.zeros(len(row), np.int32)),
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def peak_mb() -> float:
    """Peak memory of this process so far, in MB (not getrusage, which inherits it from the process that starts it)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def ours(mode: str, file: Path) -> dict[str, float]:
    """Figures of a mode of `Sampler`."""
    from curate.feed.sampler import Sampler

    base = peak_mb()
    plan = pa.ipc.open_file(pa.memory_map(str(file))).read_all()
    options = {"groups": plan["label"]} if mode == "group_balanced" else {}
    wall, begin = time.perf_counter(), time.process_time()
    sampler = Sampler(plan, mode, BATCH, rank=3, world_size=8, seed=1, **options)
    sampler.batch(0, 0)
    started, wall = time.process_time() - begin, time.perf_counter() - wall
    last = len(sampler.batches()) - 1
    places = np.random.default_rng(2).integers(0, [5, max(1, last)], (BATCHES, 2)).tolist()
    begin = time.process_time()
    for epoch, place in places:
        sampler.batch(epoch, place)
    spent = (time.process_time() - begin) / BATCHES * 1e3
    begin, drawn = time.process_time(), 0
    for batch in sampler.batches():
        drawn += len(batch)
        if drawn >= BATCH * BATCHES:
            break
    row = (time.process_time() - begin) / max(1, drawn) * BATCH * 1e3
    return {"start_s": started, "wall_s": wall, "peak_mb": peak_mb(), "base_mb": base, "any_ms": spent, "next_ms": row}


def theirs(peer: str, file: Path) -> dict[str, float]:
    """Figures of one of torch's samplers."""
    import torch
    from torch.utils.data import BatchSampler, RandomSampler, WeightedRandomSampler
    from torch.utils.data.distributed import DistributedSampler

    base = peak_mb()
    plan = pa.ipc.open_file(pa.memory_map(str(file))).read_all()
    wall, begin = time.perf_counter(), time.process_time()
    source = range(plan.num_rows)
    if peer == "RandomSampler":
        sampler = RandomSampler(source, generator=torch.Generator().manual_seed(1))
    elif peer == "DistributedSampler":
        sampler = DistributedSampler(source, num_replicas=8, rank=3, seed=1)
    elif peer == "WeightedRandomSampler":
        sampler = WeightedRandomSampler(torch.from_numpy(plan["weight"].to_numpy()), plan.num_rows)
    else:
        codes = np.concatenate([chunk.indices.to_numpy() for chunk in plan["label"].chunks])
        weights = (1 / np.bincount(codes, minlength=CLASSES))[codes]
        sampler = WeightedRandomSampler(torch.from_numpy(weights), plan.num_rows)
    batches = iter(BatchSampler(sampler, BATCH, drop_last=False))
    next(batches)
    started, wall = time.process_time() - begin, time.perf_counter() - wall
    begin, count = time.process_time(), 0
    for _ in batches:
        count += 1
        if count == BATCHES:
            break
    spent = (time.process_time() - begin) / max(1, count) * 1e3
    return {"start_s": started, "wall_s": wall, "peak_mb": peak_mb(), "base_mb": base, "next_ms": spent}


def measured(kind: str, name: str, file: Path) -> dict[str, float] | str:
    """The figures of a process, or why there are none."""
    command = [sys.executable, "-m", "benchmarks.sampler", "--measure", kind, name, str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return json.loads(done.stdout)


def table(lines: int, folder: Path) -> None:
    """Measure and print one size."""
    file = folder / f"plan_{lines}.arrow"
    if not file.exists():
        build(lines, file)
    print(f"\n{lines:,} lines, plan file {file.stat().st_size / 1e9:.2f} GB, batches of {BATCH}, rank 3 of 8")
    heads = {"start s": 9, "ratio": 8, "peak MB": 9, "imports": 9, "ms/batch in turn": 18, "anywhere": 10}
    print(f"{'sampler':48}" + "".join(f"{name:>{width}}" for name, width in heads.items()))
    for mode in MODES:
        own = measured("ours", mode, file)
        if isinstance(own, str):
            sys.exit(f"{mode}: {own}")
        print(f"{'curate ' + mode:48}{own['start_s']:9.2f}{'1.0':>8}{own['peak_mb']:9.0f}{own['base_mb']:9.0f}"
              f"{own['next_ms']:18.3f}{own['any_ms']:10.3f}", flush=True)  # fmt: skip
        for peer in PEERS.get(mode, ()):
            other = measured("theirs", peer, file)
            if isinstance(other, str):
                print(f"{'  torch ' + peer:48}  refused: {other[:100]}", flush=True)
                continue
            ratio = other["start_s"] / max(own["start_s"], 1e-3)
            print(f"{'  torch ' + peer:48}{other['start_s']:9.2f}{ratio:8.1f}{other['peak_mb']:9.0f}"
                  f"{other['base_mb']:9.0f}{other['next_ms']:18.3f}{'no':>10}", flush=True)  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="*", default=[1_000_000, 10_000_000, 100_000_000])
    parser.add_argument("--folder", type=Path, help="where plan files are kept; a temporary one if left out")
    parser.add_argument("--measure", nargs=3, metavar=("KIND", "NAME", "FILE"), help="for its own processes")
    asked = parser.parse_args()
    if asked.measure:
        kind, name, file = asked.measure
        print(json.dumps((ours if kind == "ours" else theirs)(name, Path(file))))
        return
    with tempfile.TemporaryDirectory(prefix="curate-sampler-") as made:
        for lines in asked.lines:
            table(lines, asked.folder or Path(made))


if __name__ == "__main__":
    main()
