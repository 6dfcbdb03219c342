"""What a sample costs on its way to the model: CPU milliseconds and peak memory, against other loaders, in one run.

    python -m benchmarks.loader [--only image,audio,video] [--workers 0,2] [--repeats 3] [--contestants curate,files]

Every contestant runs in a process of its own, in turns, with the same files, transforms and batches; medians count. CPU
time is that of the process and its workers, all threads, over the epochs after the first, so that neither imports nor
the start of workers count. Memory is the sum of the proportional set sizes of the process and its workers, sampled from
outside over the whole run. Peers that are not installed are left out, with what would install them: in an environment
of their own, or `pip install --target FOLDER --no-deps ...` and `PYTHONPATH=FOLDER`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._loader_data import prepare
from benchmarks._peaks import memory_mb, tree

EPOCHS = 3
POLL_SECONDS = 0.05
REACHABLE = 1.5
"""What a loader should cost less than the best peer; out of reach where that peer is nearer than so to the bound."""
COUNTS = {"image": 512, "audio": 256, "video": 64}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""For every contestant: the threads of torch's own operations spin while they wait, and cost the peers most."""
TICKS = os.sysconf("SC_CLK_TCK")


def module_of(modality: str) -> Any:
    """The contestants of a modality."""
    return importlib.import_module(
        f"benchmarks._loader_{modality}s" if modality != "audio" else "benchmarks._loader_audio"
    )


def cpu_seconds(root: int) -> float:
    """CPU seconds of a process, its threads, and its children, running or ended."""
    total = 0
    for pid in tree(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def one(modality: str, name: str, data: Path, workers: int) -> None:
    """Run a contestant here; prints CPU milliseconds per sample."""
    one_thread()
    loader = module_of(modality).CONTESTANTS[name](data, workers)
    if loader is None:  # it is another one without workers
        print("null")
        return
    before, samples = 0.0, 0
    for epoch in range(EPOCHS):
        if epoch == 1:
            before = cpu_seconds(os.getpid())
        for batch in loader:
            samples += _rows(batch) if epoch else 0
    print(json.dumps({"ms": (cpu_seconds(os.getpid()) - before) * 1e3 / samples, "samples": samples}))


def one_thread() -> None:
    """OpenCV as the rest."""
    import cv2

    cv2.setNumThreads(1)


def _rows(batch: Any) -> int:
    if isinstance(batch, dict):
        return len(next(iter(batch.values())))
    return len(batch[0]) if isinstance(batch, list | tuple) else len(batch)


def measured(modality: str, name: str, data: Path, workers: int) -> dict[str, float] | str | None:
    """A contestant in a process of its own: ms and MB, its last line of complaint, or None where it has no part."""
    command = [sys.executable, "-m", "benchmarks.loader", "--one", name, "--only", modality]
    command += ["--data", str(data), "--workers", str(workers)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(command, stdout=out, stderr=complaints, env=os.environ | ONE_THREAD)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, memory_mb(process.pid))
            time.sleep(POLL_SECONDS)
        out.seek(0)
        complaints.seek(0)
        if process.returncode:
            return (complaints.read().strip().splitlines() or ["it ended without a word"])[-1]
        found = json.loads(out.read().strip().splitlines()[-1])
        return None if found is None else found | {"mb": peak}


def compared(modality: str, data: Path, workers: int, repeats: int, chosen: list[str]) -> None:
    """Print the table of one modality and number of workers."""
    module = module_of(modality)
    names = [name for name in module.CONTESTANTS if not chosen or any(part in name for part in chosen)]
    for name in list(names):
        missing = [p for p in module.NEEDS.get(name, ()) if importlib.util.find_spec(p) is None]
        if missing:
            print(f"left out: {name} (pip install {' '.join(missing)})")
            names.remove(name)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            result = measured(modality, name, data, workers)
            if isinstance(result, str):
                print(f"failed: {name}: {result}")
            elif result is not None:
                found[name].append(result)
    ms = {name: statistics.median(r["ms"] for r in results) for name, results in found.items() if results}
    mb = {name: statistics.median(r["mb"] for r in results) for name, results in found.items() if results}
    base = next((ms[name] for name in ms if name.startswith("bound")), float("nan"))
    print(f"\n{modality}, {workers} worker(s){'':20}{'CPU ms/sample':>16}{'to the bound':>14}{'peak MB':>10}")
    for name in ms:
        print(f"{name:36}{ms[name]:16.3f}{ms[name] / base:14.2f}{mb[name]:10.0f}", flush=True)
    others = [name for name in ms if not name.startswith(("bound", "curate"))]
    own_decoding = [name for name in others if ", OpenCV" in name]
    for peers, how in (([n for n in others if n not in own_decoding], "as documented"), (own_decoding, "with OpenCV")):
        if peers:
            best, least = min(ms[name] for name in peers), min(mb[name] for name in peers)
            for ours in (name for name in ms if name.startswith("curate")):
                ratios = f"{best / ms[ours]:.2f} in time, {least / mb[ours]:.2f} in memory"
                print(f"best peer ({how}) to {ours}: {ratios}; {ours} to the bound: {ms[ours] / base:.2f}")
            if best < REACHABLE * base:
                print(
                    f"best peer ({how}) to the bound: {best / base:.2f}; one {REACHABLE} times as cheap as that peer"
                    " would cost less than the bound"
                )


def main() -> None:
    """Make the files, run the contestants, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="image,audio,video", help="modalities, separated by commas")
    parser.add_argument("--workers", default="0,2", help="numbers of workers, separated by commas")
    parser.add_argument("--repeats", type=int, default=3, help="how often each contestant runs")
    parser.add_argument("--contestants", default="", help="parts of names, separated by commas; all if left out")
    parser.add_argument("--data", type=Path, help="folder for the files, kept; a temporary one if left out")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.only, given.one, given.data, int(given.workers))
        return
    with tempfile.TemporaryDirectory() as temporary:
        for modality in given.only.split(","):
            folder = (given.data or Path(temporary)) / modality
            module = module_of(modality)
            prepare(modality, folder, COUNTS[modality], module.recipe())
            for workers in given.workers.split(","):
                chosen = [part for part in given.contestants.split(",") if part]
                compared(modality, folder, int(workers), given.repeats, chosen)


if __name__ == "__main__":
    main()
