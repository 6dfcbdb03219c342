"""What threads cost where other programs share the cores: the libraries' own against ours of one thread each.

    python -m benchmarks.busy [--others 4] [--texts 256] [--rows 8000] [--repeats 3] [--json FILE]

Other processes multiply matrices all the while. MiniLM embeds texts as torch does it by default, and as `curate` does;
heads of one embedding are cross-validated with the threads of the BLAS, and as `curate` does. CPU time of all threads.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from benchmarks._contest import Runs, contest, measured, show, write_json

TEXTS = ("MiniLM, threads of torch", "MiniLM, curate")
HEADS = ("heads, threads of the BLAS", "heads, curate")
WIDTH, CLASSES = 1_280, 5


def texts(way: str, count: int) -> Callable[[], None]:
    """Embed texts of some ten words."""
    import pyarrow as pa

    import curate
    from curate.evidence.encoders.text_models import MiniLmText
    from curate.evidence.measuring import take
    from curate.evidence.settings import EvidenceSettings

    rng, measure = np.random.default_rng(0), MiniLmText()
    words = [f"word{number}" for number in range(2_000)]
    made = pa.array([" ".join(rng.choice(words, rng.integers(5, 20))) for _ in range(count)])
    measure.measure(made[:8])  # loads the model
    if way == TEXTS[0]:
        return lambda: void(measure.measure(made))
    table = curate.load(pa.table({"text": made}), curate.Task(kind="unlabeled", text="text"))
    return lambda: void(take(table, [measure], EvidenceSettings()))


def heads(way: str, rows: int) -> Callable[[], None]:
    """Cross-validate heads on an embedding of 1,280 numbers."""
    from curate.evidence import blas_threads, heads, probabilities

    rng = np.random.default_rng(0)
    codes = rng.integers(0, CLASSES, rows)
    vectors = (rng.normal(size=(CLASSES, WIDTH))[codes] + 4 * rng.normal(size=(rows, WIDTH))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folds = rng.integers(0, 5, rows).astype(np.int8)
    fit = probabilities.cross_validated
    if way == HEADS[0]:
        fit = fit.__wrapped__  # type: ignore[attr-defined]
        heads.fitting_threads, heads.cores = nullcontext, lambda: 1  # type: ignore[assignment]
    with blas_threads.fitting_threads():
        fit(vectors[:500], codes[:500], CLASSES, folds[:500])  # imports
    return lambda: void(fit(vectors, codes, CLASSES, folds))


def void(_: object) -> None:
    """Nothing of what was made."""


def multiply() -> None:
    """Keep a core busy."""
    one = np.random.default_rng(0).normal(size=(300, 300))
    while True:
        one = np.tanh(one @ one)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others", type=int, default=2 * (os.cpu_count() or 1), help="busy processes beside")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        measured(texts(chosen.one, chosen.texts) if chosen.one in TEXTS else heads(chosen.one, chosen.rows))
        return
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the others alone
    others = [multiprocessing.get_context("spawn").Process(target=multiply, daemon=True) for _ in range(chosen.others)]
    for other in others:
        other.start()
    del os.environ["OPENBLAS_NUM_THREADS"]
    sizes = ["--texts", str(chosen.texts), "--rows", str(chosen.rows)]
    found: dict[str, Runs] = {}
    try:
        for ways, rows in ((TEXTS, chosen.texts), (HEADS, chosen.rows)):
            results = contest(__spec__.name, ways, sizes, chosen.repeats)
            print(f"{rows:,} rows beside {chosen.others} busy processes, medians of {chosen.repeats}")
            show(results, rows, ways[1])
            found |= results
    finally:
        for other in others:
            other.kill()
    write_json(chosen.json, found, [], chosen.rows)


if __name__ == "__main__":
    main()
