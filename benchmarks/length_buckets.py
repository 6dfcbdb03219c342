"""Padding and order of batches by length: `Sampler` with lengths beside plain shuffling and transformers' sampler.

Texts of a real set where it is there (banking77, characters per text), and lengths drawn as those of mixed chats and of
recordings. Padding is the share of a batch's numbers that stand behind the end of a row, over one epoch. A batch's
company is how many of the neighbours in a batch meet again in the next epoch (random batches: next to
none). The last column is the CPU time of making an epoch's batches, per 1000 rows.

    python -m benchmarks.length_buckets [--rows 50000]
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.feed.sampler import Sampler
from curate.feed.sampling.lengths import Lengths

SIZE = 32


def sets(rows: int, data: Path) -> dict[str, np.ndarray]:
    """Name -> (n,) lengths."""
    rng = np.random.default_rng(0)
    found = {
        "chats, log-normal tokens to 2048": np.clip(rng.lognormal(5, 1.1, rows), 1, 2048).astype(int),
        "recordings, 1 to 30 s in ms": np.clip(rng.gamma(2.2, 4500, rows), 1000, 30_000).astype(int),
    }
    file = data / "banking77" / "train.parquet"
    if file.is_file():
        texts = pq.read_table(file, columns=["text"])["text"]
        found["banking77, characters"] = pc.utf8_length(texts).to_numpy().astype(int)
    else:
        print(f"banking77 left out: {file.name} is not in {file.parent.name}/")
    return found


def grouped(lengths: np.ndarray) -> Callable[[], list[list[int]]]:
    """Batches by transformers' LengthGroupedSampler."""
    from curate.media.torch_audio import guard_torchaudio

    guard_torchaudio()
    import torch
    from transformers.trainer_pt_utils import LengthGroupedSampler

    generator = torch.Generator().manual_seed(0)
    sampler = LengthGroupedSampler(SIZE, lengths=lengths.tolist(), generator=generator)

    def epoch() -> list[list[int]]:
        order = list(sampler)
        return [order[start : start + SIZE] for start in range(0, len(order), SIZE)]

    return epoch


def figures(lengths: np.ndarray, epoch: Callable[[], list[list[int]]]) -> tuple[float, float, int, float, float]:
    """Padding, company, batches, most numbers in a batch over the median, and CPU ms per 1000 rows."""
    begin = time.process_time()
    first = epoch()
    spent = (time.process_time() - begin) / len(lengths) * 1e6
    second = epoch()
    longest = np.array([lengths[batch].max() * len(batch) for batch in first])
    share = 1 - lengths.sum() / longest.sum()
    members = [np.full(len(lengths), -1), np.full(len(lengths), -1)]
    for place, batches in zip(members, (first, second)):
        for number, batch in enumerate(batches):
            place[batch] = number
    pairs = np.array([pair for batch in first for pair in itertools.pairwise(batch)])
    again = np.mean(members[1][pairs[:, 0]] == members[1][pairs[:, 1]])
    return float(share), float(again), len(first), float(longest.max() / np.median(longest)), spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    default = os.environ.get("CURATE_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    asked = parser.parse_args()
    for name, lengths in sets(asked.rows, asked.data).items():
        budget = int(lengths.mean() * SIZE * 1.1)
        budget = max(budget, int(lengths.max()))
        plain, rows = Sampler(len(lengths), batch_size=SIZE), Sampler(len(lengths), batch_size=SIZE, lengths=lengths)
        tokens = Sampler(len(lengths), lengths=Lengths(lengths, batch_tokens=budget))
        ways = {
            "shuffled": lambda made=plain: list(made.batches()),
            "transformers LengthGroupedSampler": grouped(lengths),
            "curate, 32 rows": lambda made=rows: list(made.batches()),
            f"curate, {budget} tokens": lambda made=tokens: list(made.batches()),
        }
        print(f"\n{name}: {len(lengths):,} rows, mean {lengths.mean():.0f}, longest {lengths.max()}")
        print(f"{'':36}{'padding':>9}{'numbers':>9}{'company':>9}{'batches':>9}{'largest':>9}{'ms/1000':>9}")
        base = None
        for way, epoch in ways.items():
            share, again, count, largest, spent = figures(lengths, epoch)
            base = base or 1 / (1 - share)
            print(f"{way:36}{share:9.1%}{1 / (1 - share) / base:9.2f}{again:9.1%}{count:9}{largest:9.2f}{spent:9.2f}")


if __name__ == "__main__":
    main()
