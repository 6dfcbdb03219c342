"""Mutated media through the decoders and through the audit: no crash, no hang, every file accounted for.

    python -m benchmarks.fuzz [--files 10000] [--modality image audio video] [--seed 0] [--limit 20] [--json PATH]

Sound files of every format that can be written here (`_fuzz_seeds`) are harmed one to three times each (`_mutations`);
file i of a modality and seed is always harmed in the same way. Each is decoded in a child process that is ended after
`--limit` seconds; then folders of them are audited with every default check, in children, too. Counted are: fine,
unreadable with a reason, escaped (an exception that is none of this library's), crashed (the process died), hung,
unaccounted (no row, or a row of which nothing was said). Files that did any of the last four are kept in `--keep`.
Exit code 0 if there were none, else 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._fuzz_seeds import seeds
from benchmarks._mutations import mutated

MODALITIES = ("image", "audio", "video")
SHARES = {"image": 0.6, "audio": 0.25, "video": 0.15}
"""Of the files, where several modalities are asked for."""
BATCH = {"image": 500, "audio": 250, "video": 150}
"""Files that are audited together."""
SOUND = 12
"""Files that are not harmed in each folder, so that there is something to compare with."""
FAULTS = ("escaped", "crashed", "hung", "unaccounted")
START_SECONDS = 180.0


@dataclass
class Counts:
    """What became of the files of one modality, in one of the two ways."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[dict[str, str]] = field(default_factory=list)
    peak_mb: int = 0
    seconds: float = 0.0

    def add(self, file: str, outcome: str, reason: str) -> None:
        """Count one file."""
        self.outcomes[outcome] += 1
        if outcome in FAULTS:
            self.faults.append({"file": file, "outcome": outcome, "reason": reason})
        elif outcome == "unreadable":
            self.reasons[reason.split(" (")[0].split(":")[0][:60]] += 1


class Decoding:
    """A child process that decodes, begun again where it died."""

    def __init__(self, modality: str, limit: float) -> None:
        self._modality, self._limit = modality, limit
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, path: Path) -> dict[str, Any]:
        """The verdict on one file."""
        process = self._started()
        process.stdin.write(f"{path}\n".encode())
        process.stdin.flush()
        said = self._answer(self._limit)
        if said is not None:
            return said
        dead = process.poll() is not None or self._is_over(process)
        process.kill()
        code = process.wait()
        self._forget()
        return {
            "outcome": "crashed" if dead else "hung",
            "reason": f"exit code {code}" if dead else f"no answer within {self._limit:g} s",
            "peak_mb": 0,
        }

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # what it was asked last
            self._process.stdin.close()
        self._process.stdout.close()
        self._process = None

    @staticmethod
    def _is_over(process: subprocess.Popen[bytes]) -> bool:
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks._fuzz_child", "decode", self._modality],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
            if self._answer(START_SECONDS) is None:
                raise RuntimeError("the child that decodes does not start")
        return self._process

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        stream = self._process.stdout
        ready, _, _ = select.select([stream], [], [], seconds)
        line = stream.readline() if ready else b""
        return json.loads(line) if line.endswith(b"\n") else None


def mutants(modality: str, count: int, seed: int) -> Iterator[tuple[str, bytes, list[str]]]:
    """``(name, bytes, mutations)`` of `count` harmed files; the name ends as the sound file's did."""
    sound = seeds(modality)
    names = list(sound)
    for i in range(count):
        rng = np.random.default_rng([seed, MODALITIES.index(modality), i])
        name = names[int(rng.integers(len(names)))]
        other = sound[names[int(rng.integers(len(names)))]]
        data, how = mutated(sound[name], other, rng)
        yield f"{i:06d}-{name}", data, how


def write(modality: str, count: int, seed: int, home: Path) -> list[Path]:
    """Folders of harmed files, with a few sound ones in each, in two classes."""
    folders: list[Path] = []
    sound = list(seeds(modality).items())[:SOUND]
    for i, (name, data, _) in enumerate(mutants(modality, count, seed)):
        if i % BATCH[modality] == 0:
            folders.append(home / f"{modality}-{len(folders):03d}")
            for j, (plain, content) in enumerate(sound):
                (folders[-1] / "ab"[j % 2]).mkdir(parents=True, exist_ok=True)
                (folders[-1] / "ab"[j % 2] / f"sound-{plain}").write_bytes(content)
        (folders[-1] / "ab"[i % 2] / name).write_bytes(data)
    return folders


def decode(modality: str, paths: Sequence[Path], limit: float, workers: int) -> Counts:
    """Every file through the decoders, in `workers` children."""
    counts, started = Counts(), time.perf_counter()

    def work(part: Sequence[Path]) -> list[tuple[Path, dict[str, Any]]]:
        child = Decoding(modality, limit)
        try:
            return [(path, child.ask(path)) for path in part]
        finally:
            child.close()

    with ThreadPoolExecutor(workers) as pool:
        for answers in pool.map(work, [paths[w::workers] for w in range(workers)]):
            for path, said in answers:
                counts.add(str(path), said["outcome"], said["reason"])
                counts.peak_mb = max(counts.peak_mb, said["peak_mb"])
    counts.seconds = time.perf_counter() - started
    return counts


def audit(modality: str, folders: Sequence[Path], limit: float) -> Counts:
    """Every folder through the audit; one that ends the process or the time is halved until the file is found."""
    counts, started = Counts(), time.perf_counter()
    for folder in folders:
        _audit_folder(modality, folder, limit, counts)
    counts.seconds = time.perf_counter() - started
    return counts


def _audit_folder(modality: str, folder: Path, limit: float, counts: Counts) -> None:
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("?/*"))
    harmed = [file for file in files if "sound-" not in file]
    out = folder.with_suffix(".json")
    outcome, why = _run_audit(modality, folder, out, limit * len(files) / 4)
    if why and not _is_of_files(modality, folder, harmed, limit):
        raise RuntimeError(f"the audit fails on sound files, too: {why}")
    if why and len(harmed) == 1:
        counts.add(str(folder / harmed[0]), outcome, why)
    elif why:
        for half in (harmed[::2], harmed[1::2]):
            part = folder.with_name(f"{folder.name}-{half[0][-10:]}")
            shutil.copytree(folder, part)
            for file in set(harmed) - set(half):
                (part / file).unlink()
            _audit_folder(modality, part, limit, counts)
            shutil.rmtree(part)
    else:
        said = json.loads(out.read_text())
        counts.peak_mb = max(counts.peak_mb, said["peak_mb"])
        for check, fault in said["skipped"].items():
            counts.add(str(folder), "escaped", f"the check {check}: {fault}")
        for file in harmed:
            row = said["rows"].get(file, {"outcome": "unaccounted", "reason": "no row"})
            counts.add(str(folder / file), row["outcome"], row["reason"])
        for file in set(files) - set(harmed):
            if said["rows"][file]["outcome"] != "fine":
                counts.add(str(folder / file), "unaccounted", f"a sound file: {said['rows'][file]}")


def _run_audit(modality: str, folder: Path, out: Path, seconds: float) -> tuple[str, str]:
    """Audit a folder in a child; what went wrong, and why (empty where nothing did)."""
    command = [sys.executable, "-m", "benchmarks._fuzz_child", "audit", modality, str(folder), str(out)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=START_SECONDS + seconds, text=True)
    except subprocess.TimeoutExpired:
        return "hung", "the audit did not end"
    if done.returncode == 0:
        return "fine", ""
    outcome = "crashed" if done.returncode < 0 else "escaped"
    return outcome, f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"


def _is_of_files(modality: str, folder: Path, harmed: Sequence[str], limit: float) -> bool:
    """Whether the audit goes well without the harmed files, so that one of these is to blame."""
    leave = {Path(file).name for file in harmed}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
        sound = shutil.copytree(folder, Path(home) / "set", ignore=lambda _, names: [n for n in names if n in leave])
        return not _run_audit(modality, sound, Path(home) / "out.json", limit)[1]


def fuzz(
    files: int, modalities: Sequence[str], seed: int, limit: float, workers: int, keep: Path | None, with_audit: bool
) -> dict[str, Any]:
    """Fuzz, and give the counts as JSON holds them."""
    found: dict[str, Any] = {"files": files, "seed": seed, "limit_seconds": limit, "modalities": {}}
    total = sum(SHARES[m] for m in modalities)
    for modality in modalities:
        count = round(files * SHARES[modality] / total)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
            folders = write(modality, count, seed, Path(home))
            paths = [path for folder in folders for path in sorted(folder.glob("?/*")) if "sound-" not in path.name]
            ways = {"decoders": decode(modality, paths, limit, workers)}
            if with_audit:
                ways["audit"] = audit(modality, folders, limit)
            for way, counts in ways.items():
                _show(modality, way, count, counts)
            if keep is not None:
                _keep(keep / modality, ways)
        found["modalities"][modality] = {
            way: {
                "files": count,
                **{name: counts.outcomes[name] for name in ("fine", "unreadable", *FAULTS)},
                "reasons": dict(counts.reasons.most_common()),
                "faults": counts.faults,
                "peak_mb": counts.peak_mb,
                "seconds": round(counts.seconds, 1),
            }
            for way, counts in ways.items()
        }
    return found


def _show(modality: str, way: str, count: int, counts: Counts) -> None:
    numbers = " ".join(f"{counts.outcomes[name]:>11,}" for name in ("fine", "unreadable", *FAULTS))
    print(f"{modality:<8} {way:<9} {count:>7,} {numbers} {counts.peak_mb:>8,} {counts.seconds:>8.1f}", flush=True)
    for fault in counts.faults[:20]:
        print(f"  {fault['outcome']}: {Path(fault['file']).name}: {fault['reason']}", flush=True)


def _keep(folder: Path, ways: dict[str, Counts]) -> None:
    for counts in ways.values():
        for fault in counts.faults:
            if Path(fault["file"]).is_file():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(fault["file"], folder)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="over all modalities: 60 %% images, 25 %% audio")
    parser.add_argument("--modality", nargs="+", choices=MODALITIES, default=list(MODALITIES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds per file")
    parser.add_argument("--workers", type=int, default=2, help="children that decode at once")
    parser.add_argument("--no-audit", action="store_true", help="the decoders alone")
    parser.add_argument("--keep", type=Path, help="folder for files that crashed, hung or were unaccounted")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    names = ("fine", "unreadable", *FAULTS)
    heads = " ".join(f"{name:>11}" for name in names)
    print(f"{'':<8} {'':<9} {'files':>7} {heads} {'peak MB':>8} {'s':>8}")
    found = fuzz(given.files, given.modality, given.seed, given.limit, given.workers, given.keep, not given.no_audit)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    bad = sum(ways[way][name] for ways in found["modalities"].values() for way in ways for name in FAULTS)
    print("no crash, no hang, every file accounted for" if not bad else f"{bad} files are at fault")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
